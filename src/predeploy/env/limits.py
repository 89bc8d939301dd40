"""Watch what a running command uses, and end it when that is too much."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from predeploy.model.limits import Limits, bytes_text

LOOK_SECONDS = 0.1
"""Seconds between two looks at memory and processes."""

WALK_SHARE = 20
"""A walk over the directories is followed by a pause that many times as long."""

WALK_AGAIN_SECONDS = 20.0
"""After this time the directories are walked even when the disk's free space says nothing."""

BLOCK = 512
"""Bytes of ``st_blocks``."""


class Watch:
    """A thread that looks at one command's processes and directories until it is stopped.

    What one look finds may have been passed between two looks; a kernel's own limit on the size of a file
    (see :func:`predeploy.env.processes.limit`) is exact.
    """

    def __init__(
        self,
        limits: Limits,
        measured: tuple[Path, ...],
        *,
        members: Callable[[], tuple[int, ...]],
        kill: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._members = members
        self._kill = kill
        self._disk = _Disk(measured, limits.disk) if limits.disk is not None and measured else None
        self._done = threading.Event()
        self.exceeded = ""
        self._thread: threading.Thread | None = None
        if limits.memory is not None or limits.processes is not None or self._disk is not None:
            self._thread = threading.Thread(target=self._look, name="limits", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        pause = LOOK_SECONDS
        while not self._done.wait(pause):
            begun = monotonic()
            # A process table may be read while it changes; the next look is as good.
            with suppress(OSError):
                self.exceeded = self._found()
            if self.exceeded:
                self._kill()
                return
            pause = max(LOOK_SECONDS, (monotonic() - begun) * WALK_SHARE)

    def _found(self) -> str:
        limits = self._limits
        if limits.memory is not None or limits.processes is not None:
            pids = self._members()
            if limits.processes is not None and len(pids) > limits.processes:
                return f"{limits.processes} processes"
            if limits.memory is not None and used_memory(pids, limits.memory) > limits.memory:
                return f"memory of {bytes_text(limits.memory)}"
        if self._disk is not None and self._disk.is_over():
            return f"disk of {bytes_text(limits.disk or 0)}"
        return ""

    def stop(self, *, failed: bool = False) -> None:
        """End the watch; a command that just went over its disk is still found out.

        Of one that ``failed`` the directories are walked whatever the free space says: others may have
        freed as much in the meantime.
        """
        if self._done.is_set():
            return
        self._done.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        if not self.exceeded and self._disk is not None and self._disk.is_over(certain=failed):
            self.exceeded = f"disk of {bytes_text(self._limits.disk or 0)}"


def used_memory(pids: tuple[int, ...], limit: int) -> int:
    """Return the bytes of memory of these processes; shared pages are shared out when it is a close thing."""
    resident = sum(_resident(pid) for pid in pids)
    if resident <= limit:
        return resident
    return sum(_proportional(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return _resident_elsewhere(pid)


def _resident_elsewhere(pid: int) -> int:
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return _resident(pid)
    for line in rollup.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


class _Disk:
    """The size of some directories, walked only when the disk's free space says that it may have grown."""

    def __init__(self, roots: tuple[Path, ...], limit: int) -> None:
        self._roots = roots
        self._limit = limit
        self._used = 0
        self._free = _free(roots[0])
        self._walked = monotonic()

    def is_over(self, *, certain: bool = False) -> bool:
        free = _free(self._roots[0])
        possible = self._used + max(self._free - free, 0)
        due = certain or monotonic() - self._walked >= WALK_AGAIN_SECONDS
        if possible <= self._limit and not due:
            return False
        self._used, self._free, self._walked = usage(self._roots), free, monotonic()
        return self._used > self._limit


def _free(root: Path) -> int:
    status = os.statvfs(root)
    return status.f_bavail * status.f_frsize


def usage(roots: tuple[Path, ...]) -> int:
    """Return the bytes that the files below these directories take on disk; links are not followed."""
    total = 0
    waiting = [str(root) for root in roots]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    total += status.st_blocks * BLOCK
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
    return total
