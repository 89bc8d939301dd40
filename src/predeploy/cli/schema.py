"""``predeploy schema``: JSON schemas of what predeploy reads and writes."""

from __future__ import annotations

import json

import click

from predeploy.cli.answer import write
from predeploy.errors import ExitCode


@click.command("schema")
@click.argument(
    "what",
    type=click.Choice(["result", "config", "profile", "plan", "forecast"]),
    default="result",
    required=False,
)
def command(*, what: str) -> int:
    """Print the JSON schema of the result document, the configuration, a profile, a plan, or a forecast."""
    from predeploy.report.schema import schema_of

    write(json.dumps(schema_of(what), indent=2) + "\n", None)
    return ExitCode.OK
