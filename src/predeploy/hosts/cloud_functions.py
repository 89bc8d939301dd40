"""Google Cloud Functions: the build steps of the functions buildpacks, and how a start that fails is read.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22); functions-framework-python 3.10.2.
What is chosen lies in the modules ``cloud_functions_manifest``, ``_python`` and ``_source`` beside this one.
"""

from __future__ import annotations

import re

from predeploy.hosts.cloud_functions_manifest import framework_injected, mode, tool_of, tool_version
from predeploy.hosts.cloud_functions_python import runtime_id
from predeploy.hosts.cloud_functions_source import source_path, target
from predeploy.installers import install_step, kind_of
from predeploy.installers.checks import conflict_check
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, matched
from predeploy.model.decisions import Boot, BuildPlan, Environment, Step
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.outcomes import last_line
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate, recipe

INSTALLER_VARIABLE = pattern(r"(?:PIP|UV|POETRY)_[A-Z0-9_]+")
"""Build variables that the installers read, since they inherit the environment."""

BUILD_VARIABLE = pattern(
    r"X_GOOGLE_\w+|GOOGLE_(?:FUNCTION_|RUNTIME|PYTHON_|VENDOR_PIP|SKIP_FRAMEWORK|CLEAR_SOURCE|ENTRYPOINT|LABEL_)\w*"
)
"""The builder's own variables, which the running function does not see."""

CHECKED_MODES = ("pip", "uv", "uv-project")
"""The ways to install after which the builder looks for conflicts."""


@recipe("cloud_functions")
def cloud_functions(case: Case) -> BuildPlan:
    """Return the builder's steps: compile the sources, install in the builder's way, check, start."""
    snapshot, tool = case.snapshot, tool_of(case)
    steps = (_compile_sources(), *_install(case), _conflicts(case))
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds=_seeds(case)),
        env=dict(snapshot.build_env),
        tools={tool: tool_version(case, tool).version} if tool else {},
        steps=steps,
        boot=_boot(case),
        processes={"web": "functions-framework"},
        entry_modules=(source_path(case),) if case.tree.is_file(source_path(case)) else (),
        import_roots=(source_path(case).rpartition("/")[0],),
        requirement_files=_requirement_files(case),
        requirements=framework_list(case) if case.selection.manifest is None else (),
    )


def _seeds(case: Case) -> dict[str, str]:
    """Return the pip to start with: the one of the day, or the last one that runs on an old Python."""
    if mode(case) not in {"pip", "pip-project"}:
        return {}
    older: dict[str, str] = case.snapshot.extra.get("pip", {})
    return {"pip": older.get(case.python.minor or "", case.snapshot.tools["pip"])}


def _requirement_files(case: Case) -> tuple[str, ...]:
    # The builder's own list is installed before and apart, so that the app's pins may contradict it.
    known = {"pip": "requirements.txt", "uv": "requirements.txt"}
    known |= {"uv-project": "pyproject.toml", "pip-project": "pyproject.toml"}
    file = known.get(mode(case))
    return (file,) if file and case.selection.manifest else ()


def framework_list(case: Case) -> tuple[str, ...]:
    """Return the pinned requirements that the builder adds for the runtime's Python."""
    starlette: dict[str, str] = case.snapshot.extra.get("starlette", {})
    pinned = starlette.get(case.python.minor or "", starlette.get("newer", ""))
    return (*case.snapshot.values["framework-list"], *((f"starlette=={pinned}",) if pinned else ()))


def _compile_sources() -> Step:
    return Step(
        id="compile-sources",
        phase="install",
        reason="every Python file of the upload must compile",
        argv=("{bin}/python", "-m", "compileall", "-f", "-q", "."),
    )


def _install(case: Case) -> tuple[Step, ...]:
    current = mode(case)
    if current in {"pip", "uv"}:
        return _from_requirements(case, current)
    if current == "pip-project":
        return (_step(case, "install-project", "pip-project"),)
    lock = () if case.tree.is_file(f"{case.selection.installer}.lock") else (_lock(case, current),)
    if current == "uv-project":
        return (*lock, _step(case, "uv-sync", "uv-sync"))
    return (*lock, _step(case, "poetry-install", "poetry-install"))


def _lock(case: Case, current: str) -> Step:
    name = "uv-lock" if current == "uv-project" else "poetry-lock"
    return _step(case, name, name, reason=f"there is no {case.selection.installer}.lock")


def _from_requirements(case: Case, current: str) -> tuple[Step, ...]:
    """Return one run of the installer a list: the builder's own first, then the app's, which may override."""
    steps: tuple[Step, ...] = ()
    if framework_injected(case):
        reason = "the Functions Framework is not declared, so the builder's own list comes first"
        steps = (_step(case, "install-framework", current, framework_list(case), reason=reason),)
    if case.selection.manifest is None:
        return steps
    option = "--requirement" if current == "pip" else "-r"
    return (*steps, _step(case, "install-requirements", current, (option, "requirements.txt")))


def _step(
    case: Case, step_id: str, command: str, what: tuple[str, ...] = (), *, reason: str | None = None
) -> Step:
    installer = case.snapshot.installers[command]
    argv: list[str] = []
    for word in installer.command:
        argv += {"{what}": what, "{vendor}": vendor_flags(case)}.get(word, (word,))
    declared = {name: value for name, value in case.env.items() if INSTALLER_VARIABLE.fullmatch(name)}
    kind = kind_of(command, installer)
    own = {**declared, **kind.environment, **installer.env}  # what the builder sets wins over the app's
    return install_step(
        kind, installer, step_id=step_id, reason=reason or case.selection.reason, argv=tuple(argv), env=own
    )


def vendor_flags(case: Case) -> tuple[str, ...]:
    """Return the options that keep an installer to the wheels brought along."""
    directory = case.env.get("GOOGLE_VENDOR_PIP_DEPENDENCIES")
    return ("--no-index", "--find-links", directory) if directory else ()


def _conflicts(case: Case) -> Step:
    if mode(case) in CHECKED_MODES:
        return conflict_check(fatal=True, reason="the build fails when installed distributions disagree")
    return conflict_check()


def _boot(case: Case) -> Boot:
    launch = case.snapshot.launch
    wanted = target(case)
    env = {**launch.env, "PORT": "{port}", "FUNCTION_TARGET": wanted.name if wanted else ""}
    for key, name in (("source", "FUNCTION_SOURCE"), ("signature", "FUNCTION_SIGNATURE_TYPE")):
        value = case.setting(key)
        if value is not None:
            env[name] = value
    own = {name: value for name, value in case.env.items() if not _of_the_build(name)}
    step = Step(
        id="web",
        phase="boot",
        reason=f"the web process; the target is {wanted.name}, from {wanted.origin}"
        if wanted
        else "the web process",
        argv=("{bin}/functions-framework",),
        env={**own, **env},
        timeout_seconds=launch.timeout_seconds,
    )
    return Boot(
        step=step,
        timeout_seconds=launch.timeout_seconds,
        preferred_port=launch.port,
        probe=launch.probe,
        public=True,
    )


def _of_the_build(name: str) -> bool:
    return any(known.fullmatch(name) for known in (BUILD_VARIABLE, INSTALLER_VARIABLE))


@predicate("cloud_functions.no_python_files")
def no_python_files(case: Case) -> Outcome:
    """Match when the runtime variable is declared empty and the upload holds no Python file."""
    return matched(case.env.get("GOOGLE_RUNTIME") == "" and not runtime_id(case) and not case.tree.has_python)


ENVIRONMENT_SIGNS = (
    "DefaultCredentialsError",
    "could not be determined from the environment",
    "MagickWand shared library not found",
    "cannot open shared object file",
    "FIREBASE_CONFIG",
)
"""Words of a traceback that blame what the cloud has and this machine has not."""

FRAMEWORK_ERRORS = {
    "MissingSourceException": "source-missing",
    "MissingTargetException": "target-not-found",
    "InvalidTargetTypeException": "target-not-function",
}

MISSING_VARIABLE = pattern(r"^KeyError: ['\"](\w+)['\"]$")


@predicate("cloud_functions.start_failure")
def start_failure(case: Case, *, kinds: Words) -> Outcome:
    """Match when the start ended by itself for one of these reasons, read from the traceback's end.

    The kinds: needs-environment, source-missing, target-not-found, target-not-function, import-error, other.
    """
    boot = case.execution.boot if case.execution else None
    if boot is None or boot.status != "crashed":
        return matched(False)
    kind, line = classify(boot.tail)
    place, cause = Evidence(path=boot.log or "start", text=line[:200]), boot.cause
    if cause is not None and line.startswith(cause.text):
        place = Evidence(path=cause.path, line=cause.line, text=cause.text)
    return matched(kind in words(kinds), place, detail=line[:400])


def classify(output: str) -> tuple[str, str]:
    """Return why the framework ended, in one word, and the line that says so."""
    last = last_line(output)
    # A traceback shows source lines indented; what the exception itself says is not.
    said = [line for line in output.rpartition("Traceback (most")[2].splitlines() if not line.startswith(" ")]
    for line in said:
        if any(sign in line for sign in ENVIRONMENT_SIGNS):
            return "needs-environment", line
    if MISSING_VARIABLE.match(last) and re.search(r'File "(?:<frozen os>|.*/os\.py)", line \d+', output):
        return "needs-environment", last
    for name, kind in FRAMEWORK_ERRORS.items():
        if f"{name}: " in last:
            return kind, last
    if "exec_module(source_module)" in output or "Error: No module named" in last:
        return "import-error", last
    return "other", last
