"""``predeploy doctor``: what this machine can simulate, and what to install."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from predeploy.cli.answer import tell, wants_colour, width, write
from predeploy.cli.options import PLATFORM_DIR, format_option, registry_of
from predeploy.errors import ExitCode
from predeploy.option import parse_day
from predeploy.paths import home_directory


@click.command("doctor")
@PLATFORM_DIR
@format_option("text", "json")
def command(*, platform_directories: tuple[Path, ...], output_format: str) -> int:
    r"""Say what this machine can simulate, at which fidelity, and what to install.

    Starts the interpreters it finds to ask their version; installs and changes nothing. The exit code is 0
    whatever is missing.

    \b
    Examples:
      predeploy doctor
      predeploy doctor --format json
    """
    from predeploy.pipeline.doctor import diagnose
    from predeploy.report.doctor import as_json, as_text

    registry = registry_of(platform_directories, os.environ)
    found = diagnose(registry, parse_day("today"), os.environ, home_directory(os.environ))
    tell(registry.remarks)
    if output_format == "json":
        write(as_json(found), None)
    else:
        write(as_text(found, width=width(), colour=wants_colour(sys.stdout.isatty())), None)
    return ExitCode.OK
