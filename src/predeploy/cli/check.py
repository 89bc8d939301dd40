"""``predeploy check``: the static answer, in a blink."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import click

from predeploy.cli.answer import answer, report_of
from predeploy.cli.options import OUTPUT, STRICT, format_option, registry_for, request_from, selection


@click.command("check")
@selection
@STRICT
@format_option("text", "json")
@OUTPUT
def command(*, output_format: str, output_file: Path | None, **options: Any) -> int:
    r"""Judge APP statically: which manifest and Python win, what is refused, and why.

    Offline, and nothing of the app is run.

    \b
    Examples:
      predeploy check
      predeploy check path/to/app -p heroku --as-of 2027-01-06
    """
    from predeploy.pipeline.static import check

    begun = perf_counter()
    request = request_from(**options)
    results = check(request, registry_for(request))
    report = report_of(request, results, seconds=perf_counter() - begun)
    answer(report, request, output_format=output_format, output_file=output_file)
    return report.exit_code
