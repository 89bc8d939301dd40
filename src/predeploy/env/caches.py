"""What lies in the cache directory, how much of it there is, and how it is removed again.

Only entries of :data:`KINDS` are ever removed, only from a directory that predeploy made, and only while no
run uses it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from predeploy.errors import UsageError
from predeploy.paths import MARKER, cache_root, claim, is_claimed
from predeploy.record import record, replace

IN_USE = ".in-use.lock"
"""Held by every run, shared, and by whoever removes something, alone."""

WAIT_SECONDS = 60.0
UV_SECONDS = 600.0
DAY_SECONDS = 86_400
_UNFINISHED = re.compile(r"\..+\.(?:[0-9a-f]{8}|[0-9]+)")
"""What a killed run leaves: a directory that was being made, a file that was being written."""

Unit = Literal["whole", "entries", "files"]


@record
class Kind:
    """One kind of content of the cache."""

    name: str
    entry: str
    """Pattern of its names in the cache directory."""
    holds: str
    unit: Unit = "entries"
    """What is unused by itself: all of it, each entry of its directory, or each file below."""


KINDS = (
    Kind(name="uv", entry="uv", holds="wheels and pages, as uv keeps them", unit="whole"),
    Kind(name="pip", entry="pip", holds="pages and files, as pip keeps them", unit="files"),
    Kind(name="tools", entry="tools", holds="pip, uv, Poetry, Pipenv in the hosts' versions"),
    Kind(name="environments", entry="environments", holds="environments that builds begin with"),
    Kind(
        name="build-caches", entry="build-caches", holds="what hosts keep of one build of an app for its next"
    ),
    Kind(name="pycache", entry="pycache", holds="bytecode of installed packages", unit="files"),
    Kind(name="placed", entry="placed", holds="files of distributions that were looked through"),
    Kind(name="decisions", entry="decisions", holds="what pip decided, and what it rests on"),
    Kind(name="virtualenv", entry="virtualenv", holds="virtualenv's own seeds", unit="whole"),
    Kind(name="poetry", entry="poetry", holds="files, as Poetry keeps them", unit="whole"),
    Kind(name="python", entry="python", holds="interpreters that uv fetched"),
    Kind(name="fetches", entry="fetch-*", holds="interpreters that could not be fetched", unit="whole"),
    Kind(name="interpreters", entry="interpreters.json", holds="what interpreters answered", unit="whole"),
    Kind(name="profiles", entry="profiles", holds="profiles, parsed"),
)
"""All that predeploy keeps, in the order it is counted: a file linked twice counts where it comes first."""


@record
class Content:
    """How much there is of one kind."""

    kind: Kind
    size: int
    """Bytes on the disk."""
    files: int


@record
class Removed:
    """What a removal did."""

    paths: tuple[Path, ...] = ()
    size: int = 0
    """Bytes that were freed."""
    left: tuple[str, ...] = ()
    """What could not be removed, and why."""


# --- who uses it


@contextmanager
def in_use(root: Path) -> Iterator[None]:
    """Keep others from removing anything; a directory that cannot be written needs no protection from us."""
    descriptor = None
    try:
        claim(root)
        descriptor = os.open(root / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _lock(descriptor, fcntl.LOCK_SH, patience=WAIT_SECONDS)
    except OSError:
        pass
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the cache directory alone; raise :class:`UsageError` where a run uses it."""
    try:
        descriptor = os.open(root / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(f"{root}: {(error.strerror or 'cannot be written').lower()}") from None
    try:
        if not _lock(descriptor, fcntl.LOCK_EX, patience=0):
            raise UsageError(f"{root}: a run is using it; nothing was removed")
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, *, patience: float) -> bool:
    """Return whether the lock is ours, or where there are no locks, may be taken for ours."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        except OSError:
            return True
        else:
            return True


# --- how much there is


def contents(root: Path) -> tuple[Content, ...]:
    """Return what is there of each kind."""
    seen: set[tuple[int, int]] = set()
    found = []
    for kind in KINDS:
        size = files = 0
        for entry in entries_of(root, kind):
            more, count = _measured(entry, seen)
            size, files = size + more, files + count
        found.append(Content(kind=kind, size=size, files=files))
    return tuple(found)


def others(root: Path) -> tuple[str, ...]:
    """Return the names in the cache directory that are none of ours, which nothing here removes."""
    known = {entry.name for kind in KINDS for entry in entries_of(root, kind)} | {MARKER, IN_USE}
    with suppress(OSError):
        return tuple(sorted({entry.name for entry in root.iterdir()} - known))
    return ()


def entries_of(root: Path, kind: Kind) -> list[Path]:
    """Return the paths in the cache directory that are of a kind."""
    return sorted(root.glob(kind.entry))


def _measured(path: Path, seen: set[tuple[int, int]]) -> tuple[int, int]:
    size = files = 0
    for status in _statuses(path):
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            size += status.st_blocks * 512
            files += not stat.S_ISDIR(status.st_mode)
    return size, files


def _statuses(path: Path) -> Iterator[os.stat_result]:
    """Yield what lies at a path and below, links as links."""
    waiting = [str(path)]
    while waiting:
        current = waiting.pop()
        with suppress(OSError):
            status = os.lstat(current)
            yield status
            if stat.S_ISDIR(status.st_mode):
                waiting += [entry.path for entry in os.scandir(current)]


# --- removing


def clean(environ: Mapping[str, str]) -> Removed:
    """Remove everything of ours; raise :class:`UsageError` where it is not ours, or in use."""
    root = cache_root(environ)
    return _removing(root, environ, lambda: [e for kind in KINDS for e in entries_of(root, kind)])


def prune(environ: Mapping[str, str], days: float, now: float) -> Removed:
    """Remove what was not used for ``days``, and what killed runs left; raise as :func:`clean` does."""
    root = cache_root(environ)
    limit = now - days * DAY_SECONDS

    def stale() -> list[Path]:
        return [path for kind in KINDS for path in _stale(root, kind, limit)]

    removed = _removing(root, environ, stale)
    return replace(removed, size=removed.size + _pruned_by_uv(root))


def _removing(root: Path, environ: Mapping[str, str], chosen: Callable[[], list[Path]]) -> Removed:
    if not root.is_dir():
        return Removed()
    is_default = root == cache_root({**environ, "PREDEPLOY_CACHE_DIR": ""})
    if not is_claimed(root) and not is_default:
        raise UsageError(f"{root}: not made by predeploy (it has no {MARKER} of ours); nothing was removed")
    with _alone(root):
        return _removed(chosen())


def _pruned_by_uv(root: Path) -> int:
    """Let uv remove what nothing of its own cache leads to any more, and return the bytes that are gone."""
    from predeploy.env.ask import capture
    from predeploy.env.tools import uv_binary

    directory = root / "uv"
    if not directory.is_dir():
        return 0
    before = _measured(directory, set())[0]
    argv = (str(uv_binary()), "cache", "prune", "--quiet", "--no-config", "--cache-dir", str(directory))
    capture(argv, timeout=UV_SECONDS)
    return max(0, before - _measured(directory, set())[0])


def _removed(paths: list[Path]) -> Removed:
    from predeploy.env.work import remove_tree

    seen: set[tuple[int, int]] = set()
    gone: list[Path] = []
    left: list[str] = []
    freed = 0
    for path in paths:
        size = sum(status.st_blocks * 512 for status in _statuses(path) if _is_last(status, seen))
        try:
            if path.lstat().st_uid != os.geteuid():
                left.append(f"{path}: belongs to another user")
                continue
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            left.append(f"{path}: {(error.strerror or 'cannot be removed').lower()}")
            continue
        if os.path.lexists(path):
            left.append(f"{path}: cannot be removed")
        else:
            gone.append(path)
            freed += size
    return Removed(paths=tuple(gone), size=freed, left=tuple(left))


def _is_last(status: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    """Return whether removing this name frees its bytes: no other name is left, as far as one can tell."""
    if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
        return True
    key = status.st_dev, status.st_ino
    first = key not in seen
    seen.add(key)
    return first


def _stale(root: Path, kind: Kind, limit: float) -> Iterator[Path]:
    for entry in entries_of(root, kind):
        if kind.unit == "whole" or not entry.is_dir() or entry.is_symlink():
            units: list[Path] = [entry]
        elif kind.unit == "entries":
            units = sorted(entry.iterdir())
        else:
            units = [Path(where, name) for where, _, names in os.walk(entry) for name in names]
        yield from (unit for unit in units if _is_stale(unit, limit))


def _is_stale(unit: Path, limit: float) -> bool:
    if _UNFINISHED.fullmatch(unit.name):
        return True  # nobody is at it, since no run is
    return _last_use(unit) < limit


def _last_use(unit: Path) -> float:
    """Return when a file of it was last read, written or linked; listing a directory is no use of it."""
    return max(
        (
            max(status.st_atime, status.st_mtime, status.st_ctime)
            for status in _statuses(unit)
            if not stat.S_ISDIR(status.st_mode)
        ),
        default=0.0,
    )
