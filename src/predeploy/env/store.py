"""Directories that are made once and used by every later run: whole or not there, and as they were made."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.errors import ToolError

if TYPE_CHECKING:
    from filelock import FileLock

COMPLETE = ".predeploy-complete"
"""Written last: what the directory holds; one without it is never used."""

LOCK_SECONDS = 600.0
LOOK_SECONDS = 0.2

Make = Callable[[Path], None]
Say = Callable[[str], None]


def unheard(text: str) -> None:
    """Hear what nobody wants to know."""


def made_once(
    target: Path,
    make: Make,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    say: Say = unheard,
) -> Path:
    """Return ``target``, which ``make`` fills under another name when it is not there yet.

    One whose files are not what was made is made again, which ``say`` is told. ``cancelled`` ends the wait
    for another process that is making it. Raises :class:`ToolError` where nothing can be made there, and
    whatever ``make`` raises.
    """
    if is_whole(target):
        return target
    from filelock import FileLock, Timeout

    lock = FileLock(target.parent / f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _acquired(lock, cancelled):
            if not is_whole(target):
                if _was_described(target):
                    say(f"{target}: not as it was made; it is made again")
                _sweep(target)
                _make(target, make)
    except Timeout:
        if cancelled():
            raise ToolError(f"{target}: interrupted") from None
        raise ToolError(f"{target}: another process has been making it for {LOCK_SECONDS:.0f} s") from None
    except OSError as error:
        raise ToolError(f"{target}: cannot be made: {error.strerror or error}") from None
    return target


def is_whole(target: Path) -> bool:
    """Return whether a directory was finished and its files are still those that were made."""
    try:
        kept = json.loads((target / COMPLETE).read_bytes())
        return all(_is_same(target / path, known) for path, known in kept["files"].items()) and all(
            (target / path).exists() for path in kept["links"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _was_described(target: Path) -> bool:
    try:
        return (target / COMPLETE).read_bytes().startswith(b"{")
    except OSError:
        return False


def _is_same(path: Path, known: list[object]) -> bool:
    """Return whether a file is as it was; one that was touched since is read again."""
    status = path.lstat()
    size, changed, digest = known
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        return False
    return status.st_mtime_ns == changed or _digest(path) == digest


def _described(root: Path) -> str:
    """Return what a directory holds, to be compared with later."""
    files: dict[str, list[object]] = {}
    links = []
    for path in _walk(root):
        status = path.lstat()
        name = str(path.relative_to(root))
        if stat.S_ISLNK(status.st_mode):
            links.append(name)
        elif stat.S_ISREG(status.st_mode):
            files[name] = [status.st_size, status.st_mtime_ns, _digest(path)]
    return json.dumps({"files": files, "links": links})


def _walk(root: Path) -> Iterator[Path]:
    for directory, below, names in os.walk(root):
        for name in names:
            yield Path(directory, name)
        for name in below:
            if Path(directory, name).is_symlink():
                yield Path(directory, name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make(target: Path, make: Make) -> None:
    """Fill a directory beside the target, and move it there when it is complete."""
    from predeploy.env.work import remove_tree

    growing = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        make(growing)
        (growing / COMPLETE).write_text(_described(growing), "utf-8")
        if target.exists():
            remove_tree(target)
        growing.rename(target)
    finally:
        remove_tree(growing)


def _sweep(target: Path) -> None:
    """Remove what killed runs left of this directory; its lock is held, so nobody works on it."""
    from predeploy.env.work import remove_tree

    half_made = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}")
    for place in target.parent.iterdir():
        if half_made.fullmatch(place.name):
            remove_tree(place)


def _acquired(lock: FileLock, cancelled: Callable[[], bool]) -> AbstractContextManager[object]:
    """Return the lock, held, after a wait that notices the cancellation."""
    from filelock import Timeout

    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            if cancelled() or time.monotonic() >= deadline:
                raise
