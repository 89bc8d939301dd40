"""Many apps: the directories a repository names, and the cells of apps, platforms and days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from predeploy.errors import UsageError
from predeploy.record import record

SPECIAL = frozenset("*?[")


@record
class Cell:
    """One question: whether this app would deploy there on that day."""

    app: str
    platform: str
    as_of: str | None = None
    """``None``: today, whichever day that is when it is asked."""


def find_apps(root: Path, patterns: Sequence[str]) -> tuple[Path, ...]:
    """Return the directories that patterns name, as seen from ``root``; without patterns, the root itself."""
    if not patterns:
        return (Path(),)
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = sorted(_matches(root, pattern))
        if not matches:
            raise UsageError(f"{pattern}: no such directory")
        found.update(dict.fromkeys(matches))
    return tuple(found)


def _matches(root: Path, pattern: str) -> Iterator[Path]:
    if not SPECIAL & set(pattern):
        if (root / pattern).is_dir():
            yield Path(pattern)
        return
    if Path(pattern).is_absolute():
        raise UsageError(f"{pattern}: a pattern is relative to the current directory")
    for path in root.glob(pattern):
        if path.is_dir() and not path.name.startswith("."):
            yield path.relative_to(root)
