"""``predeploy build``: the whole pipeline, with progress on stderr."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any

import click

from predeploy.cli.answer import answer, report_of, wants_colour
from predeploy.cli.options import OUTPUT, STRICT, format_option, registry_for, request_from, selection
from predeploy.errors import UsageError


@click.command("build")
@selection
@STRICT
@click.option(
    "--until",
    type=click.Choice(["install", "verify", "boot"]),
    help="Last phase to run (default: boot). [env: PREDEPLOY_UNTIL]",
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Platforms at the same time (default: cores).")
@click.option("--keep", is_flag=True, help="Keep the work directories of successful builds too.")
@click.option("--work-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where to make them.")
@click.option(
    "--boot-timeout",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Give up on a start earlier than the host would.",
)
@click.option("--fetch-python/--no-fetch-python", default=True, help="Ask uv for a Python that is not here.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the answer.")
@click.option("-v", "--verbose", is_flag=True, help="Show what every step prints.")
@format_option("text", "json")
@OUTPUT
def command(
    *, output_format: str, output_file: Path | None, quiet: bool, verbose: bool, **options: Any
) -> int:
    r"""Build, check and start APP the way each platform would.

    Every step runs in a fresh virtualenv and on a copy of what the host would receive. The app's own code
    runs: its build backend, its hooks, and its start command.

    \b
    Examples:
      predeploy build
      predeploy build path/to/app -p heroku --until verify
      predeploy build -f json -o result.json
    """
    from predeploy.env.commands import Cancellation
    from predeploy.pipeline.run import build
    from predeploy.report.progress import progress

    gc.enable()
    begun = perf_counter()
    request = request_from(**options)
    if request.work_dir is not None and not request.work_dir.is_dir():
        raise UsageError(f"--work-dir {request.work_dir}: no such directory")
    registry = registry_for(request)
    cancellation = Cancellation()
    # SIGTERM ends a run as Ctrl-C does: children gone, results written.
    signal.signal(signal.SIGTERM, _as_interrupt)
    live = sys.stderr.isatty() and not request.strict and wants_colour(True)
    with progress(live=live and not verbose, quiet=quiet, verbose=verbose) as reporter:
        results = build(request, registry, reporter, cancellation)
    interrupted = cancellation.requested
    report = report_of(request, results, seconds=perf_counter() - begun, interrupted=interrupted)
    answer(report, request, output_format=output_format, output_file=output_file)
    return report.exit_code


def _as_interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's signature
    raise KeyboardInterrupt
