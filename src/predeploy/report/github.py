"""GitHub Actions: the text in a group a platform, then annotations, the worst first and within the limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from predeploy.model.results import Report
from predeploy.report.escape import line, workflow_data, workflow_property
from predeploy.report.findings import Said, said_in, suite_of, worst_first
from predeploy.report.render import Sheet
from predeploy.report.text import head_text, platform_text, verdict_text

COMMANDS = {"reject": "error", "fail": "error", "unknown": "warning", "warn": "warning", "note": "notice"}
PER_STEP = 10
"""Annotations of one kind that GitHub shows of a step; further ones are dropped without a word."""
SUMMARY_BYTES = 1024 * 1024
"""What GitHub takes of a step's summary."""


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return what is printed into the log of a step."""
    parts = []
    for report in reports:
        parts.append(head_text(report, width=sheet.width, colour=sheet.colour))
        for result in report.platforms:
            title = workflow_data(line(f"{suite_of(report, result, reports)}: {result.status}"))
            text = platform_text(result, width=sheet.width, colour=sheet.colour)
            parts.append(f"::group::{title}\n{text}::endgroup::\n")
        parts.append(verdict_text(report, width=sheet.width, colour=sheet.colour))
    return "".join(parts) + commands(reports, sheet)


def commands(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the workflow commands for the worst findings, and a line on those there was no room for."""
    given: Counter[str] = Counter()
    lines, dropped = [], 0
    for said in worst_first(said_in(reports)):
        command = COMMANDS[said.finding.severity]
        given[command] += 1
        if given[command] > PER_STEP:
            dropped += 1
            continue
        lines.append(_annotation(command, said, sheet.root))
    if dropped:
        lines.append(f"{dropped} more findings are in the log above and in the step's summary")
    return "".join(f"{text}\n" for text in lines)


def _annotation(command: str, said: Said, root: str) -> str:
    finding, place = said.finding, said.place
    properties = {
        "file": said.path_from(root),
        "line": str(place.line or 1),
        "title": line(f"{finding.rule}: {finding.headline}"),
    }
    written = ",".join(f"{name}={workflow_property(value)}" for name, value in properties.items())
    return f"::{command} {written}::{workflow_data(said.text)}"


def summary(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the Markdown for the step's summary, cut at a line where it is longer than GitHub takes."""
    from predeploy.report.markdown import rendered as as_markdown

    data = as_markdown(reports, sheet).encode("utf-8", "replace")
    if len(data) <= SUMMARY_BYTES - 200:
        return data.decode()
    kept = data[: SUMMARY_BYTES - 200].decode("utf-8", "ignore").rpartition("\n")[0]
    return f"{kept}\n```\n\nCut here: GitHub takes no longer summary. The rest is in the log.\n"
