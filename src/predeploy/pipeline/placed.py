"""Distributions placed into an environment by uv, from outside, and left there as pip leaves them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from predeploy.env.commands import Command
from predeploy.env.decided import Pin
from predeploy.env.intact import OF_UV, damaged
from predeploy.env.tools import uv_binary
from predeploy.errors import ToolError

if TYPE_CHECKING:
    from predeploy.pipeline.stage import Stage

SECONDS = 900.0
HEAD = 1024
"""Bytes of a script in which its interpreter is named."""

_HASH_OF_PIP = "sha256=zuuue4knoyJ-UwPPXg8fezS7VCrXJQrAP7zeNuwvFQg"
"""Of the four bytes that pip writes into ``INSTALLER``."""


def place_all(stage: Stage, pins: tuple[Pin, ...], name: str) -> str:
    """Place the files of these distributions; return why that could not be done, empty when it was.

    uv runs outside the sandbox, where it can link, and nothing of the app is run: it takes wheels by their
    hash, resolves nothing and builds nothing.
    """
    if not pins:
        return ""
    listed = stage.work.root / f"{name}.pins"
    listed.write_text("".join(f"{_line(stage, pin)}\n" for pin in pins), "utf-8")
    command = Command(
        argv=_argv(stage, listed, by_hash=bool(pins[0].sha256)),
        cwd=stage.work.root,
        env={**stage.outer_env, **_dated(stage), "UV_CACHE_DIR": str(stage.cache / "uv")},
        log=stage.work.logs / f"{len(stage.results) + 1:02}-{name}.place.log",
        timeout_seconds=SECONDS,
    )
    trouble = _run(stage, command)
    harmed = () if trouble else _harmed(stage, pins)
    if harmed:
        stage.say(f"damaged in the cache, and fetched again: {', '.join(harmed)}")
        clean = replace(command, argv=(str(uv_binary()), "cache", "clean", "--force", *harmed))
        stage.runner.run(clean)
        trouble = _run(stage, replace(command, argv=(*command.argv, "--reinstall")))
        harmed = () if trouble else _harmed(stage, pins)
    if harmed:  # and they are in the environment by now, where the tool itself would take them for good
        raise ToolError(f"the files of {', '.join(harmed)} are not what their record says")
    if trouble:
        return trouble
    _move_in(stage)
    if pins[0].sha256:
        _leave_as_pip_does(stage.work.venv, pins)
    return ""


def _run(stage: Stage, command: Command) -> str:
    """Run uv, first with what is in the cache alone; return what is wrong, empty when it placed all."""
    # What is in the cache needs no question to the index, whatever that says of its files' freshness.
    done = stage.runner.run(replace(command, argv=(*command.argv, "--offline")))
    if done.status == "failed":
        done = stage.runner.run(command)
    if done.status == "interrupted":
        from predeploy.pipeline.stage import Interrupted

        raise Interrupted
    if done.status == "ok":
        return ""
    last = next((line.strip() for line in reversed(done.tail.splitlines()) if line.strip()), done.status)
    return f"uv could not place what was chosen ({last[:200]})"


def _harmed(stage: Stage, pins: tuple[Pin, ...]) -> tuple[str, ...]:
    return damaged(_placed(stage.work.venv, pins), stage.cache / "placed")


def _placed(environment: Path, pins: tuple[Pin, ...]) -> Iterator[Path]:
    """Yield the descriptions of what was placed."""
    from packaging.utils import canonicalize_name

    names = {canonicalize_name(pin.name) for pin in pins}
    for packages in environment.glob("lib/python*/site-packages"):
        for place in _descriptions(packages):
            if canonicalize_name(place.name.partition("-")[0]) in names:
                yield place


def _line(stage: Stage, pin: Pin) -> str:
    """Return the requirement of one file; a local one is named as it lies on this machine."""
    if not pin.sha256:
        return f"{pin.name}=={pin.version}"
    url = pin.url.partition("#")[0]
    if url.startswith("file:"):
        url = stage.sandbox.outside(unquote(urlsplit(url).path)).as_uri()
    return f"{pin.name} @ {url} --hash=sha256:{pin.sha256}"


def _dated(stage: Stage) -> dict[str, str]:
    from predeploy.pipeline.dates import limits

    return {"UV_NO_CONFIG": "1", **limits(stage.plan)}


def _argv(stage: Stage, listed: Path, *, by_hash: bool) -> tuple[str, ...]:
    options: tuple[str, ...] = ("--no-deps", "--no-build", "--no-progress")
    options += ("--require-hashes", "--no-index") if by_hash else ()
    mode = "hardlink" if stage.may_link else "clone" if os.uname().sysname == "Darwin" else "copy"
    where = ("--prefix", str(stage.work.venv), "--python", str(stage.template / "bin/python"))
    return (str(uv_binary()), "pip", "install", *options, "--link-mode", mode, *where, "-r", str(listed))


def _move_in(stage: Stage) -> None:
    """Let new scripts name the interpreter as commands see it, and share no file that is run."""
    wrong = os.fsencode(stage.template / "bin")
    right = os.fsencode(stage.places["bin"])
    for path in tuple((stage.work.venv / "bin").iterdir()):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            continue
        data = path.read_bytes()
        if wrong in data[:HEAD] or status.st_nlink > 1:
            beside = path.with_name(f".{path.name[:40]}.new")
            beside.write_bytes(data[:HEAD].replace(wrong, right) + data[HEAD:])
            beside.chmod(stat.S_IMODE(status.st_mode))
            beside.replace(path)
    stage.linked = stage.linked or stage.may_link


def _leave_as_pip_does(environment: Path, pins: tuple[Pin, ...]) -> None:
    """Take away what uv notes of its own, so that the environment answers as one that pip filled."""
    from packaging.utils import canonicalize_name

    requested = {canonicalize_name(pin.name) for pin in pins if pin.requested}
    for place in tuple(_placed(environment, pins)):
        _tidy(place, requested=canonicalize_name(place.name.partition("-")[0]) in requested)


def _descriptions(packages: Path) -> Iterator[Path]:
    with os.scandir(packages) as entries:
        yield from (Path(entry.path) for entry in entries if entry.name.endswith(".dist-info"))


def _tidy(place: Path, *, requested: bool) -> None:
    gone = (*OF_UV, *(() if requested else ("REQUESTED",)))
    for name in gone:
        with suppress(FileNotFoundError):
            (place / name).unlink()
    _write(place / "INSTALLER", "pip\n")
    record = place / "RECORD"
    with suppress(OSError):
        lines = record.read_text("utf-8").splitlines(keepends=True)
        left_out = tuple(f"{place.name}/{name}," for name in (*gone, "INSTALLER"))
        kept = [line for line in lines if not line.startswith(left_out)]
        _write(record, "".join((*kept, f"{place.name}/INSTALLER,{_HASH_OF_PIP},4\n")))


def _write(path: Path, text: str) -> None:
    """Replace a file, which may be a link into the cache and is then not to be written to."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, "utf-8")
    beside.replace(path)
