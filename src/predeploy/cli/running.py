"""What ``build`` and ``matrix`` share: who listens to a run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from predeploy.cli.answer import chosen_format, wants_colour
from predeploy.errors import UsageError
from predeploy.events import Reporter
from predeploy.report.lines import EventLines
from predeploy.report.progress import Several, progress
from predeploy.settings import RunRequest


def checked_work_dir(request: RunRequest) -> None:
    """Raise :class:`UsageError` where work directories could not be made."""
    if request.work_dir is not None and not request.work_dir.is_dir():
        raise UsageError(f"--work-dir {request.work_dir}: no such directory")


@contextmanager
def reporting(request: RunRequest) -> Iterator[Reporter]:
    """Yield who listens to a run: the progress on stderr, and every stream of JSON lines."""
    redact = request.secrets
    live = sys.stderr.isatty() and not request.strict and wants_colour(True)
    with ExitStack() as stack:
        streams = [stack.enter_context(_opened(path)) for path in _event_files(request)]
        if chosen_format(request) == "json-lines" and request.output_file is None:
            streams.append(sys.stdout)
        # Where lines go to the terminal anyway, a table that redraws itself would tear them.
        live = live and not request.verbose and not (sys.stdout in streams and sys.stdout.isatty())
        reporter = stack.enter_context(
            progress(live=live, quiet=request.quiet, verbose=request.verbose, redact=redact)
        )
        yield Several(reporter, *(EventLines(stream, redact) for stream in streams))


def _event_files(request: RunRequest) -> Iterator[Path]:
    yield from (Path(file) for name, file in request.reports if name == "json-lines")
    if request.output_format == "json-lines" and request.output_file is not None:
        yield request.output_file


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'cannot be written').lower()}") from None
