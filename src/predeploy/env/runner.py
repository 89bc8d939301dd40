"""The only module that starts processes: no shell, no terminal, an own session, nothing left afterwards."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, cast

from predeploy.env import processes
from predeploy.env.commands import Cancellation, Command, Completed, Ending, Listener, Runner, Running
from predeploy.env.output import CappedLog, Output
from predeploy.env.secrets import mask_credentials
from predeploy.errors import ToolError

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

_DRAIN = 1024 * 1024
"""Bytes still read after the command ended: a pipe holds no more, and a leftover writer must not keep us."""


_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM})
"""Errors of a machine that can start no process at all, whatever the command."""


class ProcessRunner:
    """Runs commands as processes of this machine.

    ``output_limit`` is the size of a log in bytes, ``grace_seconds`` the wait between two signals, and
    ``redact`` what every line goes through before it is stored or shown.
    """

    def __init__(
        self,
        cancellation: Cancellation,
        *,
        output_limit: int = 16 * 1024 * 1024,
        grace_seconds: float = 3.0,
        redact: Callable[[str], str] = mask_credentials,
    ) -> None:
        self._cancellation = cancellation
        self._output_limit = output_limit
        self._grace = grace_seconds
        self._redact = redact

    def run(self, command: Command, *, on_line: Listener | None = None) -> Completed:
        """Run a command to its end, its limit, or the cancellation.

        Raises a listener's error, and :class:`ToolError` when this machine can start no process.
        """
        began = time.monotonic()
        if self._cancellation.requested:
            return Completed(status="interrupted", returncode=None, seconds=0.0, tail="")
        output = self._output(command, on_line)
        try:
            child = _Child.spawn(command, output, grace=self._grace)
        except (OSError, ValueError) as error:
            return _give_up(output, command, error)
        status: Ending = "interrupted"
        try:
            status = self._await(child, began + command.timeout_seconds)
        finally:
            child.stop()
        if output.failure is not None:
            raise output.failure
        returncode = child.poll() if status == "ok" else None
        if returncode:
            status = "failed"
        return Completed(
            status=status, returncode=returncode, seconds=time.monotonic() - began, tail=output.tail()
        )

    def start(self, command: Command, *, on_line: Listener | None = None) -> Running:
        """Start a command; one that cannot be started is returned as ended with 126 or 127."""
        output = self._output(command, on_line)
        try:
            return _Child.spawn(command, output, grace=self._grace)
        except (OSError, ValueError) as error:
            return _NeverStarted(_give_up(output, command, error))

    def _output(self, command: Command, on_line: Listener | None) -> Output:
        try:
            log = CappedLog(command.log, self._output_limit)
        except OSError as error:
            raise ToolError(f"{command.log}: the log cannot be written: {error.strerror}") from None
        return Output(log, on_line=on_line, redact=self._redact)

    def _await(self, child: _Child, deadline: float) -> Ending:
        while True:
            left = deadline - time.monotonic()
            if child.wait(max(min(left, _TICK), 0.0)):
                return "ok"
            if self._cancellation.requested:
                return "interrupted"
            if left <= 0:
                return "timeout"


class _Child:
    """A process with its session, its output and its descendants; see :class:`Running`."""

    def __init__(self, popen: subprocess.Popen[bytes], token: str, *, output: Output, grace: float) -> None:
        self._popen = popen
        self._stdout = cast("IO[bytes]", popen.stdout)
        self._token = token
        self._output = output
        self._grace = grace
        self._stopped = False
        self._known: dict[int, float] = {}
        self._lock = threading.RLock()
        self._pidfd = _pidfd(popen.pid)
        self._wake, self._woken = os.pipe()
        self._reader = threading.Thread(target=self._read, name=f"output-{popen.pid}", daemon=True)
        self._reader.start()

    @classmethod
    def spawn(cls, command: Command, output: Output, *, grace: float) -> _Child:
        """Start the process; raises what :class:`subprocess.Popen` raises."""
        if not command.argv:
            raise ValueError("there is no command")
        token = uuid.uuid4().hex
        popen = subprocess.Popen(
            command.argv,
            cwd=command.cwd,
            env={**command.env, processes.MARKER: token},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        return cls(popen, token, output=output, grace=grace)

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
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)
            return self._popen.returncode is not None
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def poll(self) -> int | None:
        with self._lock:
            if self._stopped or self._popen.returncode is not None:
                return self._popen.returncode
            return self._popen.wait() if self.wait(0) else None

    def tail(self) -> str:
        return self._output.tail()

    def processes(self) -> tuple[int, ...]:
        found = processes.family(self._popen.pid, self._token)
        self._known.update(processes.identified(found))
        return tuple(sorted(found))

    def listening(self) -> tuple[str, ...]:
        return processes.listening(self.processes())

    def stop(self) -> None:
        with self._lock:
            if self._stopped:
                return
            try:
                if not self.wait(0):
                    self._escalate()
                self._signal_group(signal.SIGKILL)
                processes.kill_leftovers(self._popen.pid, self._token, known=self._known)
            finally:
                self._close()

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
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(self._grace)
        self._stopped = True


class _NeverStarted:
    """A command that could not be started; see :class:`Running`."""

    def __init__(self, completed: Completed) -> None:
        self._completed = completed

    def poll(self) -> int | None:
        return self._completed.returncode

    def tail(self) -> str:
        return self._completed.tail

    def processes(self) -> tuple[int, ...]:
        return ()

    def listening(self) -> tuple[str, ...]:
        return ()

    def stop(self) -> None:
        return


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):  # not Linux, or a sandbox without that call
        return None


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


def capture(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> str | None:
    """Return what a quick question prints, or ``None`` when it fails or takes over ``timeout`` seconds."""
    try:
        process = subprocess.Popen(
            tuple(argv),
            env=dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError):
        return None
    try:
        printed, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        printed = None
    finally:
        with suppress(OSError):  # also what a shim started and left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if printed is None or process.returncode != 0:
        return None
    # As file names are: git prints names that are not UTF-8, and they must be found again.
    return printed.decode("utf-8", "surrogateescape")


def capture_all(
    argvs: Sequence[Sequence[str]],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> tuple[str | None, ...]:
    """Ask several questions at once; the answers come in their order."""
    from concurrent.futures import ThreadPoolExecutor

    if not argvs:
        return ()
    with ThreadPoolExecutor(max_workers=min(len(argvs), 16)) as pool:
        return tuple(pool.map(lambda argv: capture(argv, timeout=timeout, env=env), argvs))
