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


class _Question:
    """A program in a process group of its own, and what it has printed so far."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], timeout: float) -> None:
        self.printed = bytearray()
        self.deadline = monotonic() + timeout
        self.answer: bytes | None = None
        self.pipe, theirs = os.pipe()
        try:
            self.pid = _start(argv, env, theirs)
        except BaseException:
            os.close(self.pipe)
            raise
        finally:
            os.close(theirs)

    def read(self) -> bool:
        """Take what can be read; return whether that was all."""
        chunk = os.read(self.pipe, 1 << 16)
        self.printed += chunk
        return not chunk

    def end(self, *, complete: bool) -> None:
        """Look at how it ended, and end what it started and left, as a shim may."""
        status = self._status() if complete else None
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        if status is None:
            os.waitpid(self.pid, 0)
        os.close(self.pipe)
        if status == 0:
            self.answer = bytes(self.printed)

    def _status(self) -> int | None:
        """Return the exit status; ``None`` where it goes on beyond its time with its output closed."""
        pause = 0.0005
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
            if monotonic() > self.deadline:
                return None
            sleep(pause)
            pause = min(pause * 2, 0.02)


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
    return capture_all((argv,), timeout=timeout, env=env)[0]


def capture_all(
    argvs: Sequence[Sequence[str]],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> tuple[str | None, ...]:
    """Ask several questions at once; the answers come in their order."""
    answers: list[bytes | None] = [None] * len(argvs)
    waiting = list(enumerate(argvs))[::-1]
    running: dict[int, tuple[int, _Question]] = {}
    poll = select.poll()
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                index, argv = waiting.pop()
                with suppress(OSError, ValueError):
                    question = _Question(argv, env or {}, timeout)
                    running[question.pipe] = index, question
                    poll.register(question.pipe, select.POLLIN)
            for pipe, complete in _ended(poll, running):
                index, question = running.pop(pipe)
                poll.unregister(pipe)
                question.end(complete=complete)
                answers[index] = question.answer
    finally:
        for _, question in running.values():
            question.end(complete=False)
    # As file names are: git prints names that are not UTF-8, and they must be found again.
    return tuple(None if answer is None else answer.decode("utf-8", "surrogateescape") for answer in answers)


def _ended(poll: select.poll, running: Mapping[int, tuple[int, _Question]]) -> list[tuple[int, bool]]:
    """Wait until something is printed or overdue; return who is at the end, and whether by itself."""
    if not running:
        return []
    left = min(question.deadline for _, question in running.values()) - monotonic()
    ended = {pipe: True for pipe, _ in poll.poll(max(0, left) * 1000 + 1) if running[pipe][1].read()}
    now = monotonic()
    ended.update(
        (pipe, False) for pipe, (_, one) in running.items() if pipe not in ended and one.deadline < now
    )
    return list(ended.items())
