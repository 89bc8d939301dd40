"""JUnit XML: a suite a platform, a case a check; failure is a refusal, error is what was not decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET  # written here, never parsed

from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.report.escape import xml
from predeploy.report.findings import Said, ordered, suite_of
from predeploy.report.render import Sheet

KINDS = {"reject": "failure", "fail": "failure", "unknown": "error"}


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the document."""
    root = ET.Element("testsuites", name="predeploy")
    for report in reports:
        for result in report.platforms:
            root.append(_suite(report, result, reports))
    _count(root, root.iter("testcase"))
    root.set("time", f"{sum(report.seconds for report in reports):.3f}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(report: Report, result: PlatformResult, reports: Sequence[Report]) -> ET.Element:
    suite = ET.Element("testsuite", name=xml(suite_of(report, result, reports)))
    properties = ET.SubElement(suite, "properties")
    facts = {
        "app": report.app,
        "as_of": report.as_of,
        "status": result.status,
        "version": report.tool_version,
    }
    for name, value in facts.items():
        ET.SubElement(properties, "property", name=name, value=xml(value))
    suite.extend(_cases(report, result))
    _count(suite, suite.iter("testcase"))
    suite.set("time", f"{sum(result.seconds.values()):.3f}")
    output = _output(result)
    if output:
        ET.SubElement(suite, "system-err").text = xml(output)
    return suite


def _cases(report: Report, result: PlatformResult) -> Iterator[ET.Element]:
    """Yield a case a finding, and one for each phase in which nothing was found."""
    for finding in ordered(result):
        yield _case(Said(report=report, result=result, finding=finding))
    found = {finding.phase for finding in result.findings}
    for phase, outcome in result.phases:
        if phase in found:
            continue
        case = ET.Element("testcase", classname=xml(result.platform), name=phase)
        case.set("time", f"{result.seconds.get(phase, 0.0):.3f}")
        if outcome == "skipped":
            ET.SubElement(case, "skipped", message="there is nothing to start")
        elif outcome in KINDS:
            ET.SubElement(case, KINDS[outcome], message=outcome)
        yield case
    if result.interrupted:
        case = ET.Element("testcase", classname=xml(result.platform), name="interrupted", time="0")
        ET.SubElement(case, "error", message="the run was interrupted")
        yield case


def _case(said: Said) -> ET.Element:
    finding, place = said.finding, said.place
    case = ET.Element("testcase", classname=xml(f"{said.result.platform}.{finding.phase}"))
    case.set("name", xml(finding.rule))
    case.set("file", xml(said.path))
    if place.line:
        case.set("line", str(place.line))
    case.set("time", "0")
    kind = KINDS.get(finding.severity)
    text = xml(_text(said, finding))
    if kind:
        problem = ET.SubElement(case, kind, message=xml(finding.headline), type=finding.severity)
        problem.text = text
    else:
        ET.SubElement(case, "system-out").text = f"{finding.severity}: {text}"
    return case


def _text(said: Said, finding: Finding) -> str:
    lines = [finding.headline, finding.message]
    lines += [f"at {place}  {place.text or ''}".rstrip() for place in finding.evidence]
    lines += [f"host says {finding.upstream_id}" if finding.upstream_id else ""]
    lines += [f"fix: {finding.hint}" if finding.hint else "", finding.source]
    return "\n".join(line for line in lines if line)


def _output(result: PlatformResult) -> str:
    """Return the end of what the failed steps and the start printed."""
    run = result.execution
    if run is None:
        return ""
    pieces = [f"{s.id}:\n{s.tail}" for s in run.steps if s.status in {"failed", "timeout"} and s.tail]
    if run.boot and run.boot.status not in {"ok", "not-run"} and run.boot.tail:
        pieces.append(f"start:\n{run.boot.tail}")
    return "\n".join(pieces)


def _count(element: ET.Element, cases: Iterator[ET.Element]) -> None:
    tags = [{child.tag for child in case} for case in cases]
    element.set("tests", str(len(tags)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(tag in found for found in tags)))
