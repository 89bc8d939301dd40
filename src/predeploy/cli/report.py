"""``predeploy report``: saved results in another form, several of them as one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from predeploy.cli.answer import answer, code_of
from predeploy.cli.options import PLATFORM_DIR, registry_of, with_options


@click.command("report")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RESULT.json...")
@PLATFORM_DIR
@with_options("report")
def command(*, files: tuple[Path, ...], **options: Any) -> int:
    r"""Render results that were saved with --format json, and merge several of them.

    Results of the same app and day become one; of a platform that was judged twice the later file counts.
    The exit code is that of the results together.

    \b
    Examples:
      predeploy report result.json --format html -o result.html
      predeploy report heroku.json platformsh.json --format markdown
    """
    from dataclasses import replace

    from predeploy.cli.redaction import run_secrets
    from predeploy.report.masking import masked
    from predeploy.report.saved import merged_reports, read_results
    from predeploy.settings import rendering_of

    request = rendering_of("report", options, os.environ)
    read = merged_reports([report for file in files for report in read_results(file)])
    reports = [masked(replace(report, strict=request.strict), run_secrets()) for report in read]
    registry = registry_of(options["platform_directories"], os.environ)
    answer(reports, request, registry)
    return code_of(reports, strict=request.strict)
