"""The registry of secrets of the run at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from predeploy.env.secrets import Secrets

_RUNS: list[Secrets] = []


@contextmanager
def registered(secrets: Secrets) -> Iterator[None]:
    """Make a registry the one of the run until the end."""
    _RUNS.append(secrets)
    try:
        yield
    finally:
        _RUNS.remove(secrets)


def run_secrets() -> Secrets:
    """Return the registry that :mod:`predeploy.cli.ending` made for this run, a new one outside of it."""
    return _RUNS[-1] if _RUNS else Secrets()
