"""The figures, one function each."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from measure import PLATFORM, Bench, Figure, bytes_text, disk

from predeploy.profiles.registry import Registry


@dataclass(frozen=True)
class Row:
    """A figure: its name, the most its ratio may be, and how it is measured."""

    name: str
    goal: float
    make: Callable[[Bench], Figure]
    of_app: bool = True


def check(bench: Bench) -> Figure:
    every = Registry(plugins={}).default_ids()
    argv = [str(Path(sys.executable).with_name("predeploy")), "check", str(bench.tree)]
    argv += [word for name in every for word in ("-p", name)]

    def timed(command: list[str], times: int = 5) -> float:
        begun = perf_counter()
        for _ in range(times):
            subprocess.run(command, env=dict(bench.warm), capture_output=True, check=False)
        return (perf_counter() - begun) / times

    timed(argv, 1)
    return Figure(
        lambda: timed(argv),
        lambda: timed([sys.executable, "-c", "import pydantic, yaml"]),
        f"{len(every)} platforms against importing pydantic and yaml",
    )


def changed(bench: Bench) -> Figure:
    def ours() -> float:
        bench.change()
        return bench.build([PLATFORM], bench.warm)[0]

    return Figure(ours, lambda: bench.naive(bench.warm), "one platform, inputs changed, against naive")


def unchanged(bench: Bench) -> Figure:
    bench.change()
    bench.build([PLATFORM], bench.warm)
    bench.build([PLATFORM], bench.warm)
    return Figure(
        lambda: bench.build([PLATFORM], bench.warm)[0],
        lambda: bench.naive(bench.warm),
        "one platform, nothing changed, against naive",
    )


def four_changed(bench: Bench) -> Figure:
    def ours() -> float:
        bench.change()
        return bench.build(bench.four, bench.warm)[0]

    return Figure(
        ours, lambda: bench.naive(bench.warm, 4), "four platforms, inputs changed, against four naive"
    )


def four_unchanged(bench: Bench) -> Figure:
    bench.change()
    bench.build(bench.four, bench.warm)
    bench.build(bench.four, bench.warm)
    return Figure(
        lambda: bench.build(bench.four, bench.warm)[0],
        lambda: bench.naive(bench.warm, 4),
        "four platforms, nothing changed, against four naive",
    )


def replayed(bench: Bench) -> Figure:
    bench.change()
    document = bench.build([PLATFORM], bench.warm)[1]
    pins = bench.base / "pins.txt"
    pins.write_text(
        "".join(f"{one['name']}=={one['version']}\n" for one in document["platforms"][0]["installed"])
    )
    bench.by_uv(pins, bench.warm)

    def ours() -> float:
        document = bench.build([PLATFORM], bench.warm, until="install")[1]
        return float(document["platforms"][0]["seconds"]["install"])

    return Figure(ours, lambda: bench.by_uv(pins, bench.warm), "install phase, replayed, against uv")


def cold(bench: Bench) -> Figure:
    return Figure(
        lambda: bench.build([PLATFORM], bench.cold())[0],
        lambda: bench.naive(bench.cold()),
        "one platform, cold, against naive, cold",
    )


def fetched(bench: Bench) -> Figure:
    def sent(platforms: tuple[str, ...]) -> float:
        env = bench.cold()
        before = bench.mirror.log.sent
        bench.build(platforms, env)
        return float(bench.mirror.log.sent - before)

    note = "bytes for four platforms, cold, against one"
    return Figure(lambda: sent(bench.four), lambda: sent((PLATFORM,)), note, repeat=False, show=bytes_text)


def disk_of_four(bench: Bench) -> Figure:
    work = bench.fresh("work")
    work.mkdir()
    bench.build(bench.four, bench.warm, "--keep", "--work-dir", str(work))
    places = sorted(work.glob("*/venv")) or sorted(work.glob("*/*/venv"))
    if len(places) != len(bench.four):
        sys.exit(f"found {len(places)} environments of {len(bench.four)} below {work}")
    one = disk(places[:1], set())
    seen: set[tuple[int, int]] = set()
    disk([bench.base / "cache", places[0]], seen)
    rest = disk(places[1:], seen)
    note = "disk of three more environments against the first"
    return Figure(lambda: float(rest), lambda: float(one), note, repeat=False, show=bytes_text)


ROWS: tuple[Row, ...] = (
    Row("check", 1.5, check, of_app=False),
    Row("one-changed", 1 / 4, changed),
    Row("one-unchanged", 1 / 10, unchanged),
    Row("four-changed", 1 / 4, four_changed),
    Row("four-unchanged", 1 / 9, four_unchanged),
    Row("install-replayed", 2.0, replayed),
    Row("cold", 1 / 2.5, cold),
    Row("bytes-of-four", 1.1, fetched),
    Row("disk-of-four", 0.2, disk_of_four),
)
