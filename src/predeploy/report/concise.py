"""One line a finding, which editors make clickable: ``file:line: platform/rule headline``."""

from __future__ import annotations

from collections.abc import Sequence

from predeploy.model.results import Report
from predeploy.report.escape import line
from predeploy.report.findings import Said, said_in
from predeploy.report.render import Sheet
from predeploy.report.text import COLOURS


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the findings, a line each, in the order of the platforms."""
    days = len({report.as_of for report in reports}) > 1
    return "".join(_line(said, sheet, days) + "\n" for said in said_in(reports))


def _line(said: Said, sheet: Sheet, days: bool) -> str:
    finding, place = said.finding, said.place
    where = line(said.path) + (f":{place.line}" if place.line else "")
    severity = f"[{finding.severity}]"
    if sheet.colour:
        severity = f"\x1b[{COLOURS[finding.severity]}m{severity}\x1b[0m"
    day = f" (as of {line(said.report.as_of)})" if days else ""
    return f"{where}: {line(finding.rule)} {line(finding.headline)} {severity}{day}"
