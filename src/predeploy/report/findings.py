"""What renderers ask of findings: how bad, where, and how to recognise one again."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from predeploy.model import Severity, Status
from predeploy.model.findings import Evidence, Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.record import record

WORST_FIRST: tuple[Severity, ...] = ("reject", "fail", "unknown", "warn", "note")
VERDICTS: dict[Status, str] = {
    "accept": "would deploy",
    "warn": "would deploy, with warnings",
    "reject": "would be refused",
    "fail": "would fail",
    "unknown": "could not be decided",
}
"""What each status means, in words."""


@record
class Said:
    """A finding with the report and the platform it belongs to."""

    report: Report
    result: PlatformResult
    finding: Finding

    @property
    def place(self) -> Evidence:
        """Return the file of the app to point at: the evidence with a line, a file, the manifest, the app."""
        return place_of(self.result, self.finding)

    @property
    def path(self) -> str:
        """Return that file as seen from where the app was named."""
        return posixpath.normpath(posixpath.join(self.report.app.replace("\\", "/"), self.place.path))

    def path_from(self, root: str) -> str:
        """Return that file relative to a directory, where it lies below it."""
        path = self.path
        if root and path.startswith(root.rstrip("/") + "/"):
            return path[len(root.rstrip("/")) + 1 :]
        return path

    @property
    def text(self) -> str:
        """Return the message with the fix."""
        said = self.finding.message or self.finding.headline
        return f"{said} Fix: {self.finding.hint}" if self.finding.hint else said


def place_of(result: PlatformResult, finding: Finding) -> Evidence:
    """Return what a finding points at in the app; logs, variables and settings are not in it."""
    files = [place for place in finding.evidence if is_file(place)]
    numbered = next((place for place in files if place.line), None)
    if numbered or files:
        return numbered or files[0]
    return Evidence(path=result.selection.manifest or next(iter(result.selection.candidates), "."))


def is_file(place: Evidence) -> bool:
    """Return whether evidence names a file of the app."""
    path = place.path
    if not path or path.startswith(("/", "~")) or "://" in path or path.endswith(".log"):
        return False
    name = posixpath.basename(path)
    return place.line is not None or "." in name or name in {"Procfile", "Pipfile"} or "/" in path


def said_in(reports: Iterable[Report]) -> Iterator[Said]:
    """Yield every finding, in the order of the reports."""
    for report in reports:
        for result in report.platforms:
            for finding in result.findings:
                yield Said(report=report, result=result, finding=finding)


def worst_first(all_said: Iterable[Said]) -> list[Said]:
    """Return findings by severity, the deciding ones first among equals."""
    return sorted(all_said, key=lambda said: rank(said.finding))


def rank(finding: Finding) -> tuple[int, bool]:
    """Return what sorts a finding: the worst and deciding first."""
    return WORST_FIRST.index(finding.severity), not finding.decisive


def ordered(result: PlatformResult) -> list[Finding]:
    """Return a platform's findings, the worst first."""
    return sorted(result.findings, key=rank)


def title_of(report: Report, reports: Sequence[Report]) -> str:
    """Return what tells a report from the others: its app, and its day where there are several."""
    several = len({other.as_of for other in reports}) > 1
    return f"{report.app} as of {report.as_of}" if several else report.app


def suite_of(report: Report, result: PlatformResult, reports: Sequence[Report]) -> str:
    """Return the name of a platform's result: the app is in front where there are several."""
    return result.platform if len(reports) == 1 else f"{title_of(report, reports)}: {result.platform}"


def fingerprint(said: Said, seen: dict[str, int]) -> str:
    """Return what a finding is recognised by in the next run, wherever its line has moved to.

    ``seen`` counts equal ones, so that each gets a name of its own.
    """
    from hashlib import sha256

    place = said.place
    text = " ".join((place.text or "").split())
    key = "\0".join((said.finding.rule, said.report.app, place.path, text))
    seen[key] = number = seen.get(key, 0) + 1
    return sha256(f"{key}\0{number}".encode("utf-8", "replace")).hexdigest()[:32]
