"""The figures of the HTML report as numbers: the timeline, and the installed size by package."""

from __future__ import annotations

from typing import Any

from predeploy.model.results import PlatformResult, Report
from predeploy.report.text import duration
from predeploy.report.told import bytes_text

MOST_PACKAGES = 15
"""Packages with a bar of their own; the smaller ones share one."""
TICKS = 4


def timeline_of(report: Report) -> tuple[list[dict[str, Any]], float]:
    """Return a lane a platform with a bar a step, in percent of a common axis, and where the axis ends."""
    lanes = [(result, _spans(result)) for result in report.platforms]
    end = max((start + seconds for _, spans in lanes for _, _, _, start, seconds in spans), default=0.0)
    if end <= 0:
        return [], 0.0
    return [
        {"name": result.name, "bars": [_bar(*span, end=end) for span in spans]}
        for result, spans in lanes
        if spans
    ], end


def _spans(result: PlatformResult) -> list[tuple[str, str, str, float, float]]:
    """Return id, phase, status, start and duration of what ran."""
    run = result.execution
    if run is None:
        return []
    spans: list[tuple[str, str, str, float, float]] = [
        (step.id, str(step.phase), step.status, step.started, step.seconds)
        for step in run.steps
        if step.started is not None
    ]
    if run.boot is not None and run.boot.started is not None:
        spans.append(("start", "boot", run.boot.status, run.boot.started, run.boot.seconds))
    return spans


def _bar(name: str, phase: str, status: str, start: float, seconds: float, *, end: float) -> dict[str, Any]:
    return {
        "phase": phase,
        "status": "fine" if status in {"ok", "ignored", "skipped"} else "bad",
        "left": round(100 * start / end, 2),
        "width": round(100 * seconds / end, 2),
        "title": f"{phase}: {name} {status}, {duration(seconds)} from {duration(start)}",
    }


def ticks_of(end: float) -> list[dict[str, Any]]:
    """Return the marks of the axis."""
    if end <= 0:
        return []
    return [{"at": 100 * n / TICKS, "text": duration(end * n / TICKS)} for n in range(TICKS + 1)]


def packages_of(result: PlatformResult) -> dict[str, Any]:
    """Return the installed size by package, the largest first, and the host's limit where it has one."""
    run = result.execution
    known = [d for d in (run.installed if run and run.installed else ()) if d.size_bytes is not None]
    if run is None or not known:
        return {"packages": [], "size_text": "", "limit": None}
    known.sort(key=lambda d: -(d.size_bytes or 0))
    total = sum(d.size_bytes or 0 for d in known)
    shown, rest = known[:MOST_PACKAGES], known[MOST_PACKAGES:]
    rows = [(d.name, d.version, d.size_bytes or 0) for d in shown]
    if rest:
        rows.append((f"{len(rest)} more", "", sum(d.size_bytes or 0 for d in rest)))
    largest = max(size for _, _, size in rows) or 1
    return {
        "packages": [
            {
                "name": name,
                "version": version,
                "text": bytes_text(size),
                "width": round(100 * size / largest, 1),
            }
            for name, version, size in rows
        ],
        "size_text": f"{bytes_text(total)} in {len(known)} packages",
        "limit": _limit(result),
    }


def _megabytes(size: int) -> str:
    """Return a size in the unit of the hosts' limits."""
    return f"{size / 1_048_576:.0f} MB"


def _limit(result: PlatformResult) -> dict[str, Any] | None:
    sizes = result.execution.sizes if result.execution else None
    if sizes is None or not sizes.limit_bytes:
        return None
    estimate, limit = sizes.compressed_estimate_bytes, sizes.limit_bytes
    whole = max(estimate, limit)
    over = estimate > limit
    return {
        "text": f"{_megabytes(estimate)} of {_megabytes(limit)} that the host takes",
        "over": over,
        "width": round(100 * estimate / whole, 1),
        "mark": round(100 * limit / whole, 1) if over else None,
    }
