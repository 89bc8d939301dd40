"""A process that runs with its session, its output, its descendants and its limits."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, cast

from predeploy.env import processes
from predeploy.env.commands import Command, Target
from predeploy.env.limits import Watch
from predeploy.env.output import Output
from predeploy.env.spawn import Process, TimeoutExpired, spawn

if TYPE_CHECKING:
    import socket

_DRAIN = 1024 * 1024
"""Bytes still read after the command ended: a pipe holds no more, and a leftover writer must not keep us."""


class Child:
    """A process of this machine that nothing confines; see :class:`predeploy.env.commands.Running`."""

    def __init__(self, popen: Process, token: str, command: Command, *, output: Output, grace: float) -> None:
        self._popen = popen
        self._stdout = cast("IO[bytes]", popen.stdout)
        self._token = token
        self._output = output
        self._grace = grace
        self._stopped = False
        self._known: dict[int, float] = {}
        self._lock = threading.RLock()
        self._pidfd = pidfd(popen.pid)
        self._wake, self._woken = os.pipe()
        self._reader = threading.Thread(target=self._read, name=f"output-{popen.pid}", daemon=True)
        self._reader.start()
        self._watch = Watch(command.limits, command.measured, members=self.members, kill=self.kill)

    @classmethod
    def spawn(cls, command: Command, output: Output, *, grace: float) -> Child:
        """Start the process; raises what :class:`subprocess.Popen` raises."""
        token = processes.new_token()
        popen = spawn(command.argv, cwd=command.cwd, env={**command.env, processes.MARKER: token})
        processes.limit(popen.pid, command.limits)
        return cls(popen, token, command, output=output, grace=grace)

    def _read(self) -> None:
        source = self._stdout.fileno()
        os.set_blocking(source, False)
        poll = select.poll()
        poll.register(source, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        budget: int | None = None
        while budget is None or budget > 0:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._wake in ready and budget is None:
                budget = _DRAIN
            try:
                data = os.read(source, 64 * 1024)
            except BlockingIOError:
                if budget is not None:
                    return
                continue
            if not data:
                return
            self._output.feed(data)
            budget = None if budget is None else budget - len(data)

    def wait(self, seconds: float) -> bool:
        """Return whether the process ends within ``seconds``; it stays a zombie, so its id is not reused."""
        if self._popen.returncode is not None:
            return True
        if self._pidfd is None:
            with suppress(TimeoutExpired):
                self._popen.wait(seconds)
            return self._popen.returncode is not None
        return ended(self._pidfd, seconds)

    def poll(self) -> int | None:
        """Return the exit status, or ``None`` while it runs."""
        with self._lock:
            if self._stopped or self._popen.returncode is not None:
                return self._popen.returncode
            return self._popen.wait() if self.wait(0) else None

    @property
    def exceeded(self) -> str:
        """The limit it went over."""
        return self._watch.exceeded

    def tail(self) -> str:
        """Return the last lines of its output."""
        return self._output.tail()

    def members(self) -> tuple[int, ...]:
        """Return its living processes, for a look at what they use; one that hides later is then known."""
        return self.processes()

    def processes(self) -> tuple[int, ...]:
        """Return its living processes, and remember them for the end."""
        found = processes.family(self._popen.pid, self._token)
        self._known.update(processes.identified(found))
        return tuple(sorted(found))

    def listening(self) -> tuple[str, ...]:
        """Return the addresses its processes listen on."""
        return processes.listening(self.processes())

    def connect(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
        """Return a connection over this machine's own loopback."""
        from predeploy.env.probe import connect

        return connect(target, timeout, ipv6=ipv6)

    def kill(self) -> None:
        """Kill all of it at once, without waiting: it went over a limit."""
        self.processes()
        self._signal_group(signal.SIGKILL)
        processes.signal_all(self._outside_group(), signal.SIGKILL)

    def stop(self) -> None:
        """End it, ever less politely, and leave no process."""
        with self._lock:
            if self._stopped:
                return
            self._watch.stop(failed=bool(self.poll()))
            try:
                self._end()
            finally:
                self._close()

    def _end(self) -> None:
        if not self.wait(0):
            self._escalate()
        self._signal_group(signal.SIGKILL)
        processes.kill_leftovers(self._popen.pid, self._token, known=self._known)

    def _escalate(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            self.processes()
            self._signal_group(number)
            processes.signal_all(self._outside_group(), number)
            if self.wait(self._grace):
                return
        self.wait(self._grace)

    def _outside_group(self) -> set[int]:
        outside = set()
        for pid in processes.surviving(self._known) - {self._popen.pid}:
            with suppress(OSError):
                if os.getpgid(pid) != self._popen.pid:
                    outside.add(pid)
        return outside

    def _signal_group(self, number: int) -> None:
        if self._popen.returncode is not None and sys.platform == "linux":
            return  # reaped: its id may be another's by now, and members of the group carry our marker
        with suppress(OSError):
            os.killpg(self._popen.pid, number)

    def _close(self) -> None:
        os.write(self._woken, b"x")
        self._reader.join()
        self._output.finish()
        self._stdout.close()
        for descriptor in (self._wake, self._woken, self._pidfd):
            if descriptor is not None:
                os.close(descriptor)
        with suppress(TimeoutExpired):
            self._popen.wait(self._grace)
        self._stopped = True

    @property
    def failure(self) -> Exception | None:
        """What a listener of its output raised."""
        return self._output.failure


def pidfd(pid: int) -> int | None:
    """Return a descriptor that stays this process's own, where there are such."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or a sandbox without that call
        return None


def ended(descriptor: int, seconds: float) -> bool:
    """Return whether the process of a pidfd ends within ``seconds``."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
