"""``check``: the static answer for one app on several platforms, in one thread, without processes."""

from __future__ import annotations

from predeploy.errors import ExitCode, UsageError
from predeploy.model import Phase
from predeploy.model.decisions import Detection
from predeploy.model.results import PlatformResult
from predeploy.model.snapshot import HostSnapshot
from predeploy.pipeline.detect import detect, outcome_of, status_of
from predeploy.pipeline.source import AppSource, placed
from predeploy.profiles.registry import Registry
from predeploy.rules.case import Case
from predeploy.settings import RunRequest, checked_settings


def cases(request: RunRequest, registry: Registry, source: AppSource) -> tuple[Case, ...]:
    """Return one case a platform, in the order asked for."""
    names = tuple(dict.fromkeys(request.platforms)) or registry.default_ids()
    for name in request.settings:
        registry.located_or_error(name)
    chosen = []
    for name in names:
        chosen.append(registry.facts(name, request.as_of))
        source.expect(chosen[-1])
    made = []
    for facts in chosen:
        tree, remarks = source.uploaded(facts)
        case = Case(
            snapshot=facts,
            tree=tree,
            everything=source.everything,
            settings=checked_settings(facts, _settings(request, facts)),
            env=request.env,
            services=request.services,
            name=source.name,
            remarks=remarks,
            packages_as_of=request.packages_as_of,
        )
        made.append(placed(case))
    for key in request.shared_settings:
        if not any(key in case.snapshot.settings for case in made):
            raise UsageError(f"none of the chosen platforms has the setting {key!r}")
    return tuple(made)


def _settings(request: RunRequest, facts: HostSnapshot) -> dict[str, str]:
    """Return what is given for one platform, by its own name or for all that have the setting."""
    shared = {key: value for key, value in request.shared_settings.items() if key in facts.settings}
    return {**request.settings.get(facts.id, {}), **shared}


def static_result(case: Case, detection: Detection) -> PlatformResult:
    """Return the platform's answer after detect and plan."""
    ended: list[tuple[Phase, str]] = [
        ("detect", outcome_of(detection.findings, "detect")),
        ("plan", outcome_of(detection.findings, "plan")),
    ]
    decisive = next((finding for finding in detection.findings if finding.decisive), None)
    return PlatformResult(
        platform=detection.platform,
        name=detection.name,
        status=status_of(detection.findings),
        phase=decisive.phase if decisive else "plan",
        findings=detection.findings,
        selection=detection.selection,
        python=detection.python,
        not_simulated=case.snapshot.not_simulated,
        processes=detection.plan.processes if detection.plan else {},
        start_reason=detection.plan.boot.step.reason if detection.plan and detection.plan.boot else "",
        seconds=detection.seconds,
        phases=tuple(ended),
    )


def check(request: RunRequest, registry: Registry) -> tuple[PlatformResult, ...]:
    """Return the static answer of every platform."""
    source = AppSource(request.app, request.environ, on_read=request.secrets.content)
    return tuple(static_result(case, detect(case)) for case in cases(request, registry, source))


def exit_code(results: tuple[PlatformResult, ...], *, strict: bool, interrupted: bool = False) -> ExitCode:
    """Return what the results amount to, by the documented precedence."""
    statuses = {result.status for result in results}
    if interrupted:
        return ExitCode.INTERRUPTED
    if statuses & {"reject", "fail"}:
        return ExitCode.REFUSED
    if any(result.transient for result in results):
        return ExitCode.TRANSIENT
    if strict and "unknown" in statuses:
        return ExitCode.UNKNOWN
    return ExitCode.OK
