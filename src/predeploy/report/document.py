"""The JSON document other programs rely on: fields may be added, never renamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from predeploy import __version__
from predeploy.model import PHASES
from predeploy.model.findings import Evidence, Finding
from predeploy.model.results import PlatformResult, Report

if TYPE_CHECKING:
    from predeploy.model.execution import BootResult, Execution, StepResult
    from predeploy.report.render import Sheet

SCHEMA_VERSION = 1


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the document as indented JSON."""
    return json.dumps(documents(reports, exit_code=sheet.exit_code), indent=2) + "\n"


def documents(reports: Sequence[Report], *, exit_code: int) -> dict[str, Any]:
    """Return one report as it is, and several as a list of such documents."""
    if len(reports) == 1:
        return document(reports[0])
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": reports[0].tool_version if reports else __version__,
        "exit_code": exit_code,
        "results": [document(report) for report in reports],
    }


def document(report: Report) -> dict[str, Any]:
    """Return the whole report as plain data."""
    return {
        "schema_version": SCHEMA_VERSION,
        "tool_version": report.tool_version,
        "as_of": report.as_of,
        "app": report.app,
        "exit_code": report.exit_code,
        "strict": report.strict,
        "interrupted": report.interrupted,
        "platforms": [platform_document(result) for result in report.platforms],
        "seconds": round(report.seconds, 3),
    }


def platform_document(result: PlatformResult) -> dict[str, Any]:
    """Return one platform; fields of phases that did not run are absent."""
    decisive, run = result.decisive, result.execution
    fields: dict[str, Any] = {
        "platform": result.platform,
        "name": result.name,
        "status": result.status,
        "phase": result.phase,
        "reason": {"rule": decisive.rule, "upstream_id": decisive.upstream_id} if decisive else None,
        "manifest": result.selection.manifest,
        "ignored_manifests": list(result.selection.ignored),
        "installer": result.selection.installer,
        "selection": {
            "candidates": list(result.selection.candidates),
            "reason": result.selection.reason,
            "problem": result.selection.problem,
        },
        "python": _python(result),
        "python_request": {
            "problem": result.python.problem,
            "evidence": [_evidence(place) for place in result.python.evidence],
        },
        "findings": [finding_document(finding) for finding in result.findings],
        "processes": dict(result.processes),
        "start_reason": result.start_reason,
        "phases": dict(result.phases),
    }
    if run is not None:
        fields |= _execution(run)
    if result.work_dir is not None:
        fields["work_dir"] = result.work_dir
    fields["interrupted"] = result.interrupted
    fields["transient"] = result.transient
    fields["not_simulated"] = list(result.not_simulated)
    fields["seconds"] = {p: round(result.seconds[p], 4) for p in PHASES if p in result.seconds}
    return fields


def _execution(run: Execution) -> dict[str, Any]:
    """Return what a build did; fields of phases that did not run are absent."""
    fields: dict[str, Any] = {"steps": [_step(step) for step in run.steps]}
    if run.installed is not None:
        fields["installed"] = [{"name": d.name, "version": d.version} for d in run.installed]
        fields["package_bytes"] = {d.name: d.size_bytes for d in run.installed}
    if run.sizes is not None:
        fields["sizes"] = {
            "installed_bytes": run.sizes.installed_bytes,
            "compressed_estimate_bytes": run.sizes.compressed_estimate_bytes,
            "limit_bytes": run.sizes.limit_bytes,
        }
    if run.foreign is not None:
        fields["host_resolution"] = {"status": run.foreign.status, "detail": run.foreign.detail}
    if run.sandbox is not None:
        fields["sandbox"] = {
            "kind": run.sandbox.kind,
            "detail": run.sandbox.detail,
            "own_network_at_start": run.sandbox.own_network_at_start,
            "read_only_at_start": run.sandbox.read_only_at_start,
        }
    if run.boot is not None:
        fields["boot"] = _boot(run.boot)
    fields["index_settings"] = list(run.index_settings)
    return fields


def _python(result: PlatformResult) -> dict[str, Any]:
    choice = result.python
    fields: dict[str, Any] = {
        "requested": choice.requested,
        "origin": choice.origin,
        "host_resolves": choice.resolved,
    }
    local = result.execution.local_python if result.execution else None
    if local is not None:
        fields |= {"local": local.version, "match": local.match}
    return fields


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return one finding."""
    return {
        "rule": finding.rule,
        "upstream_id": finding.upstream_id,
        "phase": finding.phase,
        "severity": finding.severity,
        "decisive": finding.decisive,
        "headline": finding.headline,
        "message": finding.message,
        "hint": finding.hint,
        "evidence": [_evidence(place) for place in finding.evidence],
        "since": finding.since,
        "until": finding.until,
        "source": finding.source,
        "confidence": finding.confidence,
    }


def _evidence(place: Evidence) -> dict[str, Any]:
    return {"path": place.path, "line": place.line, "text": place.text}


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "id": step.id,
        "phase": step.phase,
        "argv": list(step.argv),
        "shell": step.shell,
        "status": step.status,
        "returncode": step.returncode,
        "seconds": round(step.seconds, 3),
        "started": _rounded(step.started),
        "limit": step.limit or None,
        "way": step.way or None,
        "log": step.log,
        "tail": step.tail,
        "reason": step.reason,
    }


def _boot(boot: BootResult) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": boot.status,
        "port": boot.port,
        "seconds": round(boot.seconds, 3),
        "started": _rounded(boot.started),
        "http_status": boot.http_status,
        "returncode": boot.returncode,
        "listening": list(boot.listening),
        "script_status": boot.script_status,
        "memory_at_rest": boot.memory_at_rest,
        "memory_peak": boot.memory_peak,
        "limit": boot.limit or None,
        "log": boot.log,
        "tail": boot.tail,
        "cause": {"text": boot.cause.text, "path": boot.cause.path, "line": boot.cause.line}
        if boot.cause
        else None,
    }
    if boot.call is not None:
        call = boot.call
        fields["call"] = {
            "what": call.what,
            "method": call.method,
            "path": call.path,
            "status": call.status,
            "body": call.body,
            "seconds": round(call.seconds, 3),
        }
    return fields


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
