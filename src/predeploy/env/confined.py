"""A process that bubblewrap confines: its own view of the file system, its own processes and network."""

from __future__ import annotations

import json
import os
import select
import signal
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from predeploy.env import bubblewrap, processes
from predeploy.env.child import Child, ended, pidfd
from predeploy.env.commands import Command, Target
from predeploy.env.confinement import Confinement
from predeploy.env.output import Output
from predeploy.env.spawn import Process, spawn
from predeploy.errors import ToolError

if TYPE_CHECKING:
    import socket

    from predeploy.env.inside import Inside

SETUP_SECONDS = 20.0
_NOT_RUN = "bwrap: execvp "
_NOT_FOUND = "No such file or directory"

MANY = 100_000
"""Processes after which counting ends where no limit is set."""


class ConfinedChild(Child):
    """See :class:`predeploy.env.commands.Running`; ``command`` must carry a confinement."""

    def __init__(
        self, popen: Process, token: str, command: Command, inner: int, *, output: Output, grace: float
    ) -> None:
        self._inner = inner
        """The first process inside, whose end ends all others there."""
        self._inner_pidfd = pidfd(inner)
        self._most = command.limits.processes or MANY
        self._own_network = command.confinement is not None and command.confinement.own_network
        self._inside: Inside | None = None
        self._asking = threading.Lock()
        super().__init__(popen, token, command, output=output, grace=grace)

    @classmethod
    def spawn(cls, command: Command, output: Output, *, grace: float) -> Child:
        """Start the command; raises :class:`ToolError` when its surroundings cannot be made."""
        confinement = command.confinement
        if confinement is None:
            raise ValueError("there is no confinement")
        token = processes.new_token()
        info, told = os.pipe()
        released, release = os.pipe()
        try:
            popen = _begin(command, confinement, token, told=told, released=released)
        except BaseException:
            os.close(info)
            os.close(release)
            raise
        finally:
            os.close(told)
            os.close(released)
        try:
            inner = _first_process(info)
            if inner is not None:
                processes.limit(inner, command.limits, own_users=True)
            child = cls(popen, token, command, inner or popen.pid, output=output, grace=grace)
            with suppress(BrokenPipeError):  # it ended already: its output says why
                os.write(release, b"x")
        finally:
            os.close(info)
            os.close(release)
        return child

    def members(self) -> tuple[int, ...]:
        """Return the processes inside; the one that reaps orphans is bubblewrap's own."""
        return processes.tree(self._inner, self._most)

    def processes(self) -> tuple[int, ...]:
        """Return the processes inside."""
        return self.members()

    def listening(self) -> tuple[str, ...]:
        """Return the addresses that are listened on inside."""
        if not self._own_network:
            return processes.listening(self.members())
        inside = self._entered()
        return inside.listening() if inside is not None else ()

    def connect(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
        """Return a connection made from inside, where the port and the path mean what the app means."""
        inside = self._entered()
        return inside.connect(target, timeout, ipv6=ipv6) if inside is not None else None

    def _entered(self) -> Inside | None:
        """Return our eyes inside; ``None`` before the command itself runs, or when it is over."""
        with self._asking:
            if self._inside is None and self.members() and not self.wait(0):
                from predeploy.env.inside import Inside

                self._inside = Inside(self._inner, own_network=self._own_network)
            return self._inside

    def poll(self) -> int | None:
        """Return the exit status; raises :class:`ToolError` when the surroundings could not be made."""
        status = super().poll()
        return _status(super().tail()) if status == 1 else status

    def tail(self) -> str:
        """Return the last lines of its output; what bubblewrap says of a missing program, in our words."""
        text = super().tail()
        before, _, last = text.rpartition("\n")
        if not last.startswith(_NOT_RUN):
            return text
        program, _, reason = last.removeprefix(_NOT_RUN).rpartition(": ")
        said = "command not found, or its interpreter is missing"
        shown = f"{program}: {said if reason == _NOT_FOUND else reason.lower()}"
        return f"{before}\n{shown}".lstrip("\n")

    def kill(self) -> None:
        """Kill everything inside at once."""
        with suppress(OSError):
            if self._inner_pidfd is not None:
                signal.pidfd_send_signal(self._inner_pidfd, signal.SIGKILL)

    def _end(self) -> None:
        self.kill()
        if not self.wait(self._grace):
            with suppress(OSError):
                self._popen.kill()
        if self._inner_pidfd is not None:  # gone with everything inside, which the kernel sees to
            ended(self._inner_pidfd, self._grace)

    def _close(self) -> None:
        with self._asking:
            if self._inside is not None:
                self._inside.close()
                self._inside = None
        super()._close()
        if self._inner_pidfd is not None:
            os.close(self._inner_pidfd)
            self._inner_pidfd = None


def _status(tail: str) -> int:
    """Return a shell's exit status where bubblewrap itself says why nothing ran, else 1."""
    last = tail.rpartition("\n")[2]
    if not last.startswith("bwrap: "):
        return 1
    if last.startswith(_NOT_RUN):
        return 127 if last.endswith(_NOT_FOUND) else 126
    raise ToolError(f"the sandbox could not be made: {last.removeprefix('bwrap: ')}")


def _begin(command: Command, confinement: Confinement, token: str, *, told: int, released: int) -> Process:
    program = bubblewrap.find()
    if program is None:
        raise ToolError("bubblewrap is gone")
    words = bubblewrap.arguments(
        confinement, cwd=str(command.cwd), env=command.env, info=told, release=released
    )
    options = os.memfd_create("bubblewrap")
    try:
        with open(options, "wb", closefd=False) as file:
            file.write(words)
        os.lseek(options, 0, os.SEEK_SET)
        return spawn(
            (program, "--args", str(options), "--", *command.argv),
            env={processes.MARKER: token},
            pass_fds=(options, told, released),
        )
    finally:
        os.close(options)


def _first_process(info: int) -> int | None:
    """Return the id of the first process inside, ``None`` when there never was one."""
    told = b""
    deadline = monotonic() + SETUP_SECONDS
    poll = select.poll()
    poll.register(info, select.POLLIN)
    while not told.rstrip().endswith(b"}"):
        if not poll.poll(max(deadline - monotonic(), 0) * 1000):
            return None
        piece = os.read(info, 4096)
        if not piece:
            return None
        told += piece
    return int(json.loads(told)["child-pid"])
