"""What rules of Platform.sh and Upsun ask when a build has run: the hooks, and the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predeploy.hosts import platformsh_recipe
from predeploy.hosts.platformsh_build import shown
from predeploy.hosts.platformsh_case import chosen_app, hook_of
from predeploy.hosts.platformsh_services import lacking
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.outcomes import last_line
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    from predeploy.model.execution import StepResult


@predicate("platformsh.other_languages")
def other_languages(case: Case) -> Outcome:
    """Unknown when the app has global dependencies of a language that is not installed here."""
    languages = platformsh_recipe.foreign_languages(case, chosen_app(case))
    if not languages:
        return matched(False)
    return Unknown(f"the global dependencies of {', '.join(languages)} were not installed here")


@predicate("platformsh.hook_undecided")
def hook_undecided(case: Case) -> Outcome:
    """Unknown when the hook failed for a reason that may lie in this machine and not in the host."""
    step = _failed_hook(case)
    reason = _artefact(case, step) if step else None
    return Unknown(reason) if reason else matched(False)


@predicate("platformsh.step_failed")
def step_failed(case: Case) -> Outcome:
    """Match when a step failed that is no build hook, or a hook for a reason that counts on the host."""
    execution = case.execution
    failed = [s for s in execution.steps if s.status in {"failed", "timeout"}] if execution else []
    counted = [
        s
        for s in failed
        if not (s.lacking or s.no_upload_times) and not (s.id == "build-hook" and _artefact(case, s))
    ]
    places = (Evidence(path=s.log or s.id, text=s.reason or last_line(s.tail)[:200]) for s in counted)
    return matched(bool(counted), *places, detail=counted[0].reason or counted[0].id if counted else None)


def _artefact(case: Case, step: StepResult) -> str | None:
    return platformsh_recipe.artefact(case, step, chosen_app(case))


@predicate("platformsh.hook_failed")
def hook_failed(
    case: Case, *, codes: tuple[int, ...] = (), texts: Words = (), mentions: Words = ()
) -> Outcome:
    """Match when the build hook failed, with one of these statuses, outputs, or texts in the hook itself."""
    step = _failed_hook(case)
    if step is None or step.lacking or step.no_upload_times or _artefact(case, step):
        return matched(False)
    if codes and step.returncode not in codes:
        return matched(False)
    hook = hook_of(case)
    if mentions and not any(text in (hook.text if hook else "") for text in words(mentions)):
        return matched(False)
    line = step.reason or last_line(step.tail)
    if texts:
        wanted = [text.lower() for text in words(texts)]
        lines = [x.strip() for x in step.tail.splitlines() if any(text in x.lower() for text in wanted)]
        if not lines:
            return matched(False)
        line = lines[-1]
    return Match((Evidence(path=step.log or step.id, text=line[:400]),), line[:400])


def _failed_hook(case: Case) -> StepResult | None:
    step = case.execution.step("build-hook") if case.execution else None
    return step if step is not None and step.status == "failed" else None


@predicate("platformsh.boot_exited")
def boot_exited(case: Case, *, codes: tuple[int, ...]) -> Outcome:
    """Match when the start command ended with one of these statuses."""
    boot = case.execution.boot if case.execution else None
    if boot is None or boot.returncode not in codes:
        return matched(False)
    line = last_line(boot.tail)[:200]
    return Match((Evidence(path=boot.log or "start", text=line),), line)


@predicate("platformsh.lacks_services")
def lacks_services(case: Case) -> Outcome:
    """Match when the app has relationships for which no running service is given."""
    app = chosen_app(case)
    names = lacking(case, app) if app is not None else ()
    return matched(bool(names), detail=" ".join(f"--service {name}=URL" for name in names))


@predicate("platformsh.run_hook_failed")
def run_hook_failed(case: Case) -> Outcome:
    """Match when a hook of the deployment failed; unknown when it lacked the network that the host has."""
    execution, app = case.execution, chosen_app(case)
    steps = [step for step in execution.steps if step.id in RUN_HOOKS] if execution else []
    failed = [step for step in steps if step.status not in ("ok", "skipped")]
    if not failed or app is None or execution is None:
        return matched(False)
    apart = execution.sandbox is not None and execution.sandbox.own_network_at_start
    if apart and NO_NETWORK.search(failed[0].output) and not lacking(case, app):
        return Unknown(f"the {RUN_HOOKS[failed[0].id]} hook wants the network, which it had not here")
    places = []
    for step in failed:
        key = app.part.get("hooks", RUN_HOOKS[step.id])
        said = step.reason or last_line(step.tail) or f"it ended with {step.returncode}"
        places.append(Evidence(path=key.file, line=key.line, text=f"{RUN_HOOKS[step.id]}: {said}"[:300]))
    return Match(tuple(places), "; ".join(place.text or "" for place in places))


NO_NETWORK = pattern(
    r"Temporary failure in name resolution|Name or service not known|Could not resolve host|"
    r"Network is unreachable|Connection refused"
)
RUN_HOOKS = {"deploy-hook": "deploy", "post-deploy-hook": "post_deploy"}
"""Steps of the deployment, with their keys below ``hooks``."""


@predicate("platformsh.unnoticed_failure")
def unnoticed_failure(case: Case) -> Outcome:
    """Match when a command of the build hook failed, and the hook went on to its end."""
    hook = hook_of(case)
    step = case.execution.step("build-hook") if case.execution else None
    if hook is None or step is None or step.status != "ok":
        return matched(False)
    waiting = list(hook.unnoticed)
    places = []
    for failed in step.unnoticed:
        words = failed.split()
        call = next((call for call in waiting if _is(call.words, words)), None)
        if call is None:  # in a condition, a loop or a pipe, where a failure may be meant
            continue
        waiting.remove(call)
        key = hook.app.part
        places.append(Evidence(path=key.file, line=hook.line_of(call), text=shown(failed)))
    detail = "; ".join(f"{place.path}:{place.line}: {place.text}" for place in places[:3])
    return matched(bool(places), *places, detail=detail)


def _is(call: tuple[str, ...], ran: list[str]) -> bool:
    """Return whether a command of the trace is this one of the hook, whose variables were filled in."""
    if not ran or len(call) > len(ran):
        return False
    pairs = zip(call, ran, strict=False)
    return all(word.strip("'") == other.strip("'") or "$" in word or "*" in word for word, other in pairs)


@predicate("platformsh.syntax_error")
def syntax_error(case: Case) -> Outcome:
    """Match when the shell cannot parse a command of a worker or a cron, none of which is run."""
    app, execution = chosen_app(case), case.execution
    if app is None or execution is None:
        return matched(False)
    keys = {step_id: part for step_id, part, _ in platformsh_recipe.commands_to_parse(app)}
    failed = [step for step in execution.steps if step.id in keys and step.status not in ("ok", "skipped")]
    places = []
    for step in failed:
        part = keys[step.id]
        text = f"{part.name}: {last_line(step.tail)}"[:200]
        places.append(Evidence(path=part.file, line=part.line, text=text))
    return matched(bool(places), *places, detail="; ".join(place.text or "" for place in places))
