"""Runs commands to their end, their limits, or the cancellation; nothing is left of them afterwards."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

from predeploy.env.ask import capture, capture_all
from predeploy.env.child import Child
from predeploy.env.commands import Cancellation, Command, Completed, Ending, Listener, Runner, Running, Target
from predeploy.env.output import CappedLog, Output
from predeploy.env.secrets import Secrets
from predeploy.env.watchdog import watch
from predeploy.errors import ToolError

if TYPE_CHECKING:
    import socket

__all__ = [
    "Cancellation",
    "Command",
    "Completed",
    "ProcessRunner",
    "Runner",
    "Running",
    "capture",
    "capture_all",
]

_TICK = 0.05
"""Seconds between two looks at the cancellation; an ending child wakes us at once where Linux lets it."""


_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
"""Errors of a machine that can start no process at all, whatever the command."""


class ProcessRunner:
    """Runs commands as processes of this machine.

    ``output_limit`` is the size of a log in bytes, ``grace_seconds`` the wait between two signals, and
    ``redact`` what all output goes through before it is stored or shown.
    """

    def __init__(
        self,
        cancellation: Cancellation,
        *,
        output_limit: int = 16 * 1024 * 1024,
        grace_seconds: float = 3.0,
        redact: Secrets | None = None,
    ) -> None:
        self._cancellation = cancellation
        self._output_limit = output_limit
        self._grace = grace_seconds
        self._redact = Secrets() if redact is None else redact

    def run(self, command: Command, *, on_line: Listener | None = None) -> Completed:
        """Run a command to its end, its limit, or the cancellation.

        Raises a listener's error, and :class:`ToolError` when this machine can start no process.
        """
        began = time.monotonic()
        if self._cancellation.requested:
            return Completed(status="interrupted", returncode=None, seconds=0.0, tail="")
        output = self._output(command, on_line)
        try:
            child = _child(command, output, grace=self._grace)
        except (OSError, ValueError) as error:
            return _give_up(output, command, error)
        status: Ending = "interrupted"
        try:
            status = self._await(child, began + command.timeout_seconds)
        finally:
            child.stop()
        if child.failure is not None:
            raise child.failure
        returncode = child.poll() if status == "ok" else None
        if returncode or (child.exceeded and status == "ok"):
            status = "failed"
        return Completed(
            status=status,
            returncode=returncode,
            seconds=time.monotonic() - began,
            tail=child.tail(),
            exceeded=child.exceeded if status == "failed" else "",
        )

    def start(self, command: Command, *, on_line: Listener | None = None) -> Running:
        """Start a command; one that cannot be started is returned as ended with 126 or 127."""
        output = self._output(command, on_line)
        try:
            return _child(command, output, grace=self._grace)
        except (OSError, ValueError) as error:
            return _NeverStarted(_give_up(output, command, error))

    def _output(self, command: Command, on_line: Listener | None) -> Output:
        try:
            log = CappedLog(command.log, command.limits.output or self._output_limit)
        except OSError as error:
            raise ToolError(f"{command.log}: the log cannot be written: {error.strerror}") from None
        return Output(log, on_line=on_line, redact=self._redact)

    def _await(self, child: Child, deadline: float) -> Ending:
        while True:
            left = deadline - time.monotonic()
            if child.wait(max(min(left, _TICK), 0.0)):
                return "ok"
            if self._cancellation.requested:
                return "interrupted"
            if left <= 0:
                return "timeout"


def _child(command: Command, output: Output, *, grace: float) -> Child:
    if not command.argv:
        raise ValueError("there is no command")
    watch()
    if command.confinement is None:
        return Child.spawn(command, output, grace=grace)
    from predeploy.env.confined import ConfinedChild

    return ConfinedChild.spawn(command, output, grace=grace)


class _NeverStarted:
    """A command that could not be started; see :class:`Running`."""

    def __init__(self, completed: Completed) -> None:
        self._completed = completed

    @property
    def exceeded(self) -> str:
        return ""

    def poll(self) -> int | None:
        return self._completed.returncode

    def tail(self) -> str:
        return self._completed.tail

    def processes(self) -> tuple[int, ...]:
        return ()

    def listening(self) -> tuple[str, ...]:
        return ()

    def connect(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:  # noqa: ARG002 - the interface
        return None

    def stop(self) -> None:
        return


def _not_started(command: Command, error: OSError | ValueError) -> tuple[int, str]:
    """Return a shell's exit status for a command that cannot run, and the reason."""
    name = command.argv[0] if command.argv else ""
    if isinstance(error, ValueError):
        return 126, f"{name}: cannot be run: {error}"
    if error.errno in _EXHAUSTED:
        raise ToolError(f"{name}: cannot be started: {error.strerror}") from None
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if not command.cwd.is_dir():
            return 127, f"{command.cwd}: no such directory"
        return 127, f"{name}: command not found, or its interpreter is missing"
    return 126, f"{name}: {(error.strerror or 'cannot be run').lower()}"


def _give_up(output: Output, command: Command, error: OSError | ValueError) -> Completed:
    try:
        code, reason = _not_started(command, error)
        output.feed(reason.encode("utf-8", "surrogateescape") + b"\n")
    finally:
        output.finish()
    return Completed(status="failed", returncode=code, seconds=0.0, tail=output.tail())
