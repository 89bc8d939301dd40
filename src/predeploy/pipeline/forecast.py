"""``forecast``: detect and plan again on every day on which a profile changes, and keep what differs."""

from __future__ import annotations

from datetime import date

from predeploy.model.forecast import Certainty, Change, PlatformForecast, Situation
from predeploy.model.profile import Profile
from predeploy.pipeline.detect import detect, status_of
from predeploy.pipeline.source import AppSource
from predeploy.pipeline.static import cases
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import change_days, is_announced, snapshot, sources_on
from predeploy.rules.case import Case
from predeploy.settings import RunRequest


def forecast(
    request: RunRequest, registry: Registry, *, until: date | None = None
) -> tuple[PlatformForecast, ...]:
    """Return the days after the request's own on which an answer changes; nothing of the app is run."""
    source = AppSource(request.app, request.environ, on_read=request.secrets.content)
    return tuple(
        _platform(case, registry.profile(case.snapshot.id), until)
        for case in cases(request, registry, source)
    )


def _platform(case: Case, profile: Profile, until: date | None) -> PlatformForecast:
    now = before = _situation(case)
    changes = []
    for day in _days(profile, case.snapshot.as_of, until):
        after = _situation(case.on(snapshot(profile, day)))
        change = _change(profile, day, before, after)
        if change is not None:
            changes.append(change)
        before = after
    return PlatformForecast(
        platform=profile.id,
        name=case.snapshot.name,
        now=now,
        changes=tuple(changes),
        verified_on=profile.verified_on.isoformat(),
    )


def _days(profile: Profile, as_of: date, until: date | None) -> list[date]:
    days = {*change_days(profile), profile.covers_from}
    return sorted(day for day in days if as_of < day and (until is None or day <= until))


def _situation(case: Case) -> Situation:
    detection = detect(case)
    return Situation(
        status=status_of(detection.findings),
        reason=next((finding for finding in detection.findings if finding.decisive), None),
        manifest=detection.selection.manifest,
        installer=detection.selection.installer,
        python=detection.python.minor,
        findings=tuple(finding for finding in detection.findings if finding.severity != "note"),
    )


def _change(profile: Profile, day: date, before: Situation, after: Situation) -> Change | None:
    said = {(finding.rule, finding.severity) for finding in before.findings}
    rules = {finding.rule for finding in after.findings}
    new = tuple(finding for finding in after.findings if (finding.rule, finding.severity) not in said)
    gone = tuple(finding for finding in before.findings if finding.rule not in rules)
    differs = {
        "status": before.status != after.status,
        "reason": (before.reason and before.reason.rule) != (after.reason and after.reason.rule),
        "findings": bool(new or gone),
        "manifest": before.manifest != after.manifest,
        "installer": before.installer != after.installer,
        "python": before.python != after.python,
    }
    changed = tuple(name for name, does in differs.items() if does)
    if not changed:
        return None
    certainty: Certainty = "announced" if is_announced(profile, day) else "observed"
    return Change(
        day=day.isoformat(),
        certainty=certainty,
        changed=changed,
        before=before,
        after=after,
        new=new,
        gone=gone,
        sources=sources_on(profile, day),
    )
