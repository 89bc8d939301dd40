"""SARIF 2.1.0: a run a platform, rules with the help of ``predeploy explain``, fingerprints that last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from predeploy.errors import PredeployError
from predeploy.model.findings import Evidence, Finding
from predeploy.model.profile import Profile, Rule
from predeploy.model.results import PlatformResult, Report
from predeploy.report.escape import markdown, plain, sarif
from predeploy.report.findings import Said, fingerprint, is_file, ordered
from predeploy.report.render import Sheet

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"reject": "error", "fail": "error", "unknown": "warning", "warn": "warning", "note": "note"}


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the log."""
    seen: dict[str, int] = {}
    runs = [_run(report, result, sheet, seen) for report in reports for result in report.platforms]
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": runs}, indent=2) + "\n"


def _run(report: Report, result: PlatformResult, sheet: Sheet, seen: dict[str, int]) -> dict[str, Any]:
    findings = ordered(result)
    names = list(dict.fromkeys(finding.rule for finding in findings))
    first = {finding.rule: finding for finding in reversed(findings)}
    place = "" if report.app == "." else f"{report.app.strip('/')}/"
    return {
        "tool": {
            "driver": {
                "name": "predeploy",
                "version": plain(report.tool_version),
                "rules": [_rule(first[name], sheet) for name in names],
            }
        },
        # GitHub wants one category a run: the same platform of the same app replaces its older findings.
        "automationDetails": {"id": plain(f"predeploy/{result.platform}/{place}{report.as_of}")},
        "invocations": [
            {
                "executionSuccessful": not (report.interrupted or result.interrupted),
                "exitCode": report.exit_code,
                "properties": {"asOf": report.as_of, "status": result.status, "phase": result.phase},
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(Said(report=report, result=result, finding=finding), names, sheet, seen)
            for finding in findings
        ],
    }


def _rule(finding: Finding, sheet: Sheet) -> dict[str, Any]:
    found = _explained(finding.rule, sheet)
    hint = f"Fix: {finding.hint}" if finding.hint else ""
    descriptor: dict[str, Any] = {
        "id": plain(finding.rule),
        "shortDescription": {"text": sarif(finding.headline)},
        "fullDescription": {"text": sarif(_about(finding, found))},
        "defaultConfiguration": {"level": LEVELS[finding.severity]},
        "properties": {"tags": [plain(finding.phase), plain(finding.confidence)]},
    }
    if found is None:
        text = "\n".join(part for part in (finding.message, hint, finding.source) if part)
        descriptor["help"] = {"text": sarif(text or finding.headline)}
        return descriptor
    profile, rule = found
    from predeploy.report.explain import rule_text

    descriptor["help"] = {
        "text": sarif(rule_text(profile, rule, width=100, colour=False)),
        "markdown": _help(profile, rule),
    }
    if profile.homepage.startswith("https://"):
        descriptor["helpUri"] = profile.homepage
    return descriptor


def _about(finding: Finding, found: tuple[Profile, Rule] | None) -> str:
    """Return what the rule is about, without what was found this time."""
    if found is None:
        return finding.message or finding.headline
    return found[1].message.replace("{evidence}", "…") or finding.headline


def _help(profile: Profile, rule: Rule) -> str:
    """Return the help of a rule in Markdown."""
    parts = [f"**{markdown(rule.headline)}** on {markdown(profile.name)}"]
    parts += [markdown(rule.message.replace("{evidence}", "…"))] if rule.message else []
    parts += [f"Fix: {markdown(rule.hint)}"] if rule.hint else []
    if rule.upstream_id:
        parts.append(f"The host's own id: `{rule.upstream_id}`")
    changes = [
        f"- from {c.since or profile.covers_from}: {c.verdict} {markdown(c.source)}" for c in rule.timeline
    ]
    parts += ["\n".join(changes), f"Source: {markdown(rule.source)} ({rule.confidence})"]
    return "\n\n".join(parts).replace("{", "{{").replace("}", "}}")


def _explained(address: str, sheet: Sheet) -> tuple[Profile, Rule] | None:
    """Return the rule in its profile, where the profile is here and has it."""
    platform, _, name = address.partition("/")
    if sheet.registry is None or platform not in sheet.registry.located:
        return None
    try:
        profile = sheet.registry.profile(platform)
    except PredeployError:
        return None
    rule = next((rule for rule in profile.rules if rule.id == name), None)
    return (profile, rule) if rule else None


def _result(said: Said, names: list[str], sheet: Sheet, seen: dict[str, int]) -> dict[str, Any]:
    finding = said.finding
    return {
        "ruleId": plain(finding.rule),
        "ruleIndex": names.index(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": sarif(f"{said.result.name}: {finding.headline}. {said.text}")},
        "locations": [_location(said, said.place, sheet)],
        "relatedLocations": [
            {"id": number, **_location(said, place, sheet)}
            for number, place in enumerate(filter(is_file, finding.evidence[:20]), start=1)
            if place != said.place
        ],
        "partialFingerprints": {"predeploy/v1": fingerprint(said, seen)},
        "properties": {
            "severity": finding.severity,
            "decisive": finding.decisive,
            "upstreamId": finding.upstream_id and plain(finding.upstream_id),
            "phase": finding.phase,
        },
    }


def _location(said: Said, place: Evidence, sheet: Sheet) -> dict[str, Any]:
    at = Said(report=said.report, result=said.result, finding=_pointing(said.finding, place))
    uri = quote(plain(at.path_from(sheet.root)), safe="/")
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if not uri.startswith("/"):
        physical["artifactLocation"]["uriBaseId"] = "%SRCROOT%"
    physical["region"] = {"startLine": place.line or 1}
    if place.line and place.text:
        physical["region"]["snippet"] = {"text": plain(place.text)}
    return {"physicalLocation": physical}


def _pointing(finding: Finding, place: Evidence) -> Finding:
    from predeploy.record import replace

    return replace(finding, evidence=(place,))
