"""What a confined command sees of this machine: mounts, network, identity. Only the words; no process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file or directory of this machine, and where the command sees it."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """The view of one command; whatever is not named here does not exist for it."""

    mounts: tuple[Mount, ...]
    """In order: a later one lies on top of an earlier one."""
    links: tuple[tuple[str, str], ...] = ()
    """Symbolic links of the root directory: path and target."""
    own_network: bool = True
    """Whether it gets a loopback of its own and nothing else; ``False``: this machine's network."""
    scratch_bytes: int = 256 * 1024 * 1024
    """Size of shared memory (``/dev/shm``)."""

    def and_mounts(self, *mounts: Mount) -> Confinement:
        """Return the same view with more in it."""
        return replace(self, mounts=(*self.mounts, *mounts))

    def outside(self, inside: str) -> Path | None:
        """Return where a path of the command lies on this machine; ``None`` where nothing does."""
        path = PurePosixPath(inside)
        for mount in reversed(self.mounts):
            if path.is_relative_to(mount.target):
                return mount.source / path.relative_to(mount.target)
        return None
