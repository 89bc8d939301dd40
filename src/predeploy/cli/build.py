"""``predeploy build``: the whole pipeline, with progress on stderr."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from predeploy.cli.answer import answer
from predeploy.cli.options import APP, registry_for, request_from, with_options

if TYPE_CHECKING:
    from predeploy.env.commands import Cancellation

PATIENCE = 2
"""Signals after which a further one ends the program at once."""


@click.command("build")
@APP
@with_options("build")
def command(**options: Any) -> int:
    r"""Build, check and start APP the way each platform would.

    Every step runs in a fresh virtualenv and on a copy of what the host would receive. The app's own code
    runs: its build backend, its hooks, and its start command.

    \b
    Examples:
      predeploy build
      predeploy build path/to/app -p heroku --until verify
      predeploy build -f json -o result.json
    """
    from predeploy.api import built
    from predeploy.cli.running import checked_work_dir, reporting
    from predeploy.env.commands import Cancellation

    gc.enable()
    request = request_from("build", **options)
    checked_work_dir(request)
    registry = registry_for(request)
    cancellation = Cancellation()
    with _stopped_by_signals(cancellation):
        with reporting(request) as reporter:
            report = built(request, registry, reporter, cancellation)
        answer((report,), request, registry, streamed=True)
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
