"""The figures of predeploy, each a ratio to public tools: ``python benchmarks/bench.py --help``.

naive is what one does by hand: make a virtualenv, pin pip, install, import. What is compared is run in turns,
round by round, and the ratio is that of the medians; the seconds of two runs say nothing about one another.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import FOUR, Bench, Figure
from mirror import KIND
from rows import ROWS

APPS = ("flask", "streamlit", "django")


def main() -> int:
    arguments = parsed()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    base = Path(tempfile.mkdtemp(prefix="bench-of-predeploy-", dir=arguments.place))
    figures: list[dict[str, Any]] = []
    print(f"{'app':<10}{'figure':<20}{'ours':>12}{'theirs':>12}{'ratio':>8}     goal")
    try:
        for app in arguments.apps:
            bench = Bench(app, base / app, arguments.store, delay=arguments.delay / 1000, four=arguments.four)
            try:
                bench.fill()
                for row in ROWS:
                    if arguments.rows and row.name not in arguments.rows:
                        continue
                    if row.of_app or app == arguments.apps[0]:
                        figures.append(measured(row.name, row.goal, row.make, bench, arguments.rounds))
            finally:
                bench.close()
        document = {"machine": machine(base, arguments), "rounds": arguments.rounds, "figures": figures}
    finally:
        if arguments.keep:
            print(f"kept: {base}")
        else:
            shutil.rmtree(base, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--apps", type=lambda text: text.split(","), default=["flask"], help="|".join(APPS))
    parser.add_argument("--rows", nargs="*", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--four", nargs="*", default=FOUR, metavar="ID", help="platforms side by side")
    parser.add_argument("--delay", type=float, default=20, help="ms added to each answer of the index")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--place", type=Path, help="directory to work in; all of it on one file system")
    parser.add_argument("--keep", action="store_true", help="keep what was made")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--store", type=Path, default=cache / "predeploy-bench", help="files of the index")
    arguments = parser.parse_args()
    wrong = set(arguments.apps) - set(APPS)
    if wrong:
        parser.error(f"no such app: {', '.join(sorted(wrong))}")
    return arguments


def measured(
    name: str, goal: float, make: Callable[[Bench], Figure], bench: Bench, rounds: int
) -> dict[str, Any]:
    """Run the two sides of a figure in turns, and print and return what came of it."""
    figure = make(bench)
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds if figure.repeat else 1):
        sides = [(figure.ours, ours), (figure.theirs, theirs)]
        for side, values in sides if number % 2 == 0 else sides[::-1]:
            values.append(side())
    mine, other = statistics.median(ours), statistics.median(theirs)
    ratio = mine / other
    verdict = "ok" if ratio <= goal else "MISSED"
    show = figure.show
    print(
        f"{bench.app:<10}{name:<20}{show(mine):>12}{show(other):>12}{ratio:>8.3f}  <= {goal:<6.3g}{verdict}"
        f"  {figure.note}",
        flush=True,
    )
    return {
        "app": bench.app,
        "figure": name,
        "ours": ours,
        "theirs": theirs,
        "ratio": ratio,
        "goal": goal,
        "reached": ratio <= goal,
        "note": figure.note,
    }


def machine(place: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what of this machine the figures depend on."""
    from measure import filesystem, version_of

    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "filesystem": filesystem(place),
        "index": f"{KIND}, {arguments.delay:g} ms a request",
        "platforms side by side": list(arguments.four),
        "python": platform.python_version(),
        "pip": version_of([sys.executable, "-m", "pip"]),
        "uv": version_of([str(Path(sys.executable).with_name("uv"))]),
        "load": os.getloadavg(),
    }


if __name__ == "__main__":
    sys.exit(main())
