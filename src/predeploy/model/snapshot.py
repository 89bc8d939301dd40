"""A profile on one day: every timeline collapsed, so that later code never sees a date."""

from __future__ import annotations

from datetime import date
from typing import Any

from predeploy.model import Confidence, Phase, Severity
from predeploy.model.conditions import Condition
from predeploy.model.limits import Limits
from predeploy.model.profile import Installer, Launch, ManifestFile, PythonSource, Setting, Upload
from predeploy.record import record


@record
class ActiveRule:
    """A rule with the verdict of one day."""

    id: str
    phase: Phase
    when: Condition
    severity: Severity
    headline: str
    message: str
    hint: str
    source: str
    upstream_id: str | None
    confidence: Confidence
    since: date | None
    until: date | None
    """The next change of this rule, if one is known."""


@record
class HostSnapshot:
    """What a host does on one day."""

    id: str
    name: str
    as_of: date
    covered: bool
    """Whether the day lies inside the profile's window; outside it every answer is ``unknown``."""
    covers_from: date
    source: str
    upload: Upload
    settings: dict[str, Setting]
    select: str
    accept: tuple[ManifestFile, ...]
    python_sources: tuple[PythonSource, ...]
    python_default: str | None
    releases: dict[str, str]
    """Newest patch per minor the host offers, in the order of the profile."""
    archives: dict[str, str]
    """Newest patch that can be asked for in full, where it is a newer one."""
    removed: frozenset[str]
    """Minors the host once had and has no more."""
    python_status: dict[str, str]
    platform_tag: str
    tools: dict[str, str]
    installers: dict[str, Installer]
    build_env: dict[str, str]
    lists: dict[str, tuple[str, ...]]
    values: dict[str, Any]
    launch: Launch
    paths: dict[str, str]
    limits: dict[Phase, Limits]
    rules: tuple[ActiveRule, ...]
    not_simulated: tuple[str, ...]
    recipe: str | None
    extra: dict[str, Any]
