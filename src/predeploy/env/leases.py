"""Who owns a directory: a lock beside it that ends with its process, however that ends.

A run that is killed cannot remove its directories. The kernel drops its locks, by which the next run in the
same place finds what nobody owns any more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ATTEMPTS = 5
_BEGIN, _END = ".predeploy-", ".lock"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A directory's lock file, open and locked; a directory without one is never swept."""

    path: Path
    descriptor: int

    @classmethod
    def take(cls, base: Path, name: str) -> Lease:
        """Return the lease of a new name, ``predeploy-<name>-XXXX``; the directory itself is not made yet."""
        for _ in range(_ATTEMPTS):
            descriptor, path = tempfile.mkstemp(prefix=f"{_BEGIN}{name}-", suffix=_END, dir=base)
            if _locked(descriptor, otherwise=True):
                return cls(path=Path(path), descriptor=descriptor)
            os.close(descriptor)  # a sweep was faster than our lock
        raise OSError(errno.EAGAIN, "a lock was taken away again and again")

    @property
    def directory(self) -> Path:
        """The directory that is leased."""
        return _directory(self.path)

    def end(self) -> None:
        """Give it up: whatever is there stays."""
        with suppress(OSError):
            self.path.unlink()
        self.abandon()

    def abandon(self) -> None:
        """Leave it to the next run's sweep."""
        with suppress(OSError):
            os.close(self.descriptor)


def sweep(base: Path, remove: Callable[[Path], bool]) -> None:
    """Remove the directories in ``base`` whose runs have ended without doing so themselves."""
    for path in _candidates(base):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if _locked(descriptor, otherwise=False):
                    _sweep(path, remove)
            finally:
                os.close(descriptor)


def _sweep(path: Path, remove: Callable[[Path], bool]) -> None:
    """Remove a directory whose lock is held, and the lock last, so that a second sweep can go on."""
    directory = _directory(path)
    if not os.path.lexists(directory) or (_is_ours(directory, stat.S_ISDIR) and remove(directory)):
        path.unlink()


def _candidates(base: Path) -> Iterator[Path]:
    try:
        names = os.listdir(base)  # noqa: PTH208 - a shared temporary directory may hold thousands
    except OSError:
        return
    for name in names:
        if name.startswith(_BEGIN) and name.endswith(_END) and _is_ours(base / name, stat.S_ISREG):
            yield base / name


def _is_ours(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return kind(status.st_mode) and status.st_uid == os.geteuid()


def _directory(lock: Path) -> Path:
    return lock.with_name(lock.name[1 : -len(_END)])


def _locked(descriptor: int, *, otherwise: bool) -> bool:
    """Return whether the lock is ours now; ``otherwise`` where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return otherwise
    return os.fstat(descriptor).st_nlink > 0
