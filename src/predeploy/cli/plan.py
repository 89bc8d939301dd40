"""``predeploy plan``: the exact recipe, each line with its reason."""

from __future__ import annotations

import sys
from typing import Any

import click

from predeploy.cli.answer import wants_colour, width, write
from predeploy.cli.options import APP, format_option, registry_for, request_from, with_options


@click.command("plan")
@APP
@with_options("plan")
@format_option("text", "json", "sh")
def command(*, output_format: str, **options: Any) -> int:
    r"""Print the recipe of each platform for APP, without running any of it.

    With --format sh the answer is a script that can be run by hand.

    \b
    Examples:
      predeploy plan -p heroku
      predeploy plan -p streamlit-cloud --format sh | sh
    """
    from predeploy.pipeline.detect import detect
    from predeploy.pipeline.source import AppSource
    from predeploy.pipeline.static import cases, exit_code, static_result
    from predeploy.report.masking import masked

    request = request_from("plan", **options)
    registry = registry_for(request)
    made = cases(request, registry, AppSource(request.app, request.environ, on_read=request.secrets.content))
    detections = [detect(case) for case in made]
    results = tuple(map(static_result, made, detections))
    if output_format == "sh":
        from predeploy.report.shell import as_script

        write(as_script(results, detections, request.app, secrets=request.secrets), request.output_file)
        return exit_code(results, strict=False)
    shown = [masked(detection, request.secrets) for detection in detections]
    if output_format == "json":
        from predeploy.report.plan import as_json

        write(as_json(results, shown), request.output_file)
    else:
        from predeploy.report.plan import as_text

        colour = request.output_file is None and wants_colour(sys.stdout.isatty())
        write(as_text(results, shown, width=width(), colour=colour), request.output_file)
    return exit_code(results, strict=False)
