"""The steps of a Platform.sh build: global dependencies, the hooks, and the start command."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from predeploy.hosts.entry import entry_modules
from predeploy.hosts.platformsh_build import environment_file
from predeploy.hosts.platformsh_config import App, Part, Project
from predeploy.hosts.platformsh_hook import Hook
from predeploy.hosts.platformsh_services import lacking
from predeploy.hosts.platformsh_start import IN_ENVIRONMENT
from predeploy.hosts.platformsh_variables import build_variables, run_variables, shared_variables
from predeploy.installers.checks import conflict_check
from predeploy.lazy import pattern
from predeploy.model.decisions import Boot, BuildPlan, Environment, Step
from predeploy.rules.case import Case

if TYPE_CHECKING:
    from predeploy.model.execution import StepResult

HOOK_SECONDS = 3600
DEPLOY_SECONDS = 900
"""Ours: the host lets a deploy hook run without a limit."""
LACKING_SECONDS = 60
"""Ours, for a hook that may wait for a service that is not there."""
SHELL = ("dash", "-c")
WITH_ENVIRONMENT_FILE = ("dash", "-c", '. ./.environment; eval "$0"')
"""Sources the app's ``.environment`` first; the start command follows as ``$0``."""

OWN_ENVIRONMENT = pattern(r"\bconda\b|--target\b|--prefix\b|\s-t\s|PYTHONPATH|\bpyenv\b")
"""Signs in a hook that imports are found elsewhere than where the usual tools put them."""
IN_PROJECT = pattern(r"\.venv\b|VIRTUALENVS_IN_PROJECT|\buv (?:sync|run)\b")
"""Signs that the environment is the directory ``.venv`` of the app."""
CAPTURED = pattern(r"2>|\bexec\b|\bset -x|\bPS4\b")
"""Signs that a trace on the standard error output would change what a hook does."""

USER_BASE = "{app}/.global"
VIRTUALENVS = ("{app}/.venv", "{app}/.local/share/virtualenvs/*", "{app}/.cache/pypoetry/virtualenvs/*")
"""Where uv and Poetry, Pipenv, and Poetry without further ado make environments when ``HOME`` is /app."""

PYTHON_KEYS = ("python3", "python", "python2")


def plan(case: Case, app: App, project: Project, hook: Hook) -> BuildPlan:
    """Return the whole recipe of one application."""
    snapshot = case.snapshot
    start = app.text("web", "commands", "start")
    deciding = hook.deciding
    files = tuple(f for f in deciding[1] if f.endswith(".txt")) if deciding else ()
    build = build_variables(case, app, hook)
    run = run_variables(case, app, project, unix=_unix(app))
    install: tuple[Step | None, ...] = (
        _dependencies(app, build),
        _node(app, build),
        _build_hook(app, hook, build),
        _check(app, hook, start or ""),
        *_parsed(app),
    )
    later = (_run_hook(case, app, hook, name, run) for name in ("deploy", "post_deploy"))
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=_environment(case, app, hook, start or ""),
        env=shared_variables(case, app),
        steps=tuple(step for step in (*install, *later) if step is not None),
        boot=_boot(case, app, hook, start, run) if start else None,
        processes=_processes(app, start),
        requirement_files=tuple(posixpath.relpath(file, app.root or ".") for file in files),
        entry_modules=entry_modules(case, start or "", app.root)
        if _scannable(app, hook, start or "")
        else (),
        import_roots=(app.root,),
        root=app.root,
        keeps=app.name,
    )


def _unix(app: App) -> bool:
    return bool(app.part.get("web", "upstream", "socket_family").data == "unix")


def _environment(case: Case, app: App, hook: Hook, start: str) -> Environment:
    """Return the interpreter of the run: the image's, with what it brings, and the user's base before it."""
    made = _in_environment(app, hook, start)
    setuptools = case.snapshot.extra.get("setuptools", {}).get(case.python.minor or "")
    return Environment(
        python=case.python.resolved or "",
        seeds={"pip": _pip(case), **({"setuptools": setuptools} if setuptools else {})},
        base=True,
        path=(f"{USER_BASE}/bin",),
        sites=(*(VIRTUALENVS if made else ()), USER_BASE, "{venv}"),
    )


def _in_environment(app: App, hook: Hook, start: str) -> bool:
    """Return whether the app runs in an environment that a tool has made, as far as its words show."""
    texts = (start, environment_file(app, hook.tree), hook.variables.get("PATH", ""))
    return any(IN_ENVIRONMENT.search(text) for text in texts)


def _scannable(app: App, hook: Hook, start: str) -> bool:
    """Return whether the imports of the app must be found where this build looks for them."""
    texts = (hook.text, start, environment_file(app, hook.tree), " ".join(hook.variables))
    own = re.search(r"-m\s+venv\b|\bvirtualenv\b", hook.text)
    return own is None and not any(OWN_ENVIRONMENT.search(text) for text in texts)


def _pip(case: Case) -> str:
    old: dict[str, str] = case.snapshot.extra.get("pip", {})
    return old.get(case.python.minor or "", case.snapshot.tools["pip"])


def requirement(package: str, version: Any) -> str:
    """Return a global dependency as the vendor's own command-line tool gives it to pip."""
    if version in (None, "*", ""):
        return package
    text = str(version)
    return f"{package}{text}" if text[0] in "<>!=" else f"{package}=={text}"


NODE_STEP = "global-dependencies-nodejs"


def foreign_languages(case: Case, app: App | None) -> tuple[str, ...]:
    """Return the languages of global dependencies that are not installed here."""
    entries = app.part.get("dependencies").entries() if app else ()
    npm = case.execution.step(NODE_STEP) if case.execution else None
    known = (*PYTHON_KEYS, "nodejs") if npm is not None and npm.status == "ok" else PYTHON_KEYS
    return tuple(language for language, part in entries if language not in known and part.data)


def _node(app: App, variables: dict[str, str]) -> Step | None:
    packages = app.part.get("dependencies", "nodejs")
    wanted = [
        name if version.data in (None, "*", "") else f"{name}@{version.data}"
        for name, version in packages.entries()
    ]
    if not wanted:
        return None
    return Step(
        id=NODE_STEP,
        phase="install",
        reason=f"{packages.file} declares dependencies of Node.js, which npm installs before the build hook",
        argv=("npm", "install", "--global", "--prefix", USER_BASE, *wanted),
        env=variables,
        timeout_seconds=HOOK_SECONDS,
        otherwise="ignore",
        only_if_program="npm",
    )


def _dependencies(app: App, variables: dict[str, str]) -> Step | None:
    wanted = [
        requirement(name, version.data)
        for language, packages in app.part.get("dependencies").entries()
        if language in PYTHON_KEYS
        for name, version in packages.entries()
    ]
    if not wanted:
        return None
    return Step(
        id="global-dependencies",
        phase="install",
        reason=f"{app.part.file} declares dependencies, which are installed before the build hook",
        argv=("{bin}/python", "-m", "pip", "install", *wanted),
        env=variables,
        timeout_seconds=HOOK_SECONDS,
    )


def _build_hook(app: App, hook: Hook, variables: dict[str, str]) -> Step | None:
    if not hook.script.strip():
        return None
    return Step(
        id="build-hook",
        phase="install",
        reason=f"hooks.build of {app.part.file}; dash runs it as one script",
        shell=hook.script,
        shell_argv=SHELL,
        env=variables,
        timeout_seconds=HOOK_SECONDS,
        traced=bool(hook.unnoticed) and not CAPTURED.search(hook.script),
    )


def _check(app: App, hook: Hook, start: str) -> Step:
    """Return the check that distributions agree, asked of the environment that the app runs in."""
    words = (start, hook.text, environment_file(app, hook.tree), *hook.variables)
    in_project = any(IN_PROJECT.search(text) for text in words)
    if in_project and _in_environment(app, hook, start):
        return conflict_check(python="{app}/.venv/bin/python")
    return conflict_check(argv=("{bin}/python", "-m", "pip", "check"))


def commands_to_parse(app: App) -> Iterator[tuple[str, Part, str]]:
    """Yield the commands that are parsed and never run: an id, where it stands, the command."""
    for kind, key in (("worker", "workers"), ("cron", "crons")):
        for number, (_, entry) in enumerate(app.part.get(key).entries(), start=1):
            for part in (entry.get("commands", "start"), entry.get("cmd")):
                if isinstance(part.data, str) and part.data.strip():
                    yield f"parse-{kind}-{number}", part, part.data
                    break


def _parsed(app: App) -> Iterator[Step]:
    for step_id, part, text in commands_to_parse(app):
        yield Step(
            id=step_id,
            phase="verify",
            reason=f"{part.name} of {part.file} is parsed, and not run",
            shell=text,
            shell_argv=("dash", "-n", "-c"),
            timeout_seconds=10,
            otherwise="ignore",
        )


def _run_hook(case: Case, app: App, hook: Hook, name: str, variables: dict[str, str]) -> Step | None:
    """Return a hook of the deployment; its failure stops nothing on this host."""
    script = app.text("hooks", name)
    if script is None:
        return None
    sourced = bool(environment_file(app, hook.tree).strip())
    return Step(
        id=f"{name.replace('_', '-')}-hook",
        phase="boot",
        reason=f"hooks.{name} of {app.part.file}" + (", after .environment" if sourced else ""),
        shell=script,
        shell_argv=WITH_ENVIRONMENT_FILE if sourced else SHELL,
        env=variables,
        timeout_seconds=LACKING_SECONDS if lacking(case, app) else DEPLOY_SECONDS,
        otherwise="ignore",
        writable=case.snapshot.launch.writable,
        mounts=_mounts(app),
        services=bool(case.services),
        after_start=name == "post_deploy",
    )


def _processes(app: App, start: str | None) -> dict[str, str]:
    found = {"web": start.strip()} if start else {}
    for name, worker in app.part.get("workers").entries():
        command = worker.get("commands", "start").data
        if isinstance(command, str):
            found[name] = command.strip()
    return found


def _boot(case: Case, app: App, hook: Hook, start: str, variables: dict[str, str]) -> Boot:
    launch = case.snapshot.launch
    sourced = bool(environment_file(app, hook.tree).strip())
    step = Step(
        id="web",
        phase="boot",
        reason=f"web.commands.start of {app.part.file}" + (", after .environment" if sourced else ""),
        shell=start.strip(),
        shell_argv=WITH_ENVIRONMENT_FILE if sourced else SHELL,
        env=variables,
        timeout_seconds=launch.timeout_seconds,
        mounts=_mounts(app),
        services=bool(case.services),
    )
    return Boot(
        step=step,
        timeout_seconds=launch.timeout_seconds,
        preferred_port=launch.port,
        unix_socket=_unix(app),
        probe=launch.probe,
    )


def _mounts(app: App) -> tuple[str, ...]:
    """Return the directories of the app that the host replaces by empty ones before the start."""
    web = app.part.get("web", "mounts")
    mounts = web if web.data is not None else app.part.get("mounts")
    names = (str(name).strip("/") for name, _ in mounts.entries())
    sound = (name for name in names if name and ".." not in name.split("/") and "\0" not in name)
    return tuple(f"{{app}}/{name}" for name in dict.fromkeys(sound))


def artefact(case: Case, step: StepResult, app: App | None) -> str | None:
    """Return why a failed hook says nothing about the host, ``None`` when it does."""
    if "Could not find an activated virtualenv" in step.tail:
        return "the hook runs another interpreter than the image's; it was kept from installing into it"
    if "error: No interpreter found for Python" in step.tail:
        return "uv wants the Python of .python-version, which is not on this machine; the host fetches it"
    if _index_without_json(case, step):
        return "the index in use lacks the JSON pages that Poetry reads, and PyPI has them"
    if re.search(r"curl: \((?:6|7|28|35)\)|wget: unable to resolve", step.tail):
        return "the hook downloads something that cannot be reached from here (network-unavailable)"
    languages = foreign_languages(case, app)
    if languages:
        return (
            f"the hook failed, and the global dependencies of {', '.join(languages)} were not installed here"
        )
    local = case.execution.local_python if case.execution else None
    minor = re.escape(case.python.minor or "")
    if local is not None and local.match == "none" and re.search(rf"python{minor}: not found", step.tail):
        return f"the hook calls python{case.python.minor}, which is not on this machine"
    return None


def _index_without_json(case: Case, step: StepResult) -> bool:
    if case.selection.installer != "poetry":
        return False
    own_index = bool(case.execution and case.execution.index_settings)
    no_candidates = "Unable to find installation candidates" in step.tail
    return "Expecting value: line 1 column 1" in step.tail or (own_index and no_candidates)
