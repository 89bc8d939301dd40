"""What a command is, how it ended, and what runs it: the interface of :mod:`predeploy.env.runner`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from predeploy.model.limits import Limits
from predeploy.record import field, record

if TYPE_CHECKING:
    import socket

    from predeploy.env.confinement import Confinement

Ending = Literal["ok", "failed", "timeout", "interrupted"]
Listener = Callable[[str], None]

Target = int | Path
"""A TCP port on the loopback address, or the path of a unix socket."""


class Cancellation:
    """A request to stop, which any thread may make and every run notices."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask everything that runs under this token to end."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set()


@record
class Command:
    """What to run, where, with which variables, and for how long at most."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    timeout_seconds: float
    limits: Limits = field(default_factory=Limits)
    """What it may use beside its time."""
    confinement: Confinement | None = None
    """What it sees of this machine, and then ``argv``, ``cwd`` and ``env`` are in its own terms."""
    measured: tuple[Path, ...] = ()
    """Directories whose size counts against the limit of disk."""


@record
class Completed:
    """How a command ended; ``returncode`` is ``None`` when it did not end by itself."""

    status: Ending
    returncode: int | None
    seconds: float
    tail: str
    exceeded: str = ""
    """The limit it went over, such as ``memory of 512 MiB``, which ended it."""


class Running(Protocol):
    """A started server."""

    def poll(self) -> int | None:
        """Return the exit status, or ``None`` while it runs."""

    @property
    def exceeded(self) -> str:
        """The limit it went over, which ended it; empty while it keeps to them."""

    def tail(self) -> str:
        """Return the last lines of its output."""

    def processes(self) -> tuple[int, ...]:
        """Return the process ids of its tree."""

    def listening(self) -> tuple[str, ...]:
        """Return the addresses its tree listens on."""

    def connect(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
        """Return a connection to where it listens, seen from its own network, or ``None``."""

    def stop(self) -> None:
        """End it, ever less politely, and leave no process; a second call does nothing."""


class Runner(Protocol):
    """Whatever runs commands: processes in the program, a fake in a test."""

    def run(self, command: Command, *, on_line: Listener | None = None) -> Completed:
        """Run a command to its end."""

    def start(self, command: Command, *, on_line: Listener | None = None) -> Running:
        """Start a command and return at once; the caller bounds its time and stops it."""
