"""``predeploy forecast``: the days on which an answer will change, and to what."""

from __future__ import annotations

import sys
from typing import Any

import click

from predeploy import __version__
from predeploy.cli.answer import tell, wants_colour, width, write
from predeploy.cli.options import APP, format_option, registry_for, request_from, with_options
from predeploy.errors import ExitCode
from predeploy.settings import parse_day


@click.command("forecast")
@APP
@with_options("forecast")
@click.option("--until", "last_day", metavar="DAY", help="Last day to look at (default: as far as is known).")
@format_option("text", "json")
def command(*, last_day: str | None, output_format: str, **options: Any) -> int:
    r"""List the days after --as-of on which the answer for APP changes, and to what.

    Each platform's detect and plan are evaluated again on every day on which its profile changes. A day is
    "announced" by the host, or "observed" when it lies before the facts were last compared. Offline, and
    nothing of the app is run. The exit code is 0 whatever the future brings, and 2 for wrong usage.

    \b
    Examples:
      predeploy forecast
      predeploy forecast path/to/app -p heroku --until 2027-12-31
    """
    from predeploy.pipeline.forecast import forecast
    from predeploy.report.forecast import as_json, as_text
    from predeploy.report.masking import masked

    until = parse_day(last_day, option="--until") if last_day else None
    request = request_from("forecast", **options)
    found = forecast(request, registry_for(request), until=until)
    forecasts = masked(found, request.secrets)
    app, as_of = str(request.app), request.as_of.isoformat()
    last = until.isoformat() if until else None
    tell(request.remarks)
    if output_format == "json":
        text = as_json(forecasts, tool_version=__version__, app=app, as_of=as_of, until=last)
    else:
        colour = request.output_file is None and wants_colour(sys.stdout.isatty())
        text = as_text(forecasts, app=app, as_of=as_of, until=last, width=width(), colour=colour)
    write(text, request.output_file)
    return ExitCode.OK
