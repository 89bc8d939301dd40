"""The static phases: which manifest and Python win, what is refused, and the plan."""

from __future__ import annotations

from time import perf_counter

from predeploy.model import Phase, Status
from predeploy.model.decisions import BuildPlan, Detection
from predeploy.model.findings import Finding
from predeploy.rules.case import Case
from predeploy.rules.evaluate import judge
from predeploy.rules.registry import RECIPES, NotRecorded, lookup


def detect(case: Case) -> Detection:
    """Return the static answer for one platform; start nothing, open no socket, import no app code."""
    begun = perf_counter()
    findings = judge(case, ("detect",)) if case.snapshot.covered else (_outside_window(case),)
    detected = perf_counter()
    plan = None
    if case.snapshot.covered:
        findings = settle((*findings, *judge(case, ("plan",))))
        if not any(finding.decisive for finding in findings):
            plan = _plan(case)
    return Detection(
        platform=case.snapshot.id,
        name=case.snapshot.name,
        selection=case.selection,
        python=case.python,
        findings=findings,
        plan=plan,
        seconds={"detect": detected - begun, "plan": perf_counter() - detected},
    )


def _plan(case: Case) -> BuildPlan | None:
    """Return the recipe; nothing where a fact of that day is missing, which the install phase then says."""
    if case.python.resolved is None and case.python.problem in {"none", "patch-not-recorded"}:
        return None
    try:
        plan: BuildPlan = lookup(RECIPES, "recipe", case.snapshot.recipe or "")(case)
    except NotRecorded:
        return None
    plan = _launched(plan, case)
    if case.packages_as_of is None:
        return plan
    from predeploy.pipeline.dates import dated

    return dated(plan, case, case.packages_as_of)


def _launched(plan: BuildPlan, case: Case) -> BuildPlan:
    """Return the plan with what the host leaves writable at the start, where the recipe does not say."""
    from predeploy.record import replace

    writable = case.snapshot.launch.writable
    if plan.boot is None or writable is None or plan.boot.step.writable is not None:
        return plan
    return replace(plan, boot=replace(plan.boot, step=replace(plan.boot.step, writable=writable)))


def _outside_window(case: Case) -> Finding:
    return Finding(
        rule=f"{case.snapshot.id}/before-coverage",
        phase="detect",
        severity="unknown",
        headline="This day lies before what the profile covers",
        message=f"The facts of this platform begin on {case.snapshot.covers_from}.",
        hint="Choose a later day with --as-of.",
        source=case.snapshot.source,
        decisive=True,
    )


def settle(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Mark the finding that decides: the first refusal in the host's order, else the first unknown.

    A refusal after something unknown still decides, since the host refuses either way.
    """
    from predeploy.record import replace

    chosen = next((f for f in findings if f.severity in {"reject", "fail"}), None)
    chosen = chosen or next((f for f in findings if f.severity == "unknown"), None)
    return tuple(replace(f, decisive=f is chosen) if f.decisive or f is chosen else f for f in findings)


def status_of(findings: tuple[Finding, ...]) -> Status:
    """Return the status that settled findings amount to."""
    decisive = next((finding for finding in findings if finding.decisive), None)
    if decisive is not None:
        return decisive.severity  # type: ignore[return-value]
    return "warn" if any(finding.severity == "warn" for finding in findings) else "accept"


def outcome_of(findings: tuple[Finding, ...], phase: Phase) -> str:
    """Return what came of one phase: ``ok``, ``warn``, or the severity that ended it."""
    severities = {finding.severity for finding in findings if finding.phase == phase}
    for severity in ("reject", "fail", "unknown", "warn"):
        if severity in severities:
            return severity
    return "ok"
