"""Progress on stderr: a live table on a terminal, one plain line an event elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Self

from predeploy.env.secrets import mask_credentials
from predeploy.events import (
    Event,
    PhaseFinished,
    PhaseStarted,
    PlatformFinished,
    Remark,
    Reporter,
    Silent,
    StepFinished,
    StepOutput,
    StepStarted,
)
from predeploy.report.escape import terminal
from predeploy.report.text import MARKS, duration
from predeploy.report.told import Told

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@contextmanager
def progress(
    *, live: bool, quiet: bool, verbose: bool, redact: Callable[[str], str] = mask_credentials
) -> Iterator[Reporter]:
    """Yield the reporter that suits the terminal."""
    if quiet:
        yield Silent()
        return
    if not live:
        yield Plain(verbose=verbose, redact=redact)
        return
    from rich.console import Console

    reporter = Live(Console(stderr=True), redact=redact)
    with reporter:
        yield reporter


class Several:
    """Passes every event on to several reporters."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def emit(self, event: Event) -> None:
        """Pass the event on."""
        for reporter in self._reporters:
            reporter.emit(event)


class Plain:
    """One line a finished step and platform; with ``verbose`` also what the steps print."""

    def __init__(self, *, verbose: bool = False, redact: Callable[[str], str] = mask_credentials) -> None:
        self._verbose = verbose
        self._redact = redact
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Write the event's line, whole, so that platforms do not interleave inside one."""
        text = self._line(event)
        if text is None:
            return
        # Whoever read the story may have gone; the answer is still wanted.
        with self._lock, suppress(OSError, ValueError):
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def _line(self, event: Event) -> str | None:
        match event:
            case StepStarted() if self._verbose:
                return f"{event.platform}: {event.step}: $ {terminal(self._redact(event.command))}"
            case StepOutput() if self._verbose:
                return f"{event.platform}: {event.step}: {terminal(event.line)}"
            case StepFinished():
                took = duration(event.seconds)
                return f"{event.platform}: {event.phase}: {event.step} {event.status} ({took})"
            case PlatformFinished():
                return f"{event.platform}: {event.status} ({duration(event.seconds)})"
            case Remark():
                return f"{event.platform}: {terminal(self._redact(event.text))}"
        return None


NARROW = 60
"""Columns below which a step is shown without its phase."""


@dataclass
class _Row:
    """What the live table shows of one platform."""

    doing: str = "waiting"
    since: float = 0.0
    last: str = ""
    told: Told = field(default_factory=Told)
    ended: str | None = None
    took: float = 0.0

    def cells(self, platform: str, now: float, width: int) -> list[tuple[str, str]]:
        """Return the cells of the row with their styles: platform, step, elapsed, what the tool tells."""
        if self.ended is not None:
            return [
                (platform, ""),
                (f"{MARKS.get(self.ended, '✗')} {self.ended}", ""),
                (duration(self.took), ""),
            ]
        tells = "  ".join(part for part in (str(self.told), self.last) if part)
        doing = self.doing if width >= NARROW else self.doing.partition(": ")[2] or self.doing
        return [(platform, ""), (doing, ""), (duration(now - self.since), ""), (tells, "dim")]


class Live:
    """A table with a row a platform: which step runs, and for how long."""

    def __init__(self, console: Console, *, redact: Callable[[str], str] = mask_credentials) -> None:
        from rich.live import Live as RichLive

        self._redact = redact
        self._console = console
        self._rows: dict[str, _Row] = {}
        self._lock = threading.Lock()
        self._live = RichLive(
            console=console, get_renderable=self._table, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and leave no trace of the table."""
        self._live.stop()

    def emit(self, event: Event) -> None:
        """Update the platform's row."""
        now = monotonic()
        with self._lock:
            row = self._rows.setdefault(event.platform, _Row(since=now))
            match event:
                case PhaseStarted():
                    row.doing, row.since = event.phase, now
                case StepStarted():
                    row.doing, row.since, row.last = f"{event.phase}: {event.step}", now, ""
                    row.told = Told()
                case StepOutput():
                    row.last = terminal(event.line).strip()
                    row.told.hear(event.line)
                case PhaseFinished() | StepFinished():
                    row.last, row.told = "", Told()
                case PlatformFinished():
                    row.ended, row.took = event.status, event.seconds
                case Remark():
                    row.last = terminal(self._redact(event.text))

    def _table(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        width = self._console.width
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, width // 3))
        table.add_column(no_wrap=True, justify="right")
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        now = monotonic()
        with self._lock:
            for platform, row in self._rows.items():
                table.add_row(*(Text(cell, style=style) for cell, style in row.cells(platform, now, width)))
        return table
