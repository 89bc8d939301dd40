"""The HTML report: one file, without requests, readable without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predeploy import __version__
from predeploy.model import PHASES
from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.report.escape import html
from predeploy.report.figures import packages_of, ticks_of, timeline_of
from predeploy.report.findings import VERDICTS, WORST_FIRST, ordered, title_of
from predeploy.report.render import Sheet
from predeploy.report.text import MARKS, duration

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
BAD_STEPS = {"failed", "timeout", "transient"}


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the page."""
    from markupsafe import Markup

    script = (TEMPLATES / "page.js").read_text("utf-8")
    counts = Counter(f.severity for r in reports for p in r.platforms for f in p.findings)
    return _template().render(
        title=", ".join(title_of(report, reports) for report in reports),
        lead=_lead(reports),
        reports=[_report(report, number) for number, report in enumerate(reports, start=1)],
        severities=[severity for severity in WORST_FIRST if counts[severity]],
        counts=counts,
        mark=lambda status: MARKS.get(status, "·"),
        style=Markup((TEMPLATES / "page.css").read_text("utf-8")),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704
        script_hash=_hash(script),
        version=__version__,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Every text a template shows goes through `finalize`, then through the engine's escaping.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=_finalized
    )
    return environment.get_template("page.html")


def _finalized(value: Any) -> Any:
    return html(value) if type(value) is str else value


def _hash(script: str) -> str:
    """Return the name by which the page's policy allows its one script and no other."""
    from base64 import b64encode
    from hashlib import sha256

    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"


def _lead(reports: Sequence[Report]) -> str:
    statuses = Counter(result.status for report in reports for result in report.platforms)
    return " · ".join(f"{statuses[s]} {VERDICTS[s]}" for s in VERDICTS if statuses[s])


def _report(report: Report, number: int) -> dict[str, Any]:
    ran = {phase for result in report.platforms for phase, _ in result.phases}
    phases = [phase for phase in PHASES if phase in ran]
    lanes, end = timeline_of(report)
    return {
        "anchor": f"app-{number}",
        "app": report.app,
        "as_of": report.as_of,
        "interrupted": report.interrupted,
        "phases": phases,
        "platforms": [
            _platform(result, phases, f"app-{number}-{place}")
            for place, result in enumerate(report.platforms, start=1)
        ],
        "timeline": lanes,
        "ticks": ticks_of(end),
    }


def _platform(result: PlatformResult, phases: Sequence[str], anchor: str) -> dict[str, Any]:
    outcomes: dict[str, str] = dict(result.phases)
    return {
        "anchor": anchor,
        "name": result.name,
        "status": result.status,
        "verdict": VERDICTS[result.status],
        "time": duration(sum(result.seconds.values())),
        "outcomes": [outcomes.get(phase) for phase in phases],
        "chain": list(_chain(result)),
        "findings": [_finding(finding) for finding in ordered(result)],
        "logs": _logs(result),
        "not_simulated": result.not_simulated,
        **packages_of(result),
    }


def _chain(result: PlatformResult) -> list[dict[str, str]]:
    """Return the decisions in the order they were made, each with its reason."""
    chosen = result.selection
    lie_there = [*chosen.candidates, *(name for name in chosen.ignored if name not in chosen.candidates)]
    ignored = f"not used: {', '.join(chosen.ignored)}" if chosen.ignored else ""
    local = result.execution.local_python if result.execution else None
    asked = result.python
    places = [str(place) for place in asked.evidence if place.path == asked.origin]
    source = ", ".join(places) or asked.origin
    origin = f"{asked.requested} from {source}" if asked.requested else source
    here = f"here {local.version}" if local and local.match != "exact" else ""
    start = "; ".join(f"{name}: {command}" for name, command in result.processes.items())
    links = (
        ("files", ", ".join(lie_there), ignored),
        ("manifest", chosen.manifest or "", chosen.reason),
        (
            "installer",
            chosen.installer or "",
            f"because of {chosen.manifest}" if chosen.manifest else chosen.reason,
        ),
        ("Python", asked.resolved or "none this host has", _listed(origin, here)),
        ("start command", start, result.start_reason),
    )
    return [{"what": what, "choice": choice or "none", "reason": reason} for what, choice, reason in links]


def _listed(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        **finding.__dict__,
        "also": finding.severity in {"reject", "fail"} and not finding.decisive,
        "evidence": finding.evidence[:10],
    }


def _logs(result: PlatformResult) -> list[dict[str, Any]]:
    run = result.execution
    if run is None:
        return []
    logs = [
        {
            "id": step.id,
            "phase": step.phase,
            "status": step.status,
            "mark": "fail" if step.status in BAD_STEPS else "ok" if step.status == "ok" else "note",
            "time": duration(step.seconds),
            "command": step.shell if step.shell is not None else " ".join(step.argv),
            "tail": step.tail,
            "open": step.status in BAD_STEPS,
        }
        for step in run.steps
    ]
    boot = run.boot
    if boot is not None and boot.status != "not-run":
        answered = boot.status == "ok"
        status = f"answered {boot.http_status}" if answered else boot.status
        mark = "ok" if answered else "fail"
        logs.append(
            {
                "id": "start",
                "phase": "boot",
                "status": status,
                "mark": mark,
                "command": "",
                "time": duration(boot.seconds),
                "tail": boot.tail,
                "open": not answered,
            }
        )
    return logs
