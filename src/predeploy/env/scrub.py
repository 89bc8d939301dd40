"""Secrets taken out of a directory that is kept after its run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from predeploy.env.secrets import Secrets

SIZE_LIMIT = 64 * 1024 * 1024
"""Bytes of a file that is looked at."""

PUBLISHED = frozenset(
    {".py", ".pyc", ".pyi", ".so", ".h", ".c", ".js", ".css", ".png", ".svg", ".map", ".whl"}
)
"""Files of packages in a virtualenv that hold what their publishers wrote."""


def scrub(root: Path, secrets: Secrets, *, published: Path | None = None) -> tuple[Path, ...]:
    """Mask every registered secret in the files below ``root``; return those that could not be cleaned.

    Below ``published``, a virtualenv, files of packages are passed over. A file is replaced, never written
    to: it may be a hard link into a cache. Binary files keep their length.
    """
    failed = []
    for path, size in _files(root):
        own = published is None or not path.is_relative_to(published)
        if not own and path.suffix in PUBLISHED:
            continue
        try:
            if size > SIZE_LIMIT:
                failed.append(path)
            else:
                _clean(path, secrets)
        except OSError:
            failed.append(path)
    return tuple(failed)


def _files(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the regular files below a directory with their sizes, following no link."""
    waiting = [root]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield Path(entry.path), entry.stat(follow_symlinks=False).st_size


def _clean(path: Path, secrets: Secrets) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        data = file.read(SIZE_LIMIT) if stat.S_ISREG(status.st_mode) else b""
    cleaned = secrets.cleaned(data)
    if cleaned == data:
        return
    beside = path.with_name(f".{path.name[:40]}.clean")
    beside.unlink(missing_ok=True)
    beside.write_bytes(cleaned)
    beside.chmod(stat.S_IMODE(status.st_mode))
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.replace(path)
