"""``predeploy check``: the static answer, in a blink."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import click

from predeploy.api import report_of
from predeploy.cli.answer import answer
from predeploy.cli.options import APP, registry_for, request_from, with_options


@click.command("check")
@APP
@with_options("check")
def command(**options: Any) -> int:
    r"""Judge APP statically: which manifest and Python win, what is refused, and why.

    Offline, and nothing of the app is run.

    \b
    Examples:
      predeploy check
      predeploy check path/to/app -p heroku --as-of 2027-01-06
    """
    from predeploy.pipeline.static import check

    begun = perf_counter()
    request = request_from("check", **options)
    registry = registry_for(request)
    results = check(request, registry)
    report = report_of(request, results, seconds=perf_counter() - begun)
    answer((report,), request, registry)
    return report.exit_code
