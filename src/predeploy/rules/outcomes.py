"""The vocabulary of conditions on what happened when the plan ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    from predeploy.model.execution import BootResult, Execution, StepResult

MEGABYTE = 1024 * 1024


def _execution(case: Case) -> Execution:
    if case.execution is not None:
        return case.execution
    from predeploy.model.execution import Execution  # not needed by check

    return Execution()


def _failed(case: Case, steps: Words | None) -> list[StepResult]:
    wanted = words(steps or ())
    return [
        step
        for step in _execution(case).steps
        if step.status in {"failed", "timeout"}
        and not step.no_upload_times  # the host's own index would have answered
        and (not wanted or step.id in wanted)
    ]


def last_line(text: str) -> str:
    """Return the last line of an output that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


@predicate("step_failed")
def step_failed(case: Case, *, steps: Words | None = None) -> Outcome:
    """Match when one of these steps (or any) ended with an error or ran out of time.

    A step that ended because this machine lacks a system library does not count.
    """
    failed = [step for step in _failed(case, steps) if not step.lacking and not _over_limit(step)]
    return matched(bool(failed), *map(_shown, failed), detail=_why(failed[0]) if failed else None)


def _over_limit(step: StepResult) -> bool:
    return bool(step.limit) and step.status == "failed"


@predicate("step_over_limit")
def step_over_limit(case: Case, *, kinds: Words | None = None) -> Outcome:
    """Match when a step was ended because it used too much: ``memory``, ``processes`` or ``disk``, or any."""
    wanted = words(kinds or ())
    for step in _failed(case, None):
        if _over_limit(step) and (not wanted or any(kind in step.limit for kind in wanted)):
            return Match((_shown(step),), f"{step.id} was ended when it went over its {step.limit}")
    return matched(False)


@predicate("system_library_missing")
def system_library_missing(case: Case) -> Outcome:
    """Unknown when a build wanted a compiler or a system library that this machine lacks."""
    for step in _failed(case, None):
        if step.lacking:
            said = step.reason or step.id
            lacking = step.lacking.rstrip(".")
            return Unknown(said if lacking in said else f"{said} ({lacking})")
    return matched(False)


@predicate("upload_times_missing")
def upload_times_missing(case: Case) -> Outcome:
    """Unknown when a past day's packages were wanted of an index that does not say when they came."""
    for step in _execution(case).steps:
        if step.no_upload_times:
            return Unknown(f"{step.id} could not tell which packages there were: {step.no_upload_times}")
    return matched(False)


@predicate("packages_not_dated")
def packages_not_dated(case: Case) -> Outcome:
    """Match when a step took today's packages although the answer is for a past day."""
    execution = _execution(case)
    detail = f"{', '.join(execution.undated)} could not be held to {execution.packages_as_of}"
    return matched(bool(execution.undated), detail=detail)


@predicate("step_timed_out")
def step_timed_out(case: Case, *, steps: Words | None = None) -> Outcome:
    """Match when one of these steps (or any) ran out of time."""
    late = [step for step in _failed(case, steps) if step.status == "timeout"]
    detail = f"{late[0].id}: {late[0].reason or 'it did not end in time'}" if late else None
    return matched(bool(late), *map(_shown, late), detail=detail)


@predicate("step_exited")
def step_exited(case: Case, *, codes: int | tuple[int, ...], steps: Words | None = None) -> Outcome:
    """Match when one of these steps (or any) failed with one of these exit statuses."""
    wanted = (codes,) if isinstance(codes, int) else codes
    failed = [step for step in _failed(case, steps) if step.returncode in wanted]
    return matched(bool(failed), *map(_shown, failed))


@predicate("output_contains")
def output_contains(case: Case, *, texts: Words, steps: Words | None = None) -> Outcome:
    """Match when a failed step printed one of these texts, in any letter case."""
    for step in _failed(case, steps):
        for line in reversed(step.tail.splitlines()):
            if any(text.lower() in line.lower() for text in words(texts)):
                return Match(
                    (Evidence(path=step.log or step.id, text=line.strip()[:200]),), line.strip()[:200]
                )
    return matched(False)


@predicate("log_contains")
def log_contains(
    case: Case, *, texts: Words, steps: Words | None = None, ignore_case: bool = False
) -> Outcome:
    """Match when a failed step printed one of these texts anywhere, not only in its last lines.

    The text is case-sensitive unless ``ignore_case`` is set; the first line that holds it is shown.
    """

    def folded(text: str) -> str:
        return text.lower() if ignore_case else text

    wanted = [folded(text) for text in words(texts)]
    for step in _failed(case, steps):
        if step.lacking or not any(text in folded(step.output) for text in wanted):
            continue
        lines = step.output.splitlines()
        line = next((line for line in lines if any(text in folded(line) for text in wanted)), "")
        shown = line.strip()[:200]
        return Match((Evidence(path=step.log or step.id, text=shown),), shown)
    return matched(False)


@predicate("step_transient")
def step_transient(case: Case) -> Outcome:
    """Unknown when a step failed because an index or a download was out of reach."""
    for step in _execution(case).steps:
        if step.status == "transient":
            return Unknown(
                f"{step.id} could not reach the network: {(step.reason or last_line(step.tail))[:200]}"
            )
    return matched(False)


@predicate("machine_trouble")
def machine_trouble(case: Case) -> Outcome:
    """Unknown when this machine could not carry out the plan."""
    trouble = _execution(case).trouble
    return Unknown(trouble) if trouble else matched(False)


@predicate("dependency_conflict")
def dependency_conflict(case: Case) -> Outcome:
    """Match when the installed distributions contradict each other (``pip check``)."""
    execution = _execution(case)
    conflicts = execution.conflicts
    if conflicts is None and execution.step("conflict-check") is not None:
        return Unknown("the check of the installed distributions gave no answer")
    if not conflicts:
        return matched(False)
    return Match(tuple(Evidence(path="pip check", text=line) for line in conflicts), "; ".join(conflicts[:3]))


@predicate("importable")
def importable(case: Case, *, modules: Words) -> Outcome:
    """Match when all of these top-level modules can be imported after the install, from the app's root."""
    names, wanted = _execution(case).importable, words(modules)
    return matched(names is not None and names.issuperset(wanted), detail=" and ".join(wanted))


@predicate("slug_larger_than")
def slug_larger_than(case: Case, *, value: str) -> Outcome:
    """Match when the estimated archive of the build exceeds one of the profile's values, in MB."""
    sizes, limit = _execution(case).sizes, case.snapshot.values.get(value)
    if sizes is None or limit is None:
        return matched(False)
    estimate = sizes.compressed_estimate_bytes / MEGABYTE
    detail = f"about {estimate:.0f} MB, from {sizes.installed_bytes / MEGABYTE:.0f} MB installed"
    return matched(estimate > int(limit), detail=detail)


@predicate("import_missing")
def import_missing(case: Case, *, certain: bool) -> Outcome:
    """Match when the app imports what nothing in the environment provides.

    ``certain``: only imports that run whenever the app starts, or only the others.
    """
    missing = [item for item in _execution(case).missing_imports or () if item.certain == certain]
    evidence = (Evidence(path=m.path, line=m.line, text=f"import {m.module}") for m in missing)
    return matched(bool(missing), *evidence, detail=", ".join(dict.fromkeys(m.module for m in missing)))


@predicate("python_substituted")
def python_substituted(case: Case) -> Outcome:
    """Match when the build ran on another minor version than the host's."""
    local = _execution(case).local_python
    if local is None or local.match != "none":
        return matched(False)
    return Match((), f"{local.version} instead of {case.python.resolved}")


@predicate("foreign_resolution")
def foreign_resolution(
    case: Case, *, status: Literal["resolved", "source-builds", "unsatisfiable", "unavailable"]
) -> Outcome:
    """Match when resolving for the host's own Python, without installing, ended this way."""
    foreign = _execution(case).foreign
    if foreign is None or foreign.status != status:
        return matched(False)
    return Match((), foreign.detail or None)


@predicate("boot_status")
def boot_status(
    case: Case,
    *,
    words_: Words,
) -> Outcome:
    """Match when the start command ended this way."""
    boot = _execution(case).boot
    if boot is None or boot.status not in words(words_):
        return matched(False)
    if boot.status in {"wrong-port", "loopback-only"}:
        return Match((), ", ".join(boot.listening))
    return boot_match(boot)


def boot_match(boot: BootResult) -> Match:
    """Return a match that shows the app's own error, else the last line of the output."""
    if boot.cause is not None:
        place = Evidence(path=boot.cause.path, line=boot.cause.line, text=boot.cause.text)
        return Match((place,), boot.cause.text)
    text = last_line(boot.tail)[:200]
    return Match((Evidence(path=boot.log or "start", text=text),), text or "it printed nothing")


@predicate("start_not_confined")
def start_not_confined(case: Case) -> Outcome:
    """Match when the app was started without the host's read-only file system, for want of a sandbox."""
    execution = _execution(case)
    use, boot = execution.sandbox, execution.boot
    ran = boot is not None and boot.status != "not-run"
    return matched(ran and use is not None and use.open_at_start, detail=use.detail if use else None)


@predicate("boot_over_limit")
def boot_over_limit(case: Case) -> Outcome:
    """Match when the start was ended because it used too much."""
    boot = _execution(case).boot
    if boot is None or boot.status != "over-limit":
        return matched(False)
    return Match(boot_match(boot).evidence, boot.limit)


@predicate("boot_cut_off")
def boot_cut_off(case: Case) -> Outcome:
    """Unknown when a start failed for want of the network, which the sandbox had cut."""
    boot = _execution(case).boot
    if boot is None or boot.status != "cut-off":
        return matched(False)
    return Unknown(f"it was started without the network: {boot_match(boot).detail}")


@predicate("boot_output_contains")
def boot_output_contains(case: Case, *, texts: Words) -> Outcome:
    """Match when a start that failed printed one of these texts, in any letter case."""
    boot = _execution(case).boot
    if boot is None or boot.status in {"ok", "not-run", "interrupted"}:
        return matched(False)
    return boot_line(boot, words(texts))


def boot_line(boot: BootResult, texts: tuple[str, ...]) -> Outcome:
    """Match when the output holds one of the texts; the app's own error is shown where it is the one."""
    if boot.cause is not None and any(text.lower() in boot.cause.text.lower() for text in texts):
        return boot_match(boot)
    for line in reversed(boot.tail.splitlines()):
        if any(text.lower() in line.lower() for text in texts):
            return Match((Evidence(path=boot.log or "start", text=line.strip()[:200]),), line.strip()[:200])
    return matched(False)


@predicate("boot_answered")
def boot_answered(case: Case, *, min_status: int) -> Outcome:
    """Match when the app answered its first request with at least this HTTP status."""
    boot = _execution(case).boot
    if boot is None or boot.http_status is None or boot.http_status < min_status:
        return matched(False)
    if boot.cause is None:
        return Match((Evidence(path=boot.log or "start"),), str(boot.http_status))
    return Match(boot_match(boot).evidence, f"{boot.http_status}: {boot.cause.text}")


@predicate("script_status")
def script_status(case: Case, *, not_ok: bool = True) -> Outcome:
    """Match when the second probe was asked and did not answer 200."""
    boot = _execution(case).boot
    if boot is None or boot.script_status is None or (boot.script_status != 200) is not not_ok:
        return matched(False)
    return boot_match(boot)


def _why(step: StepResult) -> str:
    return step.reason or step.id


def _shown(step: StepResult) -> Evidence:
    return Evidence(path=step.log or step.id, text=step.reason or last_line(step.tail)[:200])
