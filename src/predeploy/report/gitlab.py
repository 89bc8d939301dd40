"""GitLab's code quality report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from predeploy.model.results import Report
from predeploy.report.escape import plain
from predeploy.report.findings import Said, fingerprint, said_in, worst_first
from predeploy.report.render import Sheet

SEVERITIES = {"reject": "critical", "fail": "critical", "unknown": "major", "warn": "minor", "note": "info"}
"""The deciding refusal is a blocker."""


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the list of issues, the worst first."""
    seen: dict[str, int] = {}
    issues = [_issue(said, seen, sheet.root) for said in worst_first(said_in(reports))]
    return json.dumps(issues, indent=2) + "\n"


def _issue(said: Said, seen: dict[str, int], root: str) -> dict[str, Any]:
    finding = said.finding
    decides = finding.decisive and finding.severity in {"reject", "fail"}
    return {
        "description": plain(f"{said.result.name}: {finding.headline}. {said.text}"),
        "check_name": plain(finding.rule),
        "fingerprint": fingerprint(said, seen),
        "severity": "blocker" if decides else SEVERITIES[finding.severity],
        "location": {"path": plain(said.path_from(root)), "lines": {"begin": said.place.line or 1}},
    }
