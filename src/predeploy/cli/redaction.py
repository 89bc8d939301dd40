"""The registry of secrets of the run at hand."""

from __future__ import annotations

import click

from predeploy.env.secrets import Secrets


def run_secrets() -> Secrets:
    """Return the registry that :func:`predeploy.cli.main.run` made for this run, a new one outside of it."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Secrets) if context is not None else None
    return Secrets() if found is None else found
