"""The command line."""

from __future__ import annotations


def entry() -> None:
    """Run the command line."""
