"""What will change for an app, and when, as far as a profile knows."""

from __future__ import annotations

from typing import Literal

from predeploy.model import Status
from predeploy.model.findings import Finding
from predeploy.record import record

Certainty = Literal["announced", "observed"]


@record
class Situation:
    """What a platform does with the app on one day, in the respects a forecast compares."""

    status: Status
    reason: Finding | None
    """The finding that decides, for anything but accept and warn."""
    manifest: str | None
    installer: str | None
    python: str | None
    """Minor version asked for or taken."""
    findings: tuple[Finding, ...]
    """Warnings, refusals and what could not be decided; no notes."""


@record
class Change:
    """A day on which the platform's answer changes."""

    day: str
    certainty: Certainty
    """``announced`` by the host and not yet seen, or ``observed`` when the facts were compared."""
    changed: tuple[str, ...]
    """Which of ``status``, ``reason``, ``findings``, ``manifest``, ``installer`` and ``python`` differ."""
    before: Situation
    after: Situation
    new: tuple[Finding, ...]
    """Findings that were not there the day before, or that were milder or harsher."""
    gone: tuple[Finding, ...]
    """Findings that are no longer there."""
    sources: tuple[str, ...]
    """Where the profile's changes of that day are documented."""


@record
class PlatformForecast:
    """One platform's future for the app."""

    platform: str
    name: str
    now: Situation
    changes: tuple[Change, ...]
    verified_on: str
    """Day on which the profile was last compared with the host."""
