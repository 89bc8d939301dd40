"""A rule or a platform, explained from its profile."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from predeploy.model.conditions import Condition, Test
from predeploy.model.profile import ManifestFile, Profile, Rule, Timeline
from predeploy.report.text import Paper


def condition_text(condition: Condition) -> str:
    """Return a condition as one line of words."""
    if isinstance(condition, Test):
        arguments = ", ".join(f"{name.rstrip('_')}: {_value(value)}" for name, value in condition.args)
        return f"{condition.predicate}({arguments})"
    if condition.op == "not":
        return f"not {condition_text(condition.of[0])}"
    joiner = " and " if condition.op == "all" else " or "
    return "(" + joiner.join(condition_text(part) for part in condition.of) + ")"


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def rule_text(profile: Profile, rule: Rule, *, width: int, colour: bool) -> str:
    """Return a rule with its condition, verdicts by date, source and fix."""
    paper = Paper(width=width, colour=colour)
    paper.line(paper.ink(f"{profile.id}/{rule.id}", "bold"))
    paper.wrapped(rule.headline, indent=2)
    if rule.upstream_id:
        paper.wrapped(f"The host's own id: {rule.upstream_id}", indent=2)
    paper.line()
    message = rule.message.replace("{evidence}", "\u2026")  # what was found goes there
    for text in (message, f"Fix: {rule.hint}" if rule.hint else ""):
        if text:
            paper.wrapped(text, indent=2)
    paper.line()
    paper.wrapped(f"Decided in {rule.phase}, when {condition_text(rule.when)}", indent=2)
    for change in rule.timeline:
        day = f"from {change.since}" if change.since else f"from {profile.covers_from} or earlier"
        announced = " (announced)" if change.announced else ""
        upstream = "" if change.upstream_id is None else f" as {change.upstream_id or 'no id of its own'}"
        paper.wrapped(f"{day}: {change.verdict}{upstream}{announced}  {change.source}", indent=4)
    paper.wrapped(f"Source: {rule.source} ({rule.confidence})", indent=2)
    return "\n".join(paper.lines) + "\n"


def rule_json(found: Iterable[tuple[Profile, Rule]]) -> str:
    """Return rules as JSON."""
    rules = [
        {
            "rule": f"{profile.id}/{rule.id}",
            "upstream_id": rule.upstream_id,
            "phase": rule.phase,
            "headline": rule.headline,
            "message": rule.message,
            "hint": rule.hint,
            "when": condition_text(rule.when),
            "confidence": rule.confidence,
            "source": rule.source,
            "timeline": [
                {
                    "since": change.since.isoformat() if change.since else None,
                    "verdict": change.verdict,
                    "source": change.source or rule.source,
                    "announced": change.announced,
                    "upstream_id": rule.upstream_id
                    if change.upstream_id is None
                    else change.upstream_id or None,
                }
                for change in rule.timeline
            ],
        }
        for profile, rule in found
    ]
    return json.dumps(rules, indent=2) + "\n"


def platform_text(profile: Profile, *, width: int, colour: bool) -> str:
    """Return what a profile knows, for people."""
    paper = Paper(width=width, colour=colour)
    paper.line(paper.ink(f"{profile.name} ({profile.id})", "bold"))
    paper.wrapped(profile.homepage, indent=2)
    paper.wrapped(f"Facts from {profile.covers_from}, last compared on {profile.verified_on}", indent=2)
    paper.wrapped(f"Source: {profile.source}", indent=2)
    _section(
        paper,
        "Manifests, in order",
        (f"{m.file} → {m.installer}{_span(m)}" for m in profile.manifests.accept),
    )
    _section(paper, "Python is taken from", (f"{s.origin}" for s in profile.python.sources))
    _section(paper, "Python offered", _releases(profile))
    _section(paper, "Pinned tools", (f"{name} {_last(t)}" for name, t in profile.tools.items()))
    _section(
        paper,
        "Settings",
        (f"--set {profile.id}.{key}=…  {s.description}" for key, s in profile.settings.items()),
    )
    _section(paper, "Not simulated", profile.not_simulated)
    _section(paper, "Rules", (f"{profile.id}/{rule.id}  {rule.headline}" for rule in profile.rules))
    return "\n".join(paper.lines) + "\n"


def _section(paper: Paper, title: str, entries: Iterable[str]) -> None:
    lines = list(entries)
    if not lines:
        return
    paper.line()
    paper.line("  " + paper.ink(title, "bold"))
    for line in lines:
        paper.wrapped(line, indent=4)


def _releases(profile: Profile) -> Iterable[str]:
    for minor, timeline in profile.python.releases.items():
        if timeline and timeline[-1].value:
            yield f"{minor}  newest {timeline[-1].value}"


def _span(member: ManifestFile) -> str:
    since = f"  from {member.since}" if member.since else ""
    return since + (f"  until {member.until}" if member.until else "")


def _last(timeline: Timeline) -> str:
    if not timeline:
        return ""
    entry = timeline[-1]
    return f"{entry.value}" + (f" since {entry.since}" if entry.since else "")
