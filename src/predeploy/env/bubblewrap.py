"""Bubblewrap: whether it works here, and its arguments for one confinement."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from functools import cache

from predeploy.env.confinement import Confinement
from predeploy.env.spawn import capture_with_errors

PROBE_SECONDS = 5.0
PERSON = 1000
"""User and group id of confined commands of root: hosts build and run apps as an ordinary user."""

SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the command's own

NAMESPACES = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--hostname", "predeploy"),
)


@cache
def trouble() -> str:
    """Return why bubblewrap cannot be used on this machine, empty when it can; asked once."""
    program = find()
    if program is None:
        return "bubblewrap (bwrap) is not installed"
    argv = (program, *NAMESPACES, "--unshare-net", *identity(), *_nesting(), "--ro-bind", "/", "/")
    argv += ("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/opt", "true")
    done, said = capture_with_errors(argv, timeout=PROBE_SECONDS)
    if done:
        return ""
    last = said.strip().rpartition("\n")[2][:200]
    return f"bubblewrap does not work here: {last or 'no answer'}"


def find() -> str | None:
    """Return the program; it is looked up in the system's directories, never in the caller's ``PATH``."""
    return shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin")


@cache
def _nesting() -> tuple[str, ...]:
    """Return the option that forbids further user namespaces, where this bubblewrap has it (0.8)."""
    _, options = capture_with_errors((find() or "bwrap", "--help"), timeout=PROBE_SECONDS)
    return ("--disable-userns",) if "--disable-userns" in options else ()


def identity() -> tuple[str, ...]:
    """Return the options for the user inside: an ordinary one when we are root."""
    uid, gid = ids()
    return ("--uid", str(uid), "--gid", str(gid))


def ids() -> tuple[int, int]:
    """Return user and group id of a confined command, as it sees them."""
    return (PERSON, PERSON) if os.getuid() == 0 else (os.getuid(), os.getgid())


def arguments(
    confinement: Confinement, *, cwd: str, env: Mapping[str, str], info: int, release: int
) -> bytes:
    """Return bubblewrap's options as it reads them from a descriptor: a process list shows none of them.

    ``info``: the descriptor that gets the first process's id; ``release``: the one it waits for.
    """
    words = [*NAMESPACES, *identity(), *_nesting()]
    words += ["--unshare-net"] if confinement.own_network else []
    words += _file_system(confinement)
    words += ["--clearenv"]
    for name, value in env.items():
        words += ["--setenv", name, value]
    words += ["--chdir", cwd, "--info-fd", str(info), "--block-fd", str(release)]
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _file_system(confinement: Confinement) -> Iterator[str]:
    yield from ("--tmpfs", "/")
    for path, target in confinement.links:
        yield from ("--symlink", target, path)
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--size", str(confinement.scratch_bytes), "--perms", "1777", "--tmpfs", SHARED_MEMORY)
    for mount in confinement.mounts:
        yield from ("--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target)
    # Made read-only last: the mount points are directories of these two.
    yield from ("--remount-ro", "/dev", "--remount-ro", "/")
