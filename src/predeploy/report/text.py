"""The terminal report: the matrix, then per platform what was chosen, found and done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from predeploy.model import PHASES
from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult, Report
from predeploy.report.escape import line as one_line
from predeploy.report.escape import printable, terminal
from predeploy.report.findings import STOPPED, VERDICTS, title_of

if TYPE_CHECKING:
    from predeploy.model.execution import BootResult, CallResult, Execution, SandboxUse, StepResult
    from predeploy.report.render import Sheet

COLOURS = {
    "accept": "32",
    "ok": "32",
    "warn": "33",
    "unknown": "35",
    "reject": "31",
    "fail": "31",
    "note": "36",
    "dim": "2",
    "bold": "1",
}
MARKS = {"ok": "✓", "warn": "!", "reject": "✗", "fail": "✗", "unknown": "?", "accept": "✓", "note": "·"}
STEP_INKS = {"ok": "ok", "skipped": "dim", "failed": "fail", "timeout": "fail"}
TAIL_LINES = 12
BODY_LINES = 5
BODY_COLUMNS = 200


class Paper:
    """Lines of a given width, with or without colour."""

    def __init__(self, *, width: int, colour: bool) -> None:
        self.width = width
        self.colour = colour
        self.lines: list[str] = []

    def ink(self, text: str, name: str) -> str:
        """Return text in a colour, where there is colour."""
        return f"\x1b[{COLOURS[name]}m{text}\x1b[0m" if self.colour and name in COLOURS else text

    def line(self, text: str = "") -> None:
        """Add one line as it is."""
        self.lines.append(text.rstrip())

    def wrapped(
        self, text: str, *, indent: int, first: str = "", hanging: int = 0, ink: str | None = None
    ) -> None:
        """Add a paragraph, broken at blanks; words longer than a line stay whole, so paths can be copied."""
        room = max(20, self.width - indent - hanging)
        for number, piece in enumerate(broken(terminal(text), room)):
            lead = first if number == 0 else " " * hanging
            self.line(" " * indent + lead + (self.ink(piece, ink) if ink else piece))

    def text(self) -> str:
        """Return the lines as one text."""
        return "".join(f"{line}\n" for line in self.lines)

    def fits(self, *parts: str) -> bool:
        """Return whether the parts, without colour, fit on one line."""
        return sum(map(len, parts)) <= self.width


def broken(text: str, room: int) -> list[str]:
    """Return the text as lines of at most ``room`` columns, broken at blanks only."""
    # textwrap compiles five expressions when it is imported, for what are six lines here
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return every report as text, and a table of all of them where there are several."""
    texts = [render(report, width=sheet.width, colour=sheet.colour) for report in reports]
    if len(reports) > 1:
        texts.append(_overview(reports, sheet))
    return "\n".join(texts)


def render(report: Report, *, width: int, colour: bool) -> str:
    """Return the whole report as text."""
    paper = Paper(width=width, colour=colour)
    _matrix(paper, report)
    for result in report.platforms:
        paper.line()
        _platform(paper, result)
    paper.line()
    _verdict(paper, report)
    return paper.text()


def head_text(report: Report, *, width: int, colour: bool) -> str:
    """Return the matrix of platforms and phases."""
    paper = Paper(width=width, colour=colour)
    _matrix(paper, report)
    return paper.text()


def platform_text(result: PlatformResult, *, width: int, colour: bool) -> str:
    """Return one platform's part of the report."""
    paper = Paper(width=width, colour=colour)
    _platform(paper, result)
    return paper.text()


def verdict_text(report: Report, *, width: int, colour: bool) -> str:
    """Return the last lines of the report."""
    paper = Paper(width=width, colour=colour)
    _verdict(paper, report)
    return paper.text()


def _overview(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return a line an app and day, with the status of each platform."""
    paper = Paper(width=sheet.width, colour=sheet.colour)
    titles = [one_line(title_of(report, reports)) for report in reports]
    longest = max(map(len, titles))
    for title, report in zip(titles, reports, strict=True):
        cells = (
            f"{one_line(r.platform)} {paper.ink(f'{MARKS[r.status]} {r.status}', r.status)}"
            for r in report.platforms
        )
        row = f"{title:<{longest}}"
        for cell in cells:
            if len(visible(row)) + 2 + len(visible(cell)) > sheet.width:
                paper.line(row)
                row = " " * min(longest, 2)
            row += f"  {cell}"
        paper.line(row)
    return paper.text()


def visible(text: str) -> str:
    """Return text without our own colours, to be measured."""
    return printable(text)


CELL = 11
"""Columns of a cell of the matrix that has words; where they do not fit, cells have marks only."""
VERDICT = 16
"""Columns of the verdict and the time behind the cells."""


def _matrix(paper: Paper, report: Report) -> None:
    phases = [phase for phase in PHASES if any(phase in dict(r.phases) for r in report.platforms)]
    names = [one_line(result.platform) for result in report.platforms]
    first = max([len("platform"), *map(len, names)])
    wide = paper.width >= first + 2 + CELL * len(phases) + VERDICT
    cell = CELL if wide else 2
    heads = "".join(f"{phase if wide else phase[0]:<{cell}}" for phase in phases)
    paper.wrapped(f"{report.app} as of {report.as_of}", indent=0, ink="bold")
    paper.line()
    paper.line(paper.ink(f"{'platform':<{first}}  {heads}verdict", "dim"))
    for name, result in zip(names, report.platforms, strict=True):
        ran = dict(result.phases)
        row = f"{name:<{first}}  "
        for phase in phases:
            outcome = ran.get(phase)
            mark = MARKS.get(outcome, "-") if outcome else "-"
            text = f"{mark} {outcome}" if outcome and wide else mark
            row += paper.ink(f"{text:<{cell}}", outcome or "dim")
        row += paper.ink(f"{result.status:<8}", result.status)
        paper.line(row + paper.ink(duration(sum(result.seconds.values())), "dim"))


def duration(seconds: float) -> str:
    """Return a time for people: milliseconds below one second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _platform(paper: Paper, result: PlatformResult) -> None:
    paper.line(paper.ink(one_line(result.name), "bold") + "  " + paper.ink(result.status, result.status))
    for label, text in _facts(result):
        paper.wrapped(text, indent=2, first=f"{label:<10}", hanging=10)
    for finding in sorted(result.findings, key=lambda f: (not f.decisive, f.severity == "note")):
        _finding(paper, finding)
    if result.execution is not None:
        _execution(paper, result, result.execution)


def _facts(result: PlatformResult) -> Iterable[tuple[str, str]]:
    selection, python = result.selection, result.python
    if selection.manifest:
        lost = f"; not used: {', '.join(selection.ignored)}" if selection.ignored else ""
        because = f" ({selection.reason}{lost})" if selection.reason or lost else ""
        yield "install", f"{selection.installer} from {selection.manifest}{because}"
    elif selection.installer:
        yield "install", f"{selection.installer} ({selection.reason})"
    elif selection.reason and result.status != "reject":
        yield "install", selection.reason
    if python.requested or python.resolved:
        asked = f"{python.requested} from {python.origin}" if python.requested else python.origin
        resolved = python.resolved or "nothing this host has"
        local = result.execution.local_python if result.execution else None
        here = f", here {local.version}" if local and local.match != "exact" else ""
        yield "python", f"{resolved} ({asked}){here}"
    for name, command in result.processes.items():
        yield "start", f"{name}: {command}"


def _note(paper: Paper, finding: Finding) -> None:
    """Write a note in one paragraph: nothing has to be done about it."""
    mark = f"  {MARKS['note']} note  "
    text = f"{finding.headline}: {finding.message}" if finding.message else finding.headline
    paper.wrapped(text, indent=0, first=paper.ink(mark, "note"), hanging=len(mark))
    paper.wrapped(finding.rule, indent=len(mark), ink="dim")


def headed(paper: Paper, finding: Finding, mark: str, *, indent: int) -> None:
    """Write what every finding begins with: mark, headline, rule, the host's id, and the message."""
    paper.wrapped(finding.headline, indent=0, first=paper.ink(mark, finding.severity), hanging=len(mark))
    if paper.fits(mark, finding.headline, "  ", finding.rule):
        paper.lines[-1] += "  " + paper.ink(one_line(finding.rule), "dim")
    else:
        paper.wrapped(finding.rule, indent=indent, ink="dim")
    if finding.upstream_id:
        paper.wrapped(f"host says {finding.upstream_id}", indent=indent)
    if finding.message:
        paper.wrapped(finding.message, indent=indent)


def _finding(paper: Paper, finding: Finding) -> None:
    if finding.severity == "note":
        _note(paper, finding)
        return
    also = " (also)" if finding.severity in {"reject", "fail"} and not finding.decisive else ""
    headed(paper, finding, f"  {MARKS[finding.severity]} {finding.severity}{also}  ", indent=6)
    for place in finding.evidence[:5]:
        text = f"  {place.text}" if place.text and place.text not in finding.message else ""
        if place.line or text:
            paper.wrapped(f"{place}{text}", indent=6, first="at ", hanging=3)
    if finding.hint:
        paper.wrapped(finding.hint, indent=6, first="fix: ", hanging=5)
    if finding.severity in {"reject", "warn"} and finding.source:
        since = f"since {finding.since}, " if finding.since else ""
        change = f", changes {finding.until}" if finding.until else ""
        paper.wrapped(f"{since}{finding.source}{change}", indent=6, ink="dim")


def _execution(paper: Paper, result: PlatformResult, run: Execution) -> None:
    if run.sandbox is not None:
        paper.wrapped(sandbox_text(run.sandbox), indent=2, first="sandbox   ", hanging=10)
    for step in run.steps:
        _step(paper, step)
        if step.way:
            paper.wrapped(step.way, indent=12, ink="dim")
        if step.status in STOPPED:
            _output(paper, step.tail, step.log)
    if run.installed is not None:
        text = f"{len(run.installed)} distributions installed{_size(run)}"
        paper.wrapped(text, indent=2, first=" " * 10, hanging=10)
    if run.boot is not None:
        _boot(paper, run.boot)
    if result.work_dir:
        paper.line(f"  kept      {one_line(result.work_dir)}")


def _step(paper: Paper, step: StepResult) -> None:
    """Write a step, its status and its time, on a line of its own where there is no room for all."""
    name, took = one_line(step.id), duration(step.seconds)
    lead = f"  {step.phase:<10}"
    status = paper.ink(step.status, STEP_INKS.get(step.status, "warn"))
    if paper.fits(lead, name, "  ", step.status, "  ", took):
        paper.line(f"{lead}{name}  {status}  {took}")
        return
    paper.line(f"{lead}{name}")
    paper.line(f"{' ' * len(lead)}{status}  {took}")


def sandbox_text(use: SandboxUse) -> str:
    """Return what kept a build apart from this machine, in words."""
    if use.kind == "none":
        return f"none: {one_line(use.detail)}"
    closed = ["no network at start"] if use.own_network_at_start else ["this machine's network at start, too"]
    closed += ["read-only at start as on the host"] if use.read_only_at_start else []
    return f"bubblewrap ({', '.join(closed)})"


def _size(run: Execution) -> str:
    if run.sizes is None:
        return ""
    return f", about {run.sizes.compressed_estimate_bytes / 1_048_576:.0f} MB compressed with Python"


def _boot(paper: Paper, boot: BootResult) -> None:
    if boot.status == "not-run":
        paper.wrapped("not run: there is nothing to start", indent=2, first="boot      ", hanging=10)
        return
    took = duration(boot.seconds)
    if boot.status == "ok":
        script = f", script check {boot.script_status}" if boot.script_status is not None else ""
        where = f"port {boot.port}" if boot.port else "its socket"
        answered = "listens" if boot.call is not None else f"answered {boot.http_status}"
        text = f"{answered} on {where} after {took}{script}"
        paper.wrapped(text, indent=2, first="boot      ", hanging=10)
        if boot.call is not None:
            _call(paper, boot.call)
    else:
        paper.line(f"  boot      {paper.ink(boot.status, 'fail')} after {took}")
    if boot.status != "ok" or boot.script_status not in {None, 200} or (boot.http_status or 0) >= 500:
        _output(paper, boot.tail, boot.log)


def _call(paper: Paper, call: CallResult) -> None:
    """Write what the app was asked once, and the first lines of its answer."""
    said = f"answered {call.status}" if call.status else "did not answer"
    text = f"{call.what}, {call.method} {call.path}: {said} after {duration(call.seconds)}"
    paper.wrapped(text, indent=2, first="call      ", hanging=10)
    for text in call.body.splitlines()[:BODY_LINES]:
        paper.line("      > " + terminal(text)[:BODY_COLUMNS])


def _output(paper: Paper, tail: str, log: str | None) -> None:
    for text in tail.splitlines()[-TAIL_LINES:]:
        paper.line("      | " + terminal(text))
    if log:
        paper.line(f"      log: {one_line(log)}")


def _verdict(paper: Paper, report: Report) -> None:
    by_status: dict[str, list[str]] = {}
    for result in report.platforms:
        by_status.setdefault(result.status, []).append(result.platform)
    for status, text in VERDICTS.items():
        if status in by_status:
            names = ", ".join(by_status[status])
            paper.wrapped(names, indent=0, first=f"{paper.ink(text, status)}: ", hanging=len(text) + 2)
    if report.interrupted:
        paper.line("interrupted: what was not finished is missing")
