"""Plans as text and as JSON."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict

from predeploy.model.decisions import BuildPlan, Detection, Step
from predeploy.model.results import PlatformResult
from predeploy.report.escape import terminal
from predeploy.report.text import Paper


def as_json(results: Sequence[PlatformResult], detections: Sequence[Detection]) -> str:
    """Return every plan as JSON; words in braces stand for places of the run."""
    platforms = []
    for result, detection in zip(results, detections, strict=True):
        decisive = result.decisive
        platforms.append(
            {
                "platform": result.platform,
                "status": result.status,
                "reason": {"rule": decisive.rule, "upstream_id": decisive.upstream_id} if decisive else None,
                "plan": asdict(detection.plan) if detection.plan else None,
            }
        )
    return json.dumps({"schema_version": 1, "platforms": platforms}, indent=2) + "\n"


def as_text(
    results: Sequence[PlatformResult], detections: Sequence[Detection], *, width: int, colour: bool
) -> str:
    """Return every plan for people: each command with the reason the host has for it."""
    paper = Paper(width=width, colour=colour)
    for result, detection in zip(results, detections, strict=True):
        if paper.lines:
            paper.line()
        head = paper.ink(result.name, "bold") + "  " + paper.ink(result.status, result.status)
        paper.line(head)
        if detection.plan is None:
            decisive = result.decisive
            gap = "a fact of that day is not recorded"
            why = f"{decisive.headline} ({decisive.rule})" if decisive else gap
            paper.wrapped(f"no plan: {why}", indent=2)
            continue
        _plan(paper, detection, detection.plan)
    return "\n".join(paper.lines) + "\n"


def _plan(paper: Paper, detection: Detection, plan: BuildPlan) -> None:
    python = detection.python
    origin = f"{python.requested} from {python.origin}" if python.requested else python.origin
    paper.wrapped(f"Python {plan.environment.python} ({origin})", indent=2)
    for name, version in (plan.environment.seeds | plan.tools).items():
        paper.wrapped(f"{name} {version}, the version this host uses", indent=2)
    for name, value in sorted(plan.env.items()):
        paper.line("  " + paper.ink(f"export {name}={shlex.quote(terminal(value))}", "dim"))
    for step in plan.steps:
        _step(paper, step)
    if plan.boot is not None:
        _step(paper, plan.boot.step)
        paper.wrapped(f"until {plan.boot.probe} answers, at most {plan.boot.timeout_seconds:g} s", indent=6)


def _step(paper: Paper, step: Step) -> None:
    paper.line()
    paper.wrapped(f"{step.phase}: {step.id}", indent=2)
    paper.wrapped(f"because {step.reason}", indent=6)
    if step.fallback_of:
        paper.wrapped(f"only if {step.fallback_of} failed", indent=6)
    if step.only_if_importable:
        paper.wrapped(f"only if {step.only_if_importable} can be imported by then", indent=6)
    if step.only_if_installed:
        paper.wrapped(f"only if {step.only_if_installed} is installed by then", indent=6)
    for name, value in sorted(step.env.items()):
        paper.line("      " + paper.ink(f"{name}={shlex.quote(terminal(value))}", "dim"))
    text = step.shell if step.shell is not None else shlex.join(step.argv)
    for number, line in enumerate(text.rstrip("\n").split("\n")):
        paper.line(("    $ " if number == 0 else "      ") + terminal(line))
