"""An interpreter of the run's own, for hosts that install into the image's interpreter itself.

A virtualenv is made first, with the host's seeds. It is then turned into what looks like an installation: a
copy of the executable, and a standard library of links. Where a sandbox keeps the machine's interpreters
read-only, a link may stand for a whole directory. Elsewhere there is one a file, in real directories: what a
command writes (bytecode, distributions, grammar caches) replaces a link or lies beside it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from predeploy.errors import ToolError

LEFT_OUT = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo", "EXTERNALLY-MANAGED"}
)
"""What of a standard library an image's interpreter does without, or must not have."""

LIBRARIES = ("lib", "lib64")
OF_A_VIRTUALENV = ("pyvenv.cfg", ".gitignore", "CACHEDIR.TAG", ".lock")
GUARD = "PIP_REQUIRE_VIRTUALENV"
"""Keeps every other interpreter's pip from installing; this one forgets about it."""
GUARD_FILE = "_predeploy_guard.pth"


def make_base(venv: Path, interpreter: Path, *, guarded: bool) -> None:
    """Turn a fresh virtualenv into an installation; raise :class:`ToolError` where that cannot be done.

    ``interpreter`` is the executable of the machine. ``guarded``: nothing but us keeps commands from writing
    to the machine's own interpreters, and they carry :data:`GUARD`.
    """
    try:
        name = _version_name(venv)
        _forget_virtualenv(venv, name)
        _executables(venv, interpreter, name)
        _library(venv, interpreter, name, deep=guarded)
        if guarded:
            text = f"import os; os.environ.pop({GUARD!r}, None)\n"
            (venv / "lib" / name / "site-packages" / GUARD_FILE).write_text(text, "utf-8")
    except (OSError, shutil.Error) as error:
        raise ToolError(f"no interpreter of the run's own could be made of {interpreter}: {error}") from None


def _version_name(venv: Path) -> str:
    """Return ``python3.11`` as the virtualenv's library is called."""
    found = sorted(venv.glob("lib/python*/site-packages"))
    if not found:
        raise FileNotFoundError(f"{venv} has no site-packages")
    return found[0].parent.name


def _forget_virtualenv(venv: Path, name: str) -> None:
    packages = venv / "lib" / name / "site-packages"
    places = [venv / word for word in OF_A_VIRTUALENV]
    places += [*venv.glob("bin/*activate*"), *packages.glob("_virtualenv.*"), venv / "lib64"]
    for place in places:
        with suppress(FileNotFoundError, IsADirectoryError):
            place.unlink()


def _executables(venv: Path, interpreter: Path, name: str) -> None:
    """Copy the executable, since Python looks for its library beside the file that a link leads to."""
    programs = venv / "bin"
    for alias in ("python", "python3", name):
        (programs / alias).unlink(missing_ok=True)
    shutil.copy2(interpreter.resolve(), programs / name)
    for alias in ("python", "python3"):
        (programs / alias).symlink_to(name)


def _library(venv: Path, interpreter: Path, name: str, *, deep: bool) -> None:
    prefix = interpreter.resolve().parent.parent
    found = False
    for library in LIBRARIES:
        own = prefix / library
        if (own / name / "os.py").is_file() and not own.is_symlink():
            link_tree(own / name, venv / library / name, deep=deep)
            found = True
        for shared in own.glob("libpython*.so*"):
            _link(shared, venv / library / shared.name)
    if not found:
        raise FileNotFoundError(f"{prefix} has no standard library of {name}")
    if (prefix / "include" / name).is_dir():
        link_tree(prefix / "include" / name, venv / "include" / name, deep=deep)
    packages = venv / "lib" / "python3" / "dist-packages"  # where Debian's interpreter looks
    packages.parent.mkdir(exist_ok=True)
    _link(Path("..", name, "site-packages"), packages)


def link_tree(source: Path, target: Path, *, deep: bool) -> None:
    """Make ``target`` a directory whose entries are links into ``source``; ``deep``: down to the files."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in _entries(source):
        place = target / entry.name
        if deep and entry.is_dir(follow_symlinks=False):
            link_tree(Path(entry.path), place, deep=True)
        else:
            _link(Path(entry.path), place)


def _entries(directory: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            # Optimised bytecode is made again by the few who ask for it.
            if entry.name not in LEFT_OUT and not entry.name.endswith((".opt-1.pyc", ".opt-2.pyc", ".a")):
                yield entry


def _link(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        place.symlink_to(source)
