"""A forecast for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from predeploy.model.findings import Finding
from predeploy.model.forecast import Change, PlatformForecast, Situation
from predeploy.report.document import SCHEMA_VERSION, finding_document
from predeploy.report.text import MARKS, Paper, headed


def as_json(
    forecasts: Sequence[PlatformForecast], *, tool_version: str, app: str, as_of: str, until: str | None
) -> str:
    """Return the forecast as JSON; fields may be added, never renamed."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "tool_version": tool_version,
        "as_of": as_of,
        "until": until,
        "app": app,
        "platforms": [_platform_document(forecast) for forecast in forecasts],
    }
    return json.dumps(document, indent=2) + "\n"


def _platform_document(forecast: PlatformForecast) -> dict[str, Any]:
    return {
        "platform": forecast.platform,
        "name": forecast.name,
        **_situation(forecast.now),
        "verified_on": forecast.verified_on,
        "changes": [_change_document(change) for change in forecast.changes],
    }


def _situation(situation: Situation) -> dict[str, Any]:
    reason = situation.reason
    return {
        "status": situation.status,
        "reason": {"rule": reason.rule, "upstream_id": reason.upstream_id} if reason else None,
        "manifest": situation.manifest,
        "installer": situation.installer,
        "python": situation.python,
    }


def _change_document(change: Change) -> dict[str, Any]:
    return {
        "day": change.day,
        "certainty": change.certainty,
        "changed": list(change.changed),
        "before": _situation(change.before),
        "after": _situation(change.after),
        "new_findings": [finding_document(finding) for finding in change.new],
        "gone_findings": [finding_document(finding) for finding in change.gone],
        "sources": list(change.sources),
    }


def as_text(
    forecasts: Sequence[PlatformForecast],
    *,
    app: str,
    as_of: str,
    until: str | None,
    width: int,
    colour: bool,
) -> str:
    """Return the forecast for people: per platform the answer of the day, then every day it changes."""
    paper = Paper(width=width, colour=colour)
    span = f"from {as_of} to {until}" if until else f"from {as_of} on"
    paper.wrapped(f"{app} {span}", indent=0, ink="bold")
    for forecast in forecasts:
        paper.line()
        status = forecast.now.status
        paper.line(paper.ink(forecast.name, "bold") + "  " + paper.ink(status, status) + f" on {as_of}")
        for change in forecast.changes:
            _change(paper, change)
        if not forecast.changes:
            known = f"the facts were last compared with the host on {forecast.verified_on}"
            paper.wrapped(f"No change is known; {known}.", indent=2)
    return "\n".join(paper.lines) + "\n"


def _change(paper: Paper, change: Change) -> None:
    before, after = change.before.status, change.after.status
    what = f"{before} → {paper.ink(after, after)}" if before != after else f"still {after}"
    paper.line(f"  {paper.ink(change.day, 'bold')}  {what}  {paper.ink(change.certainty, 'dim')}")
    for text in _choices(change):
        paper.wrapped(text, indent=6)
    for finding in change.new:
        _finding(paper, finding)
    if change.gone:
        paper.wrapped(f"no longer said: {', '.join(f.rule for f in change.gone)}", indent=6)
    if change.sources:
        paper.wrapped("; ".join(change.sources), indent=6, ink="dim")


def _choices(change: Change) -> Iterable[str]:
    before, after = change.before, change.after
    for label, old, new in (
        ("manifest", before.manifest, after.manifest),
        ("installer", before.installer, after.installer),
        ("Python", before.python, after.python),
    ):
        if old != new:
            yield f"{label} {old or 'none'} → {new or 'none'}"


def _finding(paper: Paper, finding: Finding) -> None:
    headed(paper, finding, f"    {MARKS[finding.severity]} {finding.severity}  ", indent=8)
    if finding.hint:
        paper.wrapped(finding.hint, indent=8, first="fix: ", hanging=5)
