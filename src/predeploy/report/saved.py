"""Results that were saved as JSON, read back; several of them merged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from predeploy.errors import UsageError, at
from predeploy.model.decisions import PythonChoice, Selection
from predeploy.model.execution import (
    BootResult,
    CallResult,
    Cause,
    Execution,
    ForeignResolution,
    Installed,
    LocalPython,
    SandboxUse,
    Sizes,
    StepResult,
)
from predeploy.model.findings import Evidence, Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.paths import text_of
from predeploy.record import replace
from predeploy.report.document import SCHEMA_VERSION


def read_results(path: Path) -> tuple[Report, ...]:
    """Return the results of a file of ``--format json``; raise :class:`UsageError` for any other file."""
    try:
        data = json.loads(text_of(path))
    except json.JSONDecodeError as error:
        raise UsageError(at(path, error.lineno, f"not valid JSON: {error.msg.lower()}")) from None
    except RecursionError:
        raise UsageError(at(path, None, "nests deeper than we read")) from None
    return reports_from(data, path)


def reports_from(data: Any, path: Path) -> tuple[Report, ...]:
    """Return the results of a document, once it has the shape of one."""
    from pydantic import TypeAdapter, ValidationError

    from predeploy.report.schema import Result, Results

    if not isinstance(data, dict) or "schema_version" not in data:
        raise UsageError(at(path, None, "not a result of predeploy: expected what --format json writes"))
    if data["schema_version"] != SCHEMA_VERSION:
        version = f"schema_version {data['schema_version']!r}; this predeploy reads {SCHEMA_VERSION}"
        raise UsageError(at(path, None, version))
    several = "results" in data
    try:
        read = TypeAdapter(Results if several else Result).validate_python(data)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise UsageError(
            at(path, None, f"not a result of predeploy: {where}: {problem['msg'].lower()}")
        ) from None
    documents: Iterable[Any] = read["results"] if several else [read]  # type: ignore[typeddict-item]
    return tuple(_report(document) for document in documents)


def merged_reports(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Return one report an app and day; of a platform that was judged twice the later answer counts."""
    groups: dict[tuple[str, str], Report] = {}
    for report in reports:
        key = (report.app, report.as_of)
        known = groups.get(key)
        groups[key] = report if known is None else _joined(known, report)
    return tuple(groups.values())


def _joined(first: Report, second: Report) -> Report:
    platforms = {result.platform: result for result in (*first.platforms, *second.platforms)}
    return replace(
        second,
        platforms=tuple(platforms.values()),
        strict=first.strict or second.strict,
        interrupted=first.interrupted or second.interrupted,
        seconds=first.seconds + second.seconds,
    )


def _report(data: dict[str, Any]) -> Report:
    own = {key: data[key] for key in ("tool_version", "as_of", "app", "exit_code", "strict", "interrupted")}
    return Report(platforms=tuple(map(_platform, data["platforms"])), seconds=data["seconds"], **own)


def _platform(data: dict[str, Any]) -> PlatformResult:
    chosen = data.get("selection", {})
    return PlatformResult(
        **{key: data[key] for key in ("platform", "name", "status", "phase", "processes", "interrupted")},
        findings=tuple(_finding(finding) for finding in data["findings"]),
        selection=Selection(
            manifest=data["manifest"],
            installer=data["installer"],
            ignored=tuple(data["ignored_manifests"]),
            candidates=tuple(chosen.get("candidates", ())),
            reason=chosen.get("reason", ""),
            problem=chosen.get("problem"),
        ),
        python=_python(data["python"], data.get("python_request", {})),
        start_reason=data.get("start_reason", ""),
        not_simulated=tuple(data["not_simulated"]),
        execution=_execution(data) if "steps" in data else None,
        seconds=dict(data["seconds"]),
        phases=tuple(data["phases"].items()),
        work_dir=data.get("work_dir"),
        transient=data.get("transient", False),
    )


def _python(data: dict[str, Any], request: dict[str, Any]) -> PythonChoice:
    return PythonChoice(
        requested=data.get("requested"),
        origin=data.get("origin", "default"),
        resolved=data.get("host_resolves"),
        problem=request.get("problem"),
        evidence=tuple(Evidence(**place) for place in request.get("evidence", ())),
    )


def _finding(data: dict[str, Any]) -> Finding:
    return Finding(**{**data, "evidence": tuple(Evidence(**place) for place in data["evidence"])})


def _execution(data: dict[str, Any]) -> Execution:
    python, boot, installed = data["python"], data.get("boot"), data.get("installed")
    foreign, sizes = data.get("host_resolution"), data.get("package_bytes", {})
    return Execution(
        steps=tuple(map(_step, data["steps"])),
        local_python=LocalPython(version=python["local"], path="", match=python.get("match", "none"))
        if "local" in python
        else None,
        foreign=ForeignResolution(**foreign) if foreign else None,
        installed=None
        if installed is None
        else tuple(Installed(**one, size_bytes=sizes.get(one["name"])) for one in installed),
        sizes=Sizes(**data["sizes"]) if "sizes" in data else None,
        boot=_boot(boot) if boot else None,
        sandbox=SandboxUse(**data["sandbox"]) if "sandbox" in data else None,
        index_settings=tuple(data.get("index_settings", ())),
    )


def _step(data: dict[str, Any]) -> StepResult:
    said = {name: data.get(name) or "" for name in ("limit", "way")}
    return StepResult(**{**data, "argv": tuple(data["argv"]), **said})


def _boot(data: dict[str, Any]) -> BootResult:
    cause, call = data.get("cause"), data.get("call")
    return BootResult(
        **{
            **data,
            "listening": tuple(data["listening"]),
            "limit": data.get("limit") or "",
            "cause": Cause(**cause) if cause else None,
            "call": CallResult(**call) if call else None,
        }
    )
