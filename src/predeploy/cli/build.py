"""``predeploy build``: the whole pipeline, with progress on stderr."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from predeploy.cli.answer import answer, report_of, wants_colour
from predeploy.cli.options import (
    CURRENT_PACKAGES,
    OUTPUT,
    STRICT,
    format_option,
    registry_for,
    request_from,
    selection,
)
from predeploy.errors import UsageError

if TYPE_CHECKING:
    from predeploy.env.commands import Cancellation

PATIENCE = 2
"""Signals after which a further one ends the program at once."""


@click.command("build")
@selection
@CURRENT_PACKAGES
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
@click.option(
    "--sandbox",
    type=click.Choice(["auto", "bwrap", "none"]),
    help="What keeps the build apart from this machine (default: auto, bubblewrap where it works). "
    "[env: PREDEPLOY_SANDBOX]",
)
@click.option(
    "--network",
    type=click.Choice(["auto", "host", "none"]),
    help="Network of the build (default: auto, this machine's for the install and the app's own loopback "
    "after it; host: this machine's all along). [env: PREDEPLOY_NETWORK]",
)
@click.option(
    "--expose",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, resolve_path=True),
    metavar="PATH",
    help="File or directory of this machine that the sandbox shows too, read-only: a local repository, say, "
    "that the app installs from.",
)
@click.option(
    "--limit",
    "limit_pairs",
    multiple=True,
    metavar="[PHASE.]KIND=VALUE",
    help="Most that a step may use: time=600, memory=2G, processes=200, output=64M, disk=5G; of one phase "
    "with install., verify. or boot. in front. Repeatable.",
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
    live = sys.stderr.isatty() and not request.strict and wants_colour(True)
    with _stopped_by_signals(cancellation):
        redact = request.secrets
        with progress(live=live and not verbose, quiet=quiet, verbose=verbose, redact=redact) as reporter:
            results = build(request, registry, reporter, cancellation)
        interrupted = cancellation.requested
        report = report_of(request, results, seconds=perf_counter() - begun, interrupted=interrupted)
        answer(report, request, output_format=output_format, output_file=output_file)
    return report.exit_code


@contextmanager
def _stopped_by_signals(cancellation: Cancellation) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end a run in order: children gone, results written.

    The first two signals raise nothing, so that nothing is left half done, the report included. A third is
    from somebody who does not want to wait for it.
    """
    received = 0

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's signature
        nonlocal received
        received += 1
        if received == 1:
            cancellation.cancel()
        elif received > PATIENCE:
            raise KeyboardInterrupt

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in wanted}
    heard = [number for number in wanted if before[number] is not signal.SIG_IGN]  # nohup, jobs of a script
    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])
