"""Evaluate conditions with three-valued logic, and turn rules that fire into findings."""

from __future__ import annotations

from collections.abc import Iterable

from predeploy.model import Phase
from predeploy.model.conditions import NO_MATCH, Combined, Condition, Match, NoMatch, Outcome, Test, Unknown
from predeploy.model.findings import Evidence, Finding
from predeploy.model.snapshot import ActiveRule
from predeploy.record import replace
from predeploy.rules.case import Case
from predeploy.rules.registry import PREDICATES, lookup

MAX_EVIDENCE = 20
"""Places shown for one finding; the message says how many there are beyond."""


def evaluate(condition: Condition, case: Case) -> Outcome:
    """Return whether a condition holds, does not, or cannot be decided."""
    if isinstance(condition, Test):
        outcome: Outcome = lookup(PREDICATES, "predicate", condition.predicate)(case, **dict(condition.args))
        return outcome
    if condition.op == "not":
        outcome = evaluate(condition.of[0], case)
        if isinstance(outcome, Unknown):
            return outcome
        return Match() if isinstance(outcome, NoMatch) else NO_MATCH
    return _all(condition, case) if condition.op == "all" else _any(condition, case)


def _all(condition: Combined, case: Case) -> Outcome:
    unknown: Unknown | None = None
    matches: list[Match] = []
    for part in condition.of:
        outcome = evaluate(part, case)
        if isinstance(outcome, NoMatch):
            return NO_MATCH
        if isinstance(outcome, Unknown):
            unknown = unknown or outcome
        else:
            matches.append(outcome)
    return unknown or _joined(matches)


def _any(condition: Combined, case: Case) -> Outcome:
    unknown: Unknown | None = None
    matches: list[Match] = []
    for part in condition.of:
        outcome = evaluate(part, case)
        if isinstance(outcome, Match):
            matches.append(outcome)
        elif isinstance(outcome, Unknown):
            unknown = unknown or outcome
    return _joined(matches) if matches else unknown or NO_MATCH


def _joined(matches: Iterable[Match]) -> Match:
    evidence: dict[Evidence, None] = {}
    detail = None
    for match in matches:
        evidence.update(dict.fromkeys(match.evidence))
        detail = detail or match.detail
    return Match(tuple(evidence), detail)


def judge(case: Case, phases: tuple[Phase, ...]) -> tuple[Finding, ...]:
    """Return the findings of the given phases in the host's order; none is decisive yet.

    In ``install`` and ``boot`` the first failure ends the evaluation, because the host's own process ended
    there; in the other phases what would come next is reported too.
    """
    findings: list[Finding] = []
    for phase in phases:
        for rule in case.snapshot.rules:
            if rule.phase != phase:
                continue
            finding = _finding(rule, _in_project(evaluate(rule.when, case), case), case.snapshot.id)
            if finding is not None:
                findings.append(finding)
                if phase in {"install", "boot"} and finding.severity in {"reject", "fail"}:
                    break
    return tuple(findings)


def _in_project(outcome: Outcome, case: Case) -> Outcome:
    """Return the outcome with its places named from the app's top, where the host receives less than that."""
    if not case.root or not isinstance(outcome, Match):
        return outcome
    places = (
        replace(place, path=f"{case.root}/{place.path}") if case.everything.exists(place.path) else place
        for place in outcome.evidence
    )
    return Match(tuple(places), outcome.detail)


def _finding(rule: ActiveRule, outcome: Outcome, platform: str) -> Finding | None:
    if isinstance(outcome, NoMatch):
        return None
    severity, message = rule.severity, rule.message
    evidence: tuple[Evidence, ...] = ()
    if isinstance(outcome, Unknown):
        # A warning that cannot be decided never changes the verdict; a refusal that cannot, does.
        severity = "unknown" if rule.severity in {"reject", "fail", "unknown"} else "note"
        message = f"Could not be decided: {outcome.reason}."
    else:
        evidence = outcome.evidence[:MAX_EVIDENCE]
        message = message.replace("{evidence}", _shown(outcome))
    return Finding(
        rule=f"{platform}/{rule.id}",
        phase=rule.phase,
        severity=severity,
        headline=rule.headline,
        message=message,
        hint=rule.hint,
        upstream_id=rule.upstream_id,
        evidence=evidence,
        since=rule.since.isoformat() if rule.since else None,
        until=rule.until.isoformat() if rule.until else None,
        source=rule.source,
        confidence=rule.confidence,
    )


def _shown(match: Match) -> str:
    if match.detail is not None:
        return match.detail
    places = list(dict.fromkeys(str(place) for place in match.evidence))
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return ", ".join(places[:5]) + more
