"""The command line: one module a command, imported only when it is called."""

from __future__ import annotations


def entry() -> None:
    """Run the command line and exit with the documented code."""
    from predeploy.cli.main import run

    raise SystemExit(run())
