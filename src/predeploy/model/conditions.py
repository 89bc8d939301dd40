"""The shape of a rule's condition."""

from __future__ import annotations

from typing import Any, Literal

from predeploy.model.findings import Evidence
from predeploy.record import positional


@positional
class Test:
    """One predicate with its arguments."""

    __test__ = False  # not a test class, whatever its name makes pytest think

    predicate: str
    args: tuple[tuple[str, Any], ...] = ()


@positional
class Combined:
    """Several conditions under ``all`` or ``any``, or one under ``not``."""

    op: Literal["all", "any", "not"]
    of: tuple[Test | Combined, ...]


Condition = Test | Combined


@positional
class Match:
    """The predicate holds, and this shows it."""

    evidence: tuple[Evidence, ...] = ()
    detail: str | None = None


@positional
class NoMatch:
    """The predicate does not hold."""


@positional
class Unknown:
    """The predicate cannot be decided here, and why."""

    reason: str


Outcome = Match | NoMatch | Unknown
NO_MATCH = NoMatch()


def found(path: str, line: int | None = None, text: str | None = None, *, detail: str | None = None) -> Match:
    """Return a match with one place as its evidence."""
    shown = text if text is None or len(text) <= 120 else text[:117] + "…"
    return Match((Evidence(path=path, line=line, text=shown),), detail)


def matched(holds: bool, *evidence: Evidence, detail: str | None = None) -> Outcome:
    """Return a match with ``evidence`` where ``holds``, else no match."""
    return Match(evidence, detail) if holds else NO_MATCH
