"""Streamlit Community Cloud: what the output of an install or of the script says about its failure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.outcomes import boot_line
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    from predeploy.model.execution import BootResult, StepResult

LOG_LIMIT = 400_000
"""Characters of a log that are looked at; the reason stands at its beginning or its end."""

TIMEOUT_SECONDS = 58.0
"""A script probe that fails after this long has run into the host's limit of 60 s."""

_FRAME = dict.fromkeys(map(ord, "\u2500\u25b6\u2502\u256d\u256e\u256f"), " ")
_REASON = pattern(r"[\u00d7\u251c\u2570]|(?m:^(?=(?:error|ERROR|hint):))")
"""Where uv's and pip's next reason begins."""

_SEPARATOR = "\x1f"
_NOT_ON_INDEX = pattern(
    r"because ([a-z0-9_.-]+) was not found in the package registry"
    r"|only ([a-z0-9_.-]+)==[^ ]+ is available and \2==[^ ]+ was yanked"
    r"|no matching distribution found for ([a-z0-9_.-]+)(?= |$)",
    re.IGNORECASE,
)


def flat(text: str) -> str:
    """Return an output on one line, reasons divided by a separator: uv wraps and frames them."""
    return " ".join(re.split(r"[ \t\r\n]+", _REASON.sub(f" {_SEPARATOR} ", text).translate(_FRAME))).strip()


def failed_outputs(case: Case) -> list[tuple[StepResult, str]]:
    """Return the failed steps of the install with their output on one line each."""
    steps = case.execution.steps if case.execution else ()
    failed = [step for step in steps if step.status in {"failed", "timeout"} and not step.no_upload_times]
    return [(step, flat(_whole(step))) for step in failed]


def _whole(step: StepResult) -> str:
    if step.log is None:
        return step.tail
    try:
        text = Path(step.log).read_text("utf-8", "replace")
    except OSError:
        return step.tail
    if len(text) > LOG_LIMIT:
        text = text[: LOG_LIMIT // 2] + "\n" + text[-LOG_LIMIT // 2 :]
    return text or step.tail


def _around(text: str, position: int) -> str:
    """Return the reason around a position, shortened."""
    start = text.rfind(_SEPARATOR, 0, position) + 1
    end = text.find(_SEPARATOR, position)
    reason = text[start : end if end >= 0 else len(text)]
    return reason[max(0, position - start - 120) :].strip()[:240]


@predicate("streamlit.install_output")
def install_output(case: Case, *, texts: Words, whole: bool = False) -> Outcome:
    """Match when a failed step of the install printed one of these texts, wrapped or not, in any case.

    ``whole``: show the installer's whole reason, not what stands around the text.
    """
    for step, output in failed_outputs(case):
        lowered = output.lower()
        for text in words(texts):
            position = lowered.find(text.lower())
            if position >= 0:
                shown = (step.reason if whole else "") or _around(output, position)
                return Match((Evidence(path=step.log or step.id, text=shown),), shown)
    return matched(False)


@predicate("streamlit.not_on_index")
def not_on_index(case: Case, *, names_from: str | None = None) -> Outcome:
    """Match when an index has no such distribution; with a list, only for its names."""
    listed = {name.lower() for name in case.snapshot.lists.get(names_from or "", ())}
    for step, output in failed_outputs(case):
        for match in _NOT_ON_INDEX.finditer(output):
            name = next(group for group in match.groups() if group).lower().rstrip(".")
            if names_from is None or name in listed:
                return Match((Evidence(path=step.log or step.id, text=name),), name)
    return matched(False)


def _boot(case: Case) -> BootResult | None:
    return case.execution.boot if case.execution else None


def _script_failed(case: Case) -> BootResult | None:
    """Return the start whose script ended badly, or that died before it could be asked."""
    boot = _boot(case)
    if boot is None or boot.status in {"not-run", "interrupted"}:
        return None
    if boot.status == "ok" and boot.script_status in {None, 200}:
        return None
    return boot


@predicate("streamlit.script_output")
def script_output(case: Case, *, texts: Words) -> Outcome:
    """Match when the server or the script failed and printed one of these texts, in any letter case."""
    boot = _script_failed(case)
    return boot_line(boot, words(texts)) if boot is not None else matched(False)


@predicate("streamlit.secret_missing")
def secret_missing(case: Case, *, texts: Words) -> Outcome:
    """Match when the script failed on a secret, with the names of those it reads."""
    from predeploy.hosts.streamlit_code import secret_names

    outcome = script_output(case, texts=texts)
    names = secret_names(case)
    if not isinstance(outcome, Match) or not names:
        return outcome
    return Match(outcome.evidence, f"{outcome.detail}. The app reads {names}")


@predicate("streamlit.builds_without_tool")
def builds_without_tool(case: Case) -> Outcome:
    """Unknown when a build lacked here what the host has, or may have: a compiler, or a header.

    What the image is known to lack, and packages.txt does not name, is missing there too.
    """
    from predeploy.hosts.streamlit_system import apt_words

    named = {word.text for word in apt_words(case)}
    absent = case.snapshot.lists.get("absent-programs", ())
    for step, _ in failed_outputs(case):
        text = step.lacking.lower()
        if text and (named or not any(program in text for program in absent)):
            return Unknown(f"{step.reason or step.id} ({step.lacking.rstrip('.')})")
    return matched(False)


@predicate("streamlit.script_timed_out")
def script_timed_out(case: Case) -> Outcome:
    """Match when the script was still running after the host's 60 seconds."""
    boot = _script_failed(case)
    late = boot is not None and boot.script_status is not None and boot.seconds >= TIMEOUT_SECONDS
    return matched(late)


@predicate("streamlit.script_unanswered")
def script_unanswered(case: Case) -> Outcome:
    """Match when the server went away while the script ran."""
    boot = _script_failed(case)
    return matched(boot is not None and boot.script_status == 0)


@predicate("streamlit.console_script_missing")
def console_script_missing(case: Case) -> Outcome:
    """Match when the environment has no ``streamlit`` command to start."""
    boot = _boot(case)
    return matched(boot is not None and boot.returncode == 127)
