"""The private directory a build happens in, and the copy of the app there."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from predeploy.env.leases import Lease, sweep
from predeploy.errors import ToolError

_ATTEMPTS = 5


class TreeEntry(Protocol):
    """What lies at a path of an uploaded tree."""

    @property
    def kind(self) -> str:
        """``file``, ``dir``, ``link`` or ``other``."""

    @property
    def target(self) -> str | None:
        """Where a link points to."""


class UploadedTree(Protocol):
    """The part of :class:`predeploy.app.tree.Tree` that a copy needs."""

    def names(self, directory: str = "") -> tuple[str, ...]:
        """Return the names in a directory."""

    def entry(self, path: str) -> TreeEntry | None:
        """Return what lies at a path, a link as a link."""

    def resolve(self, path: str) -> str | None:
        """Return the path without links, or ``None`` when it leads nowhere inside the tree."""


@dataclass(frozen=True, kw_only=True)
class WorkDirectory:
    """The places of one build; whoever creates it decides whether to keep it."""

    root: Path
    lease: Lease

    @classmethod
    def create(cls, base: Path | None, name: str) -> WorkDirectory:
        """Make ``predeploy-<name>-XXXX``, for this user only, in ``base`` or the temporary directory.

        What killed runs left there is removed first.
        """
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
        lease = None
        try:
            base = base or Path(tempfile.gettempdir())
            base.mkdir(parents=True, exist_ok=True)
            base = base.resolve()
            sweep(base, remove_tree)
            lease = Lease.take(base, safe)
            work = cls(root=lease.directory, lease=lease)
            for place in (work.root, work.home, work.temp, work.logs, work.cache, work.run):
                place.mkdir(mode=0o700 if place == work.root else 0o777)
        except OSError as error:
            if lease is not None:
                remove_tree(lease.directory)
                lease.end()
            raise ToolError(f"{base or 'temporary directory'}: no work directory: {error.strerror}") from None
        return work

    @property
    def app(self) -> Path:
        """Where the app is copied to; it does not exist before."""
        return self.root / "app"

    @property
    def home(self) -> Path:
        """The build's home directory."""
        return self.root / "home"

    @property
    def temp(self) -> Path:
        """The build's temporary directory."""
        return self.root / "tmp"

    @property
    def logs(self) -> Path:
        """Where each step's output goes."""
        return self.root / "logs"

    @property
    def venv(self) -> Path:
        """The virtualenv; it does not exist before."""
        return self.root / "venv"

    @property
    def run(self) -> Path:
        """Where the app's socket goes."""
        return self.root / "run"

    @property
    def mounts(self) -> Path:
        """The empty directories that stand in for a host's mounts; it does not exist before."""
        return self.root / "mounts"

    @property
    def identity(self) -> Path:
        """What a confined command sees of user and group names; it does not exist before."""
        return self.root / "identity"

    @property
    def cache(self) -> Path:
        """A cache of this build alone."""
        return self.root / "cache"

    def copy_app(self, tree: UploadedTree, source_root: Path) -> None:
        """Copy what the host receives into ``app``: files, executable or not, and links that stay inside."""
        self.app.mkdir()
        waiting = [""]
        while waiting:
            directory = waiting.pop()
            for name in tree.names(directory):
                path = f"{directory}/{name}" if directory else name
                if self._copy_entry(tree, source_root, path=path):
                    waiting.append(path)

    def _copy_entry(self, tree: UploadedTree, source_root: Path, *, path: str) -> bool:
        """Copy one entry; returns whether it is a directory, whose entries are still to be copied."""
        entry = tree.entry(path)
        destination = self.app / path
        try:
            if entry is not None and entry.kind == "dir":
                destination.mkdir()
            elif entry is not None and entry.kind == "file":
                _copy_file(source_root / path, destination)
            elif entry is not None and entry.target and tree.resolve(path) is not None:
                destination.symlink_to(entry.target)
        except (OSError, shutil.Error) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ToolError(f"{source_root / path}: cannot be copied: {reason.lower()}") from None
        return entry is not None and entry.kind == "dir"

    def remove(self) -> bool:
        """Remove everything, also what is read-only or still being written; returns whether it is gone."""
        gone = remove_tree(self.root)
        if gone:
            self.lease.end()
        else:
            self.lease.abandon()
        return gone

    def keep(self) -> None:
        """Leave everything to the user: no later run removes it."""
        self.lease.end()


def kept_directory(cache: Path, *names: str) -> Path:
    """Return the directory for what a host keeps between builds, which only builds of these names share.

    What is in it was written by an app's own code: it is shown to that app's builds and to nothing else.
    """
    from hashlib import sha256

    place = (
        cache / "build-caches" / sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    )
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"{place}: no build cache: {error.strerror}") from None
    return place


def _copy_file(source: Path, destination: Path) -> None:
    """Copy a regular file; its time is kept because cached bytecode is compared with it."""
    shutil.copyfile(source, destination, follow_symlinks=False)
    status = source.lstat()
    if stat.S_ISREG(status.st_mode):
        destination.chmod(0o755 if status.st_mode & 0o111 else 0o644)
        os.utime(destination, ns=(status.st_atime_ns, status.st_mtime_ns))


def remove_tree(root: Path) -> bool:
    """Remove a directory whatever its permissions; returns whether it is gone."""
    for attempt in range(_ATTEMPTS):
        shutil.rmtree(root, ignore_errors=True)
        if not os.path.lexists(root):
            return True
        _unlock(root)
        time.sleep(0.02 * attempt)
    return False


def _unlock(root: Path) -> None:
    """Make every directory below writable, each before it is listed; links are not followed."""
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        with suppress(OSError):
            if directory.is_symlink():
                continue
            directory.chmod(0o700)
            waiting += [
                Path(entry.path) for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)
            ]
