"""The app's files, as a host receives them: read-only, bounded, deterministic."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from predeploy.record import positional

Kind = Literal["file", "dir", "link", "other"]

READ_LIMIT = 64 * 1024 * 1024
"""Bytes; a larger file is :class:`Unreadable`. Manifests of real apps are below 10 MB."""

MAX_LINKS = 40
"""Symlinks followed for one path, as the kernel allows."""


@positional
class Entry:
    """A directory entry, not following links."""

    kind: Kind
    size: int = 0
    target: str | None = None


class Unreadable(Exception):  # noqa: N818 - a condition callers turn into a finding, not an error of ours
    """A file that exists and cannot be read; ``reason`` says why in a few words."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Storage(Protocol):
    """Where a tree's entries and bytes come from."""

    def listing(self, directory: str) -> dict[str, Entry]:
        """Return the entries of one directory by name; empty when it cannot be listed."""

    def read(self, path: str) -> bytes:
        """Return a file's bytes, or raise :class:`Unreadable`."""


class DiskStorage:
    """A directory on disk, listed and read once, however many trees look at it under different policies."""

    def __init__(self, root: Path, on_read: Callable[[bytes], None] | None = None) -> None:
        self.root = root
        self._on_read = on_read
        self._listings: dict[str, dict[str, Entry]] = {}
        self._contents: dict[str, bytes | Unreadable] = {}

    def listing(self, directory: str) -> dict[str, Entry]:
        """See :class:`Storage`."""
        known = self._listings.get(directory)
        if known is None:
            known = self._listings[directory] = self._list(directory)
        return known

    def read(self, path: str) -> bytes:
        """See :class:`Storage`."""
        known = self._contents.get(path)
        if known is None:
            try:
                known = self._read(path)
            except Unreadable as error:
                known = error
            else:
                if self._on_read is not None:
                    self._on_read(known)
            self._contents[path] = known
        if isinstance(known, Unreadable):
            raise Unreadable(path, known.reason)
        return known

    def _list(self, directory: str) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        try:
            with os.scandir(self.root / directory) as found:
                for item in found:
                    entries[item.name] = self._entry(item)
        except OSError:
            return {}
        return entries

    @staticmethod
    def _entry(item: os.DirEntry[str]) -> Entry:
        try:
            if item.is_symlink():
                return Entry("link", target=os.readlink(item.path))  # noqa: PTH115 - hot path
            if item.is_dir(follow_symlinks=False):
                return Entry("dir")
            if item.is_file(follow_symlinks=False):
                return Entry("file", size=item.stat(follow_symlinks=False).st_size)
        except OSError:
            pass
        return Entry("other")

    def _read(self, path: str) -> bytes:
        """Return a file's bytes; never block on a FIFO and never follow a link."""
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            raise Unreadable(path, (error.strerror or "cannot be opened").lower()) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise Unreadable(path, "is not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            if status.st_size > READ_LIMIT:
                raise Unreadable(path, f"is larger than {READ_LIMIT >> 20} MB")
            try:
                return file.read(READ_LIMIT)
            except OSError as error:
                raise Unreadable(path, (error.strerror or "cannot be read").lower()) from None


class MemoryStorage:
    """A tree held in memory: ``{"path": bytes | str}``; a trailing slash is a directory, ``None`` unreadable.

    A value that starts with ``-> `` is a symlink to what follows.
    """

    def __init__(self, files: Mapping[str, bytes | str | None]) -> None:
        self._bytes: dict[str, bytes | None] = {}
        self._directories: dict[str, dict[str, Entry]] = {"": {}}
        for path, content in files.items():
            self._add(path, content)

    def _add(self, path: str, content: bytes | str | None) -> None:
        parts = path.rstrip("/").split("/")
        for depth in range(1, len(parts)):
            parent, child = "/".join(parts[: depth - 1]), "/".join(parts[:depth])
            self._directories[parent][parts[depth - 1]] = Entry("dir")
            self._directories.setdefault(child, {})
        parent, name = "/".join(parts[:-1]), parts[-1]
        if path.endswith("/"):
            self._directories[parent][name] = Entry("dir")
            self._directories.setdefault("/".join(parts), {})
        elif isinstance(content, str) and content.startswith("-> "):
            self._directories[parent][name] = Entry("link", target=content[3:])
        else:
            data = content.encode() if isinstance(content, str) else content
            self._bytes[path] = data
            self._directories[parent][name] = Entry("file", size=len(data or b""))

    def listing(self, directory: str) -> dict[str, Entry]:
        """See :class:`Storage`."""
        return self._directories.get(directory, {})

    def read(self, path: str) -> bytes:
        """See :class:`Storage`."""
        data = self._bytes.get(path)
        if data is None:
            raise Unreadable(path, "permission denied")
        return data


class BelowStorage:
    """One directory of another storage, as if it were a root of its own."""

    def __init__(self, storage: Storage, directory: str) -> None:
        self._storage = storage
        self._directory = directory

    def listing(self, directory: str) -> dict[str, Entry]:
        """See :class:`Storage`."""
        return self._storage.listing(posixpath.join(self._directory, directory).rstrip("/"))

    def read(self, path: str) -> bytes:
        """See :class:`Storage`."""
        try:
            return self._storage.read(posixpath.join(self._directory, path))
        except Unreadable as error:
            raise Unreadable(path, error.reason) from None


class KeepAll:
    """The upload policy that leaves nothing out."""

    def keeps(self, path: str, *, directory: bool) -> bool:  # noqa: ARG002 - the interface
        """Return whether the host receives this path."""
        return True


class Policy(Protocol):
    """Which entries a host receives."""

    def keeps(self, path: str, *, directory: bool) -> bool:
        """Return whether the host receives this path (relative, forward slashes)."""


class Tree:
    """What one host receives of an app.

    Paths are relative to the root, with forward slashes and without ``..``; names are case-sensitive on
    every file system. A symlink counts as what it points to while that lies inside the tree; a dangling,
    circular or outward link counts as absent, as it would on the host.
    """

    def __init__(self, storage: Storage, policy: Policy | None = None) -> None:
        self._storage = storage
        self._policy = policy or KeepAll()
        self._listings: dict[str, dict[str, Entry]] = {}

    @classmethod
    def on_disk(
        cls, root: Path, policy: Policy | None = None, *, on_read: Callable[[bytes], None] | None = None
    ) -> Tree:
        """Return the tree below a directory; ``on_read`` sees every file once, when it is read."""
        return cls(DiskStorage(root, on_read), policy)

    @classmethod
    def of(cls, files: Mapping[str, bytes | str | None], policy: Policy | None = None) -> Tree:
        """Return a tree held in memory; see :class:`MemoryStorage` for the notation."""
        return cls(MemoryStorage(files), policy)

    def below(self, directory: str) -> Tree:
        """Return one of its directories as a tree of its own, without policy; links out of it are outward."""
        return Tree(BelowStorage(self._storage, directory))

    def with_policy(self, policy: Policy) -> Tree:
        """Return the same files under another upload policy."""
        return Tree(self._storage, policy)

    def _entries(self, directory: str) -> dict[str, Entry]:
        listing = self._listings.get(directory)
        if listing is None:
            prefix = f"{directory}/" if directory else ""
            listing = {
                name: entry
                for name, entry in sorted(self._storage.listing(directory).items())
                if self._policy.keeps(prefix + name, directory=entry.kind == "dir")
            }
            self._listings[directory] = listing
        return listing

    def entry(self, path: str) -> Entry | None:
        """Return what lies at ``path``, a link as a link; parents may be links."""
        parent, name = posixpath.split(path)
        real = self.resolve(parent) if parent else ""
        if real is None or (real and not self._is("dir", real)):
            return None
        return self._entries(real).get(name)

    def _is(self, kind: Kind, real: str) -> bool:
        if not real:
            return kind == "dir"
        parent, name = posixpath.split(real)
        entry = self._entries(parent).get(name)
        return entry is not None and entry.kind == kind

    def resolve(self, path: str) -> str | None:
        """Return the path without links, or ``None`` when it leads nowhere inside the tree."""
        done: list[str] = []
        todo = [part for part in reversed(path.split("/")) if part]
        links = 0
        while todo:
            part = todo.pop()
            if part == ".":
                continue
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            entry = self._entries("/".join(done)).get(part)
            if entry is None:
                return None
            if entry.kind != "link":
                done.append(part)
                continue
            links += 1
            target = entry.target or ""
            if links > MAX_LINKS or target.startswith("/"):
                return None
            todo.extend(piece for piece in reversed(target.split("/")) if piece)
        return "/".join(done)

    def kind(self, path: str) -> Literal["file", "dir"] | None:
        """Return what a path is for a program that follows links; ``None`` when absent."""
        real = self.resolve(path)
        if real is None:
            return None
        if self._is("dir", real):
            return "dir"
        return "file" if self._is("file", real) else None

    def is_file(self, path: str) -> bool:
        """Return whether a regular file, or a link to one, is there."""
        return self.kind(path) == "file"

    def is_dir(self, path: str) -> bool:
        """Return whether a directory, or a link to one, is there."""
        return self.kind(path) == "dir"

    def exists(self, path: str) -> bool:
        """Return whether a file or directory is there."""
        return self.kind(path) is not None

    def names(self, directory: str = "") -> tuple[str, ...]:
        """Return the sorted names in a directory; empty when there is none."""
        real = self.resolve(directory) if directory else ""
        return () if real is None else tuple(self._entries(real))

    def walk(self, directory: str = "", *, skip: frozenset[str] = frozenset()) -> Iterator[str]:
        """Yield every regular file below a directory, in order, without entering links or ``skip`` names."""
        todo = [directory]
        while todo:
            current = todo.pop()
            prefix = f"{current}/" if current else ""
            below: list[str] = []
            for name, entry in self._entries(current).items():
                if entry.kind == "file":
                    yield prefix + name
                elif entry.kind == "dir" and name not in skip:
                    below.append(prefix + name)
            todo.extend(reversed(below))

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield every symlink of the root that leads out of the tree or nowhere, with its target."""
        for name, entry in self._entries("").items():
            if entry.kind == "link" and self.resolve(name) is None:
                yield name, entry.target or ""

    def read(self, path: str) -> bytes:
        """Return a file's bytes; raise :class:`Unreadable` when it is absent or cannot be read."""
        real = self.resolve(path)
        if real is None:
            raise Unreadable(path, "no such file")
        try:
            return self._storage.read(real)
        except Unreadable as error:
            raise Unreadable(path, error.reason) from None

    @cached_property
    def has_python(self) -> bool:
        """Whether any ``*.py`` file lies outside ``node_modules``."""
        return any(path.endswith(".py") for path in self.walk(skip=frozenset({"node_modules"})))
