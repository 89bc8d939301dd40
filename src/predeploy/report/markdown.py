"""Markdown: a table of platforms and phases, then the findings; for a pull request or a step's summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from predeploy.model import PHASES
from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.report.escape import markdown, markdown_block, markdown_code
from predeploy.report.findings import VERDICTS, ordered
from predeploy.report.render import Sheet
from predeploy.report.text import MARKS

TAIL_LINES = 20


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the whole document."""
    lines: list[str] = []
    for report in reports:
        lines += [*_report(report), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _report(report: Report) -> Iterator[str]:
    yield f"## predeploy: {markdown(report.app)} as of {markdown(report.as_of)}"
    yield ""
    ran = {phase for result in report.platforms for phase, _ in result.phases}
    phases = [phase for phase in PHASES if phase in ran]
    yield f"| platform | {' | '.join([*phases, 'verdict', 'Python', 'installs with'])} |"
    yield "| --- |" + " --- |" * (len(phases) + 3)
    for result in report.platforms:
        yield _row(result, list(phases))
    for result in report.platforms:
        yield from _platform(result)
    if report.interrupted:
        yield from ("", "Interrupted: what was not finished is missing.")


def _row(result: PlatformResult, phases: Sequence[str]) -> str:
    outcomes: dict[str, str] = dict(result.phases)
    cells = [f"{MARKS.get(outcomes[p], '-')} {outcomes[p]}" if p in outcomes else "-" for p in phases]
    cells = [markdown(cell) for cell in cells]
    chosen = result.selection
    source = f"{chosen.installer} from {chosen.manifest}" if chosen.manifest else chosen.installer or "-"
    python = result.python.resolved or result.python.requested or "-"
    verdict = f"**{markdown(result.status)}**"
    return f"| {' | '.join([markdown(result.name), *cells, verdict, markdown(python), markdown(source)])} |"


def _platform(result: PlatformResult) -> Iterator[str]:
    serious = [finding for finding in ordered(result) if finding.severity != "note"]
    notes = [finding for finding in ordered(result) if finding.severity == "note"]
    if not serious and not notes:
        return
    yield from ("", f"### {markdown(result.name)} {VERDICTS[result.status]}", "")
    for finding in serious:
        yield from _finding(finding)
    if notes:
        yield from ("<details><summary>Notes</summary>", "")
        for finding in notes:
            yield from _finding(finding)
        yield from ("", "</details>")
    yield from _logs(result)


def _finding(finding: Finding) -> Iterator[str]:
    also = "" if finding.decisive or finding.severity not in {"reject", "fail"} else " (also)"
    upstream = f", host says {markdown_code(finding.upstream_id)}" if finding.upstream_id else ""
    rule = markdown_code(finding.rule)
    yield f"- **{finding.severity}{also}: {markdown(finding.headline)}** {rule}{upstream}"
    if finding.message:
        yield f"  <br>{markdown(finding.message)}"
    for place in finding.evidence[:5]:
        text = f" {markdown_code(place.text)}" if place.text else ""
        yield f"  <br>at {markdown_code(str(place))}{text}"
    if finding.hint:
        yield f"  <br>Fix: {markdown(finding.hint)}"


def _logs(result: PlatformResult) -> Iterator[str]:
    run = result.execution
    if run is None:
        return
    tails = [(s.id, s.tail) for s in run.steps if s.status in {"failed", "timeout", "transient"} and s.tail]
    if run.boot and run.boot.status not in {"ok", "not-run"} and run.boot.tail:
        tails.append(("start", run.boot.tail))
    for name, tail in tails:
        last = "\n".join(tail.splitlines()[-TAIL_LINES:])
        yield from ("", f"<details><summary>Output of {markdown(name)}</summary>", "")
        yield from (markdown_block(last), "", "</details>")
