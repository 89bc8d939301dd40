"""Quick questions to programs of this machine: git, interpreters, tools.

They need no terminal, no input and no log. ``subprocess`` takes longer to import than git takes to answer, so
they are started without it.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic, sleep

AT_ONCE = 16
"""Questions that are open at the same time."""


class Question:
    """A program in a process group of its own, whose answer is waited for later; dropped, it is ended."""

    def __init__(self, argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None) -> None:
        self._deadline = monotonic() + timeout
        self._pid = 0
        try:
            self._pipe, theirs = os.pipe()
        except OSError:
            return
        try:
            self._pid = _start(argv, env or {}, theirs)
        except (OSError, ValueError):
            os.close(self._pipe)
        finally:
            os.close(theirs)

    def answer(self) -> str | None:
        """Return what it prints, or ``None`` when it fails or takes too long; to be asked once."""
        if not self._pid:
            return None
        printed = self._read()
        status = self._end(complete=printed is not None)
        # As file names are: git prints names that are not UTF-8, and they must be found again.
        return None if printed is None or status != 0 else printed.decode("utf-8", "surrogateescape")

    def _read(self) -> bytes | None:
        """Return all of its output; ``None`` where that does not end in time."""
        printed = bytearray()
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while poll.poll(max(0.0, self._deadline - monotonic()) * 1000):
            chunk = os.read(self._pipe, 1 << 16)
            if not chunk:
                return bytes(printed)
            printed += chunk
            if monotonic() > self._deadline + 1:  # it never stops printing
                break
        return None

    def _end(self, *, complete: bool) -> int | None:
        """End it, and what it started and left, as a shim may; return its status if it ended by itself."""
        pid, self._pid = self._pid, 0
        status = self._status(pid) if complete else None
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        if status is None:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        os.close(self._pipe)
        return status

    def _status(self, pid: int) -> int | None:
        """Wait for its end; ``None`` where it goes on beyond its time with its output closed."""
        pause = 0.0005
        while True:
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # whoever started us has the kernel forget children; all was printed
                return 0
            if ended:
                return status
            if monotonic() > self._deadline:
                return None
            sleep(pause)
            pause = min(pause * 2, 0.02)

    def __del__(self) -> None:
        if self._pid:
            self._end(complete=False)


def _start(argv: Sequence[str], env: Mapping[str, str], output: int) -> int:
    """Start a program as the search path of ``env`` finds it; raise :class:`OSError` where it does not."""
    places: Sequence[str] = ("",) if os.sep in argv[0] else os.get_exec_path(env)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    signals = {signal.SIGPIPE, signal.SIGXFSZ} & signal.valid_signals()  # which Python ignores
    failure: OSError = FileNotFoundError(argv[0])
    for place in places:
        path = os.path.join(place, argv[0])  # noqa: PTH118 - a hot path
        try:
            return os.posix_spawn(
                path, tuple(argv), dict(env), file_actions=actions, setpgroup=0, setsigdef=signals
            )
        except OSError as error:
            failure = error
    raise failure


def capture(argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None) -> str | None:
    """Return what a quick question prints, or ``None`` when it fails or takes over ``timeout`` seconds."""
    return Question(argv, timeout=timeout, env=env).answer()


def capture_all(
    argvs: Sequence[Sequence[str]],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> tuple[str | None, ...]:
    """Ask several questions at once; the answers come in their order."""
    answers: list[str | None] = []
    open_: list[Question] = []
    for argv in argvs:
        if len(open_) == AT_ONCE:
            answers.append(open_.pop(0).answer())
        open_.append(Question(argv, timeout=timeout, env=env))
    return (*answers, *[question.answer() for question in open_])
