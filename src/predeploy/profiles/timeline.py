"""Collapse a profile's timelines to what holds on one day (UTC; start inclusive, end exclusive)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from predeploy.model.profile import (
    Dated,
    DatedCommand,
    Installer,
    ManifestFile,
    Profile,
    PythonSource,
    Rule,
    Timeline,
    Window,
)
from predeploy.model.snapshot import ActiveRule, HostSnapshot
from predeploy.record import replace

Member = TypeVar("Member", ManifestFile, PythonSource, Window)
Entry = TypeVar("Entry", Dated, DatedCommand)


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
        archives=_present(profile.python.archives, day),
        removed=frozenset(_removed(profile.python.releases, day)),
        python_status={minor: str(word) for minor, word in status.items() if word},
        platform_tag=profile.python.platform_tag,
        tools=_present(profile.tools, day),
        installers={name: _installer(declared, day) for name, declared in profile.installers.items()},
        build_env=profile.build_env,
        lists={name: tuple(w.value for w in members_on(all_, day)) for name, all_ in profile.lists.items()},
        values=_present(profile.values, day),
        launch=profile.launch,
        paths=profile.paths,
        limits={phase: declared.limits() for phase, declared in profile.limits.items()},
        rules=tuple(rule for rule in (_active(rule, day) for rule in profile.rules) if rule),
        not_simulated=profile.not_simulated,
        recipe=profile.recipe,
        extra=profile.extra,
    )


def entry_on(timeline: tuple[Entry, ...], day: date) -> Entry | None:
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
    return tuple(sorted({day for day, _ in _changes(profile)}))


def sources_on(profile: Profile, day: date) -> tuple[str, ...]:
    """Return where the changes of a day are documented, each once."""
    return tuple(dict.fromkeys(source for changed, source in _changes(profile) if changed == day and source))


def is_announced(profile: Profile, day: date) -> bool:
    """Return whether a day of change is an announcement: it says so, or nobody has compared since."""
    marked = any(
        change.announced for rule in profile.rules for change in rule.timeline if change.since == day
    )
    return marked or day > profile.verified_on


def _changes(profile: Profile) -> Iterable[tuple[date, str]]:
    """Yield the day and source of everything in the profile that begins or ends."""
    timelines: list[Timeline] = [profile.python.default, *profile.python.releases.values()]
    timelines += [*profile.python.archives.values(), *profile.python.status.values()]
    timelines += [*profile.tools.values(), *profile.values.values()]
    for timeline in timelines:
        yield from ((entry.since, entry.source) for entry in timeline if entry.since)
    for declared in profile.installers.values():
        yield from ((entry.since, entry.source) for entry in declared.commands if entry.since)
    for rule in profile.rules:
        yield from ((change.since, change.source or rule.source) for change in rule.timeline if change.since)
    windows: list[ManifestFile | PythonSource | Window] = [*profile.manifests.accept, *profile.python.sources]
    windows += [window for members in profile.lists.values() for window in members]
    for window in windows:
        yield from ((day, window.source) for day in (window.since, window.until) if day)


def _present(timelines: dict[str, Timeline], day: date) -> dict[str, Any]:
    values = {name: value_on(timeline, day) for name, timeline in timelines.items()}
    return {name: value for name, value in values.items() if value is not None}


def _removed(releases: dict[str, Timeline], day: date) -> Iterable[str]:
    for minor, timeline in releases.items():
        entry = entry_on(timeline, day)
        if entry is not None and entry.value is None:
            yield minor


def _installer(declared: Installer, day: date) -> Installer:
    """Return the installer with the command line of the day."""
    if not declared.commands:
        return declared
    entry = entry_on(declared.commands, day)
    return replace(declared, command=(entry.value or ()) if entry else (), commands=())


def _active(rule: Rule, day: date) -> ActiveRule | None:
    current, since, following = None, None, None
    for change in rule.timeline:
        if change.since is None or change.since <= day:
            # An entry that changes only the words does not make the verdict younger.
            since = since if current and current.verdict == change.verdict else change.since
            current = change
        elif following is None and current and change.verdict != current.verdict:
            following = change
    if current is None or current.verdict == "accept":
        return None
    upstream = rule.upstream_id if current.upstream_id is None else current.upstream_id or None
    return ActiveRule(
        id=rule.id,
        phase=rule.phase,
        when=rule.when,
        severity=current.verdict,
        headline=rule.headline,
        message=current.message if current.message is not None else rule.message,
        hint=rule.hint,
        source=current.source or rule.source,
        upstream_id=upstream,
        confidence=rule.confidence,
        since=since,
        until=following.since if following else None,
    )
