"""``predeploy check``: the static answer, in a blink."""

from __future__ import annotations

from typing import Any

import click

from predeploy.cli.options import APP, with_options
from predeploy.cli.quick import checked


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
    return checked(**options)
