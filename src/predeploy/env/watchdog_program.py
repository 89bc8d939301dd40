"""Waits until the process at the other end of a pipe is gone, then kills what carries that run's marker.

A program, started by its path with nothing but the standard library: see :mod:`predeploy.env.watchdog`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

ROUNDS = 500
PAUSE = 0.02
QUIET = 3
"""Looks in a row that must find nobody: a process in the middle of an exec shows no variables."""


def main(descriptor: int, needle: bytes) -> None:
    """Wait until the run is gone, then kill whatever carries its marker."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(descriptor, 1):
        pass
    quiet = 0
    for _ in range(ROUNDS):
        found = _found(needle)
        quiet = 0 if found else quiet + 1
        if quiet == QUIET:
            return
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE)


def _found(needle: bytes) -> set[int]:
    """Return who carries the marker, their sessions and their descendants, without zombies."""
    marked: set[int] = set()
    sessions: set[int] = set()
    parents: dict[int, tuple[int, int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - this program must start fast
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with suppress(OSError, IndexError, ValueError):
            state, parent, session = _status(name)
            if state in b"ZX":
                continue
            parents[int(name)] = (parent, session)
            if needle in _read(f"/proc/{name}/environ"):
                marked.add(int(name))
                sessions.add(session)
    while True:
        more = {pid for pid, (up, own) in parents.items() if up in marked or own in sessions} - marked
        if not more:
            return marked
        marked |= more


def _status(name: str) -> tuple[bytes, int, int]:
    fields = _read(f"/proc/{name}/stat").rpartition(b")")[2].split()
    return fields[0], int(fields[1]), int(fields[3])


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - see above
        return file.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), os.fsencode(sys.argv[2]))
