"""Collapse a profile's timelines to what holds on one day (UTC; start inclusive, end exclusive)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from predeploy.model.profile import Dated, ManifestFile, Profile, PythonSource, Rule, Timeline, Window
from predeploy.model.snapshot import ActiveRule, HostSnapshot

Member = TypeVar("Member", ManifestFile, PythonSource, Window)


def snapshot(profile: Profile, day: date) -> HostSnapshot:
    """Return what the profile's host does on ``day``."""
    releases = {minor: value_on(timeline, day) for minor, timeline in profile.python.releases.items()}
    status = {minor: value_on(timeline, day) for minor, timeline in profile.python.status.items()}
    return HostSnapshot(
        id=profile.id,
        name=profile.name or profile.id,
        as_of=day,
        covered=day >= profile.covers_from,
        covers_from=profile.covers_from,
        source=profile.source,
        upload=profile.upload,
        settings=profile.settings,
        select=profile.manifests.select,
        accept=tuple(members_on(profile.manifests.accept, day)),
        python_sources=tuple(members_on(profile.python.sources, day)),
        python_default=value_on(profile.python.default, day),
        releases={minor: str(patch) for minor, patch in releases.items() if patch},
        removed=frozenset(_removed(profile.python.releases, day)),
        python_status={minor: str(word) for minor, word in status.items() if word},
        platform_tag=profile.python.platform_tag,
        tools=_present(profile.tools, day),
        installers=profile.installers,
        build_env=profile.build_env,
        lists={name: tuple(w.value for w in members_on(all_, day)) for name, all_ in profile.lists.items()},
        values=_present(profile.values, day),
        launch=profile.launch,
        rules=tuple(rule for rule in (_active(rule, day) for rule in profile.rules) if rule),
        not_simulated=profile.not_simulated,
        recipe=profile.recipe,
        extra=profile.extra,
    )


def entry_on(timeline: Timeline, day: date) -> Dated | None:
    """Return the entry that holds on ``day``: the last one that has begun."""
    current = None
    for entry in timeline:
        if entry.since is None or entry.since <= day:
            current = entry
    return current


def value_on(timeline: Timeline, day: date) -> Any:
    """Return the value that holds on ``day``, or ``None``."""
    entry = entry_on(timeline, day)
    return entry.value if entry else None


def members_on(members: Iterable[Member], day: date) -> Iterable[Member]:
    """Yield the members whose window contains ``day``."""
    for member in members:
        if (member.since is None or member.since <= day) and (member.until is None or day < member.until):
            yield member


def change_days(profile: Profile) -> tuple[date, ...]:
    """Return every day on which something in the profile changes, in order."""
    days: set[date] = set()
    timelines: list[Timeline] = [profile.python.default, *profile.python.releases.values()]
    timelines += [*profile.python.status.values(), *profile.tools.values(), *profile.values.values()]
    for timeline in timelines:
        days.update(entry.since for entry in timeline if entry.since)
    for rule in profile.rules:
        days.update(change.since for change in rule.timeline if change.since)
    windows: list[ManifestFile | PythonSource | Window] = [*profile.manifests.accept, *profile.python.sources]
    windows += [window for members in profile.lists.values() for window in members]
    for window in windows:
        days.update(day for day in (window.since, window.until) if day)
    return tuple(sorted(days))


def _present(timelines: dict[str, Timeline], day: date) -> dict[str, Any]:
    values = {name: value_on(timeline, day) for name, timeline in timelines.items()}
    return {name: value for name, value in values.items() if value is not None}


def _removed(releases: dict[str, Timeline], day: date) -> Iterable[str]:
    for minor, timeline in releases.items():
        entry = entry_on(timeline, day)
        if entry is not None and entry.value is None:
            yield minor


def _active(rule: Rule, day: date) -> ActiveRule | None:
    current, following = None, None
    for change in rule.timeline:
        if change.since is None or change.since <= day:
            current, following = change, None
        elif following is None:
            following = change
    if current is None or current.verdict == "accept":
        return None
    return ActiveRule(
        id=rule.id,
        phase=rule.phase,
        when=rule.when,
        severity=current.verdict,
        headline=rule.headline,
        message=current.message if current.message is not None else rule.message,
        hint=rule.hint,
        source=current.source or rule.source,
        upstream_id=rule.upstream_id,
        confidence=rule.confidence,
        since=current.since,
        until=following.since if following else None,
    )
