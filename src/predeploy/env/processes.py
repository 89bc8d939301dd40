"""The processes a command left or still has, found by marker, session and descent."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from predeploy.model.limits import Limits

MARKER = "PREDEPLOY_RUN"
"""Variable every command gets, with a value of its own; it survives double forks and new sessions."""

RUN = f"{os.getpid():x}-{uuid.uuid4().hex[:16]}"
"""This process's part of every token, by which what it left is found should it be killed."""

_PROC = Path("/proc")
_ROUNDS = 100
_PAUSE = 0.03
_LOOKS = 3
"""Looks at a process whose variables cannot be read yet."""


def new_token() -> str:
    """Return a value of the marker for one command."""
    return f"{RUN}-{uuid.uuid4().hex[:16]}"


def limit(pid: int, limits: Limits, *, own_users: bool = False) -> None:
    """Give a process the kernel's own limits, which what it starts inherits; Linux only.

    ``own_users``: it has a user namespace, in which the kernel counts processes apart from ours. It then
    holds off what multiplies faster than we look; it does not hold for root.

    No core dumps in any case: they would be the largest files of a build.
    """
    import resource

    if sys.platform != "linux":
        return
    with suppress(OSError):
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        if limits.disk is not None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limits.disk, limits.disk))
        if limits.processes is not None and own_users:
            resource.prlimit(pid, resource.RLIMIT_NPROC, (limits.processes * 2,) * 2)


def tree(root: int, most: int) -> tuple[int, ...]:
    """Return a process's descendants as the kernel lists them, not many more than ``most``."""
    found: list[int] = []
    waiting = [root]
    while waiting and len(found) <= most:
        pid = waiting.pop()
        with suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - asked ten times a second
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123
                    below = [int(word) for word in file.read().split()]
                found += below
                waiting += below
    return tuple(found)


def family(root: int, token: str) -> set[int]:
    """Return the living processes of a command: session, descendants, and token bearers."""
    return {pid for pid in _marked(root, token)[0] | descendants(root) if alive(pid)}


def _marked(root: int, token: str) -> tuple[set[int], bool]:
    """Return who carries the token or is in the session, and whether somebody could not be told yet."""
    found: set[int] = set()
    unclear = False
    if sys.platform != "linux":
        return found, unclear
    needle = f"{MARKER}={token}".encode()
    for name in os.listdir(_PROC):  # noqa: PTH208 - hundreds of entries, after every command
        if not name.isdigit() or (pid := int(name)) == os.getpid():
            continue
        with suppress(OSError):  # gone, or another user's
            session = os.getsid(pid)
            environ = (_PROC / name / "environ").read_bytes()
            if needle in environ or (session == root and alive(pid)):
                found.add(pid)
            elif not environ and pid > root and session and alive(pid):
                unclear = True  # in the middle of an exec; kernel threads have no session
    return found, unclear


def descendants(root: int) -> set[int]:
    """Return the children of a process and theirs."""
    import psutil

    try:
        return {child.pid for child in psutil.Process(root).children(recursive=True)}
    except psutil.Error:
        return set()


def alive(pid: int) -> bool:
    """Return whether a process runs: a zombie does not."""
    return began(pid) is not None


def began(pid: int) -> float | None:
    """Return when a living process began, which with its id is its identity; ``None`` when it has ended."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return process.create_time()
    except psutil.Error:
        return None


def identified(pids: Iterable[int]) -> dict[int, float]:
    """Return the living ones of these processes with their beginnings."""
    return {pid: moment for pid in pids if (moment := began(pid)) is not None}


def surviving(known: Mapping[int, float]) -> set[int]:
    """Return which of these identified processes still live."""
    return {pid for pid, moment in known.items() if began(pid) == moment}


def signal_all(pids: Iterable[int], number: int) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with suppress(OSError):
            os.kill(pid, number)


def kill_leftovers(root: int, token: str, *, known: Mapping[int, float]) -> None:
    """Kill what an ended command left behind, until nothing is left or it cannot be killed."""
    looks = _LOOKS
    for _ in range(_ROUNDS):
        left, unclear = _marked(root, token)
        left |= surviving(known)
        left.discard(root)
        looks -= unclear
        if not left and (not unclear or not looks):
            return
        signal_all(left, signal.SIGKILL)
        time.sleep(_PAUSE)


def listening(pids: Iterable[int]) -> tuple[str, ...]:
    """Return the addresses these processes listen on: ``127.0.0.1:8000``, ``unix:/run/x.sock``."""
    import psutil

    found: set[str] = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            connections = [*process.net_connections(kind="inet"), *process.net_connections(kind="unix")]
        except (psutil.Error, OSError):
            continue
        found.update(filter(None, map(_address, connections)))
    return tuple(sorted(found))


def _address(connection: object) -> str | None:
    import socket

    import psutil

    local = getattr(connection, "laddr", None)
    if not local or getattr(connection, "type", None) != socket.SOCK_STREAM:
        return None
    if isinstance(local, str):  # psutil knows no state of a unix socket; only a listening one has a path here
        return f"unix:{local}"
    if getattr(connection, "status", None) != psutil.CONN_LISTEN:
        return None
    host = f"[{local.ip}]" if ":" in local.ip else local.ip
    return f"{host}:{local.port}"
