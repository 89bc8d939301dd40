"""Platform.sh: which application is judged, what its configuration says, and what rules ask about it.

The host's validator is closed. What it refuses is modelled from the vendor's documentation, the schemas of
its command-line tools, its image registry, and logs of real deployments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from predeploy.hosts import platformsh_recipe
from predeploy.hosts.platformsh_build import Circumstances, check_build, check_folder, check_start
from predeploy.hosts.platformsh_checks import Facts, check_folders
from predeploy.hosts.platformsh_config import (
    APP_FILE,
    APPLICATIONS,
    DIRECTORY,
    UPSUN,
    App,
    ConfigProblem,
    Project,
    app_files,
    read_project,
)
from predeploy.hosts.platformsh_hook import Hook
from predeploy.hosts.platformsh_links import validate
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.decisions import BuildPlan, PythonRequest, Selection
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.evaluate import MAX_EVIDENCE
from predeploy.rules.outcomes import last_line
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import grammar, predicate, recipe, selector

if TYPE_CHECKING:
    from predeploy.model.execution import StepResult

NEAR_MISSES = (".platform.app.yml", "platform.app.yaml", ".platform/app.yaml", ".platform/applications.yml")


def project(case: Case) -> Project:
    """Return what the configuration files say, read once."""
    return case.once("platformsh.project", lambda: read_project(case.tree, hidden=_ignored_by_git(case)))


def _ignored_by_git(case: Case) -> frozenset[str]:
    """Return the configuration files that a commit of this directory would leave out.

    Where there is a repository, git was asked and such files are not in the tree any more.
    """
    if case.everything.exists(".git") or not case.tree.is_file(".gitignore"):
        return frozenset()
    from predeploy.app.ignore import IgnorePolicy

    lines = case.tree.read(".gitignore").decode("utf-8", "replace").splitlines()
    policy = IgnorePolicy(lines)
    return frozenset(path for path in _fixed_files(case) if not _kept(policy, path))


def _kept(policy: object, path: str) -> bool:
    from predeploy.app.ignore import IgnorePolicy

    assert isinstance(policy, IgnorePolicy)  # noqa: S101 - narrows for the type checker
    parts = path.split("/")
    parents = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
    return policy.keeps(path, directory=False) and all(policy.keeps(p, directory=True) for p in parents)


def chosen_app(case: Case) -> App | None:
    """Return the application that is judged: the one the setting names, else the first that runs Python."""
    apps = project(case).apps
    name = case.setting("app")
    if name is not None:
        return next((app for app in apps if app.name == name), None)
    return next((app for app in apps if app.runtime == "python"), apps[0] if apps else None)


def hook_of(case: Case) -> Hook | None:
    """Return the build hook of the chosen application; ``None`` where there is none that we could judge."""
    app = chosen_app(case)
    if app is None or app.runtime != "python":
        return None
    return case.once("platformsh.hook", lambda: Hook(app, case.tree))


def problems(case: Case) -> tuple[ConfigProblem, ...]:
    """Return everything the configuration of the project gives reason to say."""
    return case.once("platformsh.problems", lambda: tuple(dict.fromkeys(_problems(case))))


def _problems(case: Case) -> Iterator[ConfigProblem]:
    missing = _missing(case)
    if missing is not None:
        yield missing
        return
    facts, app = facts_of(case), chosen_app(case)
    yield from validate(project(case), facts, case.tree)
    for other in project(case).apps:
        if app is not None and other is not app:
            yield other.part.says("other-applications", f"{other.name or 'one without a name'}")
    hook = hook_of(case)
    if app is None or hook is None:
        return
    yield from check_folders(app, case.tree)
    yield from check_folder(app, case.tree)
    yield from check_build(hook, _circumstances(case, app))
    yield from check_start(hook)


def _missing(case: Case) -> ConfigProblem | None:
    """Return the problem that leaves nothing else to judge."""
    tree = case.tree
    found = project(case)
    if tree.is_dir(UPSUN):
        both = _fixed_files(case) or [DIRECTORY] * tree.is_dir(DIRECTORY)
        if both:
            return ConfigProblem("mixed-config-formats", UPSUN, None, f"{UPSUN} beside {both[0]}")
    if found.apps or found.problems or found.unreadable:
        return None
    fixed = _fixed_files(case)
    hidden = [path for path in fixed if path in _ignored_by_git(case)]
    hidden += [p for p in (APP_FILE, APPLICATIONS) if case.everything.is_file(p) and not tree.is_file(p)]
    if hidden:
        return ConfigProblem("config-not-committed", hidden[0], None, "")
    if tree.is_dir(UPSUN):
        return ConfigProblem("config-missing", UPSUN, None, "only Upsun reads it")
    near = next((name for name in NEAR_MISSES if tree.is_file(name)), None)
    empty = APPLICATIONS if tree.is_file(APPLICATIONS) else None
    detail = "this name is not read" if near else "it is empty" if empty else "it is not there"
    return ConfigProblem("config-missing", near or empty or APP_FILE, None, detail)


def _fixed_files(case: Case) -> list[str]:
    return [path for path in (*app_files(case.tree), APPLICATIONS) if case.tree.is_file(path)]


def _by_id(case: Case) -> dict[str, list[ConfigProblem]]:
    def grouped() -> dict[str, list[ConfigProblem]]:
        groups: dict[str, list[ConfigProblem]] = {}
        for problem in problems(case):
            groups.setdefault(problem.id, []).append(problem)
        return groups

    return case.once("platformsh.by_id", grouped)


def facts_of(case: Case) -> Facts:
    """Return the registry of the day."""
    snapshot = case.snapshot
    status = {word: snapshot.lists.get(f"services-{word}", ()) for word in _SERVICE_WORDS}
    storage = case.setting("storage")
    return Facts(
        runtimes=snapshot.lists.get("runtimes", ()),
        pythons=frozenset(snapshot.releases),
        channels=snapshot.lists.get("composable-channels", ()),
        mount_sources=snapshot.lists.get("mount-sources", ()),
        storage=int(storage) if storage else None,
        services=snapshot.extra.get("services", {}),
        service_status=status,
    )


_SERVICE_WORDS = ("decommissioned", "retired", "deprecated")


def _circumstances(case: Case, app: App) -> Circumstances:
    minor = app.version if re.fullmatch(r"\d+\.\d+", app.version) else ""
    python = tuple(int(part) for part in minor.split(".")) if minor else ()
    poetry = str(case.snapshot.values.get("newest_poetry", "2"))
    return Circumstances(python=python, poetry_major=int(poetry.split(".")[0]))


@selector("platformsh.hook")
def select(case: Case) -> Selection:
    """Take the manifest that the first installing command of the build hook names."""
    app, hook = chosen_app(case), hook_of(case)
    if app is None or hook is None:
        return Selection(problem="none", reason="no Python application in the configuration")
    if not hook.script.strip():
        return Selection(
            ignored=hook.present, problem="none", reason="no build hook, so nothing is installed"
        )
    deciding = hook.deciding
    if deciding is None:
        used = next((use.tool for use in hook.uses if use.installs), None)
        reason = "no command of the build hook installs from a file of the app"
        installer = used if used in case.snapshot.installers else "hook"
        return Selection(installer=installer, ignored=hook.present, problem="none", reason=reason)
    use, files = deciding
    named = {path for other in hook.uses for path in hook.installs_from(other)}
    return Selection(
        manifest=files[0],
        installer=use.tool if use.tool in case.snapshot.installers else "hook",
        candidates=tuple(path for path in hook.present if path in named),
        ignored=tuple(path for path in hook.present if path not in named),
        reason=f"line {hook.line_of(use.call)} of {app.part.file} installs with {use.tool}",
    )


@grammar("platformsh.type")
def type_(case: Case, origin: str) -> PythonRequest | None:  # noqa: ARG001 - the file is the origin here
    """Read the version of ``type: python:3.13``; this host looks nowhere else."""
    app = chosen_app(case)
    if app is None or app.runtime != "python":
        return None
    part = app.part.get("type")
    evidence = (Evidence(path=part.file, line=part.line, text=f"type: {part.data}"),)
    if not re.fullmatch(r"\d+\.\d+", app.version):
        shown = str(part.data)[:100]
        return PythonRequest(origin=part.file, problem="invalid-type", detail=shown, evidence=evidence)
    return PythonRequest(origin=part.file, version=app.version, evidence=evidence)


@recipe("platformsh")
def build_plan(case: Case) -> BuildPlan:
    """Return the build hook and the start command with the variables the host gives them."""
    app, hook = chosen_app(case), hook_of(case)
    if app is None or hook is None:
        raise AssertionError("rules decide before a plan is made where there is no Python application")
    return platformsh_recipe.plan(case, app, project(case), hook)


# --- what rules ask -----------------------------------------------------------------------------------


@predicate("platformsh.config_problem")
def config_problem(case: Case, *, kind: str) -> Outcome:
    """Match when validation of the configuration, or of the app it describes, says this."""
    found = _by_id(case).get(kind)
    if not found:
        return matched(False)
    places = tuple(
        Evidence(path=p.path, line=p.line, text=p.detail[:120] or None) for p in found[:MAX_EVIDENCE]
    )
    shown = [f"{at}: {p.text}" if p.detail else str(at) for at, p in zip(places[:3], found, strict=False)]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return Match(places, "; ".join(shown) + more)


@predicate("platformsh.unreadable")
def unreadable(case: Case) -> Outcome:
    """Unknown when a configuration file is there and cannot be read on this machine."""
    return next((Unknown(f"{path}: {reason}") for path, reason in project(case).unreadable), matched(False))


@predicate("platformsh.unknown_app")
def unknown_app(case: Case) -> Outcome:
    """Unknown when the setting ``app`` names no application of the project."""
    name = case.setting("app")
    if name is None or chosen_app(case) is not None or not project(case).apps:
        return matched(False)
    names = ", ".join(app.name for app in project(case).apps)
    return Unknown(f"platformsh.app={name} names no application; there are {names}")


@predicate("platformsh.other_runtime")
def other_runtime(case: Case, *, composable: bool) -> Outcome:
    """Match when the chosen application runs something else than a Python image, or a composable one."""
    app = chosen_app(case)
    known = app is not None and app.runtime in case.snapshot.lists.get("runtimes", ())
    if app is None or not known or app.runtime == "python" or (app.runtime == "composable") != composable:
        return matched(False)
    part = app.part.get("type")
    return Match((Evidence(path=part.file, line=part.line, text=f"type: {part.data}"),), str(part.data))


@predicate("platformsh.other_languages")
def other_languages(case: Case) -> Outcome:
    """Unknown when the app has global dependencies of a language that is not installed here."""
    languages = platformsh_recipe.foreign_languages(chosen_app(case))
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


@predicate("platformsh.has_relationships")
def has_relationships(case: Case) -> Outcome:
    """Match when the app expects services, which are not there in a build on this machine."""
    app = chosen_app(case)
    names = [name for name, _ in app.part.get("relationships").entries()] if app else []
    return matched(bool(names), detail=", ".join(names))
