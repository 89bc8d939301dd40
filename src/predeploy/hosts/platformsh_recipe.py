"""The steps of a Platform.sh build: global dependencies, build hook, start command, and their variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from predeploy.app.text import decode
from predeploy.app.tree import Unreadable
from predeploy.digest import sha256_hex
from predeploy.hosts.entry import entry_modules
from predeploy.hosts.platformsh_build import environment_file
from predeploy.hosts.platformsh_config import App, variables_of
from predeploy.hosts.platformsh_hook import Hook
from predeploy.installers import INSTALLERS
from predeploy.installers.checks import conflict_check
from predeploy.lazy import pattern
from predeploy.model.decisions import Boot, BuildPlan, Environment, Step
from predeploy.rules.case import Case

if TYPE_CHECKING:
    from predeploy.model.execution import StepResult

HOOK_SECONDS = 3600
SHELL = ("dash", "-c")
WITH_ENVIRONMENT_FILE = ("dash", "-c", '. ./.environment; eval "$0"')
"""Sources the app's ``.environment`` first; the start command follows as ``$0``."""

OWN_ENVIRONMENT = pattern(r"-m\s+venv\b|\bvirtualenv\b|--target\b|--prefix\b|\s-t\s|PYTHONPATH|\bpyenv\b")
"""Signs in a hook that imports are found elsewhere than in the run's virtualenv and the app's directory."""

PYTHON_KEYS = ("python3", "python", "python2")
PROJECT = "predeploy00000"
BRANCH = "main"


def plan(case: Case, app: App, hook: Hook) -> BuildPlan:
    """Return the whole recipe of one application."""
    snapshot = case.snapshot
    start = app.text("web", "commands", "start")
    deciding = hook.deciding
    files = tuple(f for f in deciding[1] if f.endswith(".txt")) if deciding else ()
    steps = (_dependencies(app), _link(app, hook), _build_hook(app, hook), conflict_check())
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds={"pip": _pip(case)}),
        env=_build_variables(case, app, hook),
        steps=tuple(step for step in steps if step is not None),
        boot=_boot(case, app, hook, start) if start else None,
        processes=_processes(app, start),
        requirement_files=files,
        entry_modules=entry_modules(case, start or "", app.root)
        if _scannable(app, hook, start or "")
        else (),
        import_roots=(app.root,),
    )


def _scannable(app: App, hook: Hook, start: str) -> bool:
    """Return whether the imports of the app must be found in the run's virtualenv or in its own directory."""
    texts = (hook.text, start, environment_file(app, hook.tree), " ".join(hook.variables))
    elsewhere = any(use.tool in ("uv", "conda") for use in hook.uses)
    return not elsewhere and not any(OWN_ENVIRONMENT.search(text) for text in texts)


def _pip(case: Case) -> str:
    old: dict[str, str] = case.snapshot.extra.get("pip", {})
    return old.get(case.python.minor or "", case.snapshot.tools["pip"])


def _directory(app: App) -> str:
    return f"{{app}}/{app.root}" if app.root else "{app}"


def _encoded(value: Any) -> str:
    import base64
    import json

    return base64.b64encode(json.dumps(value, default=str, sort_keys=True).encode()).decode()


def _described(app: App) -> dict[str, Any]:
    """Return the app's configuration without what may hold passwords: base64 hides them from redaction."""
    return {key: value for key, value in app.part.data.items() if key not in ("variables", "hooks", "crons")}


def _build_variables(case: Case, app: App, hook: Hook) -> dict[str, str]:
    """Return the variables of the build; the platform's own win over the app's."""
    own, others = variables_of(app)
    directory = _directory(app)
    tree = sha256_hex(_encoded(app.part.data).encode())[:40]
    host = {
        "HOME": directory,
        "PLATFORM_APP_DIR": directory,
        "PLATFORM_OUTPUT_DIR": directory,
        "PLATFORM_CACHE_DIR": "{temp}",
        "PLATFORM_APPLICATION": _encoded(_described(app)),
        "PLATFORM_APPLICATION_NAME": app.name,
        "PLATFORM_PROJECT": PROJECT,
        "PLATFORM_PROJECT_ENTROPY": sha256_hex(PROJECT.encode())[:52],
        "PLATFORM_TREE_ID": tree,
        "PLATFORM_VARIABLES": _encoded(others),
    }
    host |= {
        name: str(case.snapshot.values[name])
        for name in ("CI", "PLATFORM_VENDOR")
        if name in case.snapshot.values
    }
    # Not the host's: they keep a hook inside of the run's own virtualenv, whatever it does.
    ours = dict(INSTALLERS["hook"].environment)
    # uv reads no .python-version here, since it is kept from this machine's configuration files.
    asked = _version_file(app, hook)
    same = asked is None or ".".join(asked.split(".")[:2]) == case.python.minor
    ours["UV_PYTHON"] = "{bin}/python" if same else asked or ""
    return {**case.snapshot.build_env, **own, **case.env, **host, **ours}


def _version_file(app: App, hook: Hook) -> str | None:
    """Return the version that uv takes from the app's ``.python-version``, ``None`` when it names none."""
    path = f"{app.root}/.python-version".lstrip("/")
    try:
        text = decode(hook.tree.read(path)).text if hook.tree.is_file(path) else ""
    except Unreadable:
        return None
    first = next((line.strip() for line in text.splitlines() if not line.startswith("#")), "")
    return first if re.fullmatch(r"\d+\.\d+(\.\d+)?", first) else None


def requirement(package: str, version: Any) -> str:
    """Return a global dependency as the vendor's own command-line tool gives it to pip."""
    if version in (None, "*", ""):
        return package
    text = str(version)
    return f"{package}{text}" if text[0] in "<>!=" else f"{package}=={text}"


def foreign_languages(app: App | None) -> tuple[str, ...]:
    """Return the languages of global dependencies that are not installed here."""
    entries = app.part.get("dependencies").entries() if app else ()
    return tuple(language for language, part in entries if language not in PYTHON_KEYS and part.data)


def _dependencies(app: App) -> Step | None:
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
        cwd=_directory(app),
        timeout_seconds=HOOK_SECONDS,
    )


def _link(app: App, hook: Hook) -> Step | None:
    """Return the step that puts the run's virtualenv where Poetry or Pipenv would make theirs."""
    start = app.text("web", "commands", "start") or ""
    uses = hook.deciding is not None and hook.deciding[0].tool in ("poetry", "pipenv")
    texts = (start, hook.text, environment_file(app, hook.tree))
    if not uses or not any(".venv" in text for text in texts):
        return None
    return Step(
        id="in-project-environment",
        phase="install",
        reason="the app expects .venv in its own directory; here that is the run's virtualenv",
        argv=("ln", "-sfn", "{venv}", f"{_directory(app)}/.venv"),
        timeout_seconds=10,
    )


def _build_hook(app: App, hook: Hook) -> Step | None:
    if not hook.script.strip():
        return None
    return Step(
        id="build-hook",
        phase="install",
        reason=f"hooks.build of {app.part.file}; dash runs it as one script",
        shell=hook.script,
        shell_argv=SHELL,
        cwd=_directory(app),
        timeout_seconds=HOOK_SECONDS,
    )


def _processes(app: App, start: str | None) -> dict[str, str]:
    found = {"web": start.strip()} if start else {}
    for name, worker in app.part.get("workers").entries():
        command = worker.get("commands", "start").data
        if isinstance(command, str):
            found[name] = command.strip()
    return found


def _boot(case: Case, app: App, hook: Hook, start: str) -> Boot:
    launch = case.snapshot.launch
    unix = app.part.get("web", "upstream", "socket_family").data == "unix"
    sourced = bool(environment_file(app, hook.tree).strip())
    step = Step(
        id="web",
        phase="boot",
        reason=f"web.commands.start of {app.part.file}" + (", after .environment" if sourced else ""),
        shell=start.strip(),
        shell_argv=WITH_ENVIRONMENT_FILE if sourced else SHELL,
        env=_run_variables(case, app, start, unix=unix),
        cwd=_directory(app),
        timeout_seconds=launch.timeout_seconds,
        mounts=_mounts(app),
    )
    return Boot(
        step=step,
        timeout_seconds=launch.timeout_seconds,
        preferred_port=launch.port,
        unix_socket=unix,
        probe=launch.probe,
    )


def _mounts(app: App) -> tuple[str, ...]:
    """Return the directories of the app that the host replaces by empty ones before the start."""
    names = (str(name).strip("/") for name, _ in app.part.get("mounts").entries())
    sound = (name for name in names if name and ".." not in name.split("/") and "\0" not in name)
    return tuple(f"{_directory(app)}/{name}" for name in dict.fromkeys(sound))


def _run_variables(case: Case, app: App, start: str, *, unix: bool) -> dict[str, str]:
    locations = app.part.get("web", "locations", "/", "root").data
    document_root = (
        f"{_directory(app)}/{locations.strip('/')}" if isinstance(locations, str) else _directory(app)
    )
    route = {"type": "upstream", "upstream": app.name, "original_url": "https://{default}/", "primary": True}
    return {
        **case.snapshot.launch.env,
        "PLATFORM_BRANCH": BRANCH,
        "PLATFORM_ENVIRONMENT": f"{BRANCH}-predeploy",
        "PLATFORM_ENVIRONMENT_TYPE": "production",
        "PLATFORM_RELATIONSHIPS": _encoded({}),
        "PLATFORM_ROUTES": _encoded({"https://predeploy.invalid/": route}),
        "PLATFORM_DOCUMENT_ROOT": document_root,
        "PLATFORM_SMTP_HOST": "",
        "PLATFORM_APP_COMMAND": start.strip(),
        **({"SOCKET": "{socket}"} if unix else {"PORT": "{port}"}),
    }


def artefact(case: Case, step: StepResult, app: App | None) -> str | None:
    """Return why a failed hook says nothing about the host, ``None`` when it does."""
    if "Can not perform a '--user' install" in step.tail:
        return (
            "the hook asks pip for a user install, which a virtualenv refuses and the host's image does not"
        )
    if "Could not find an activated virtualenv" in step.tail:
        return "the hook runs another interpreter than the image's; it was kept from installing into it"
    if "error: No interpreter found for Python" in step.tail:
        return "uv wants the Python of .python-version, which is not on this machine; the host fetches it"
    if _index_without_json(case, step):
        return "the index in use lacks the JSON pages that Poetry reads, and PyPI has them"
    languages = foreign_languages(app)
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
