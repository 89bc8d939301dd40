"""The words in braces of a plan, and what they stand for in one run."""

from __future__ import annotations

from collections.abc import Mapping

from predeploy.lazy import pattern

NAMES = (
    "app",
    "venv",
    "bin",
    "home",
    "temp",
    "work",
    "cache",
    "kept",
    "run",
    "port",
    "socket",
    "python",
    "uv",
    "conda",
)
PLACEHOLDER = pattern(r"\{(" + "|".join(NAMES) + r"|tool:[a-z0-9-]+)\}")


def fill(text: str, places: Mapping[str, str]) -> str:
    """Replace every known word in braces; one without a place stays as it is."""
    return PLACEHOLDER.sub(lambda match: places.get(match.group(1), match.group(0)), text)
