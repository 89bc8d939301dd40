"""The install and check steps of Google's Python builder, shared by the products that use it.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), cmd/python/pip, uv and poetry.
"""

from __future__ import annotations

from predeploy.hosts.google_manifest import mode, tool_of, tool_version
from predeploy.installers import install_step, kind_of
from predeploy.installers.checks import conflict_check
from predeploy.lazy import pattern
from predeploy.model.decisions import Boot, BuildPlan, Call, Environment, Step
from predeploy.record import record, replace
from predeploy.rules.case import Case

INSTALLER_VARIABLE = pattern(r"(?:PIP|UV|POETRY)_[A-Z0-9_]+")
"""Build variables that the installers read, since they inherit the environment."""

BUILD_VARIABLE = pattern(
    r"X_GOOGLE_\w+|GOOGLE_(?:FUNCTION_|RUNTIME|PYTHON_|VENDOR_PIP|SKIP_FRAMEWORK|CLEAR_SOURCE|ENTRYPOINT|LABEL_)\w*"
)
"""The builder's own variables, which the running app does not see."""

CHECKED_MODES = ("pip", "uv", "uv-project")
"""The ways to install after which the builder looks for conflicts."""


@record
class Queued:
    """A list of requirements that the builder itself installs, before and apart from the app's."""

    step: str
    requirements: tuple[str, ...]
    reason: str


def build_plan(
    case: Case,
    *,
    before: tuple[Step, ...] = (),
    queued: Queued | None = None,
    after: tuple[Step, ...] = (),
    boot: Boot | None,
    processes: dict[str, str],
    entry_modules: tuple[str, ...],
    import_roots: tuple[str, ...] = ("",),
) -> BuildPlan:
    """Return the plan: the product's first steps, the installs in the builder's way, the conflict check."""
    snapshot, tool = case.snapshot, tool_of(case)
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds=_seeds(case)),
        env=dict(snapshot.build_env),
        tools={tool: tool_version(case, tool).version} if tool else {},
        steps=(*before, *_install(case, queued), _conflicts(case), *after),
        boot=boot,
        processes=processes,
        entry_modules=tuple(path for path in entry_modules if case.tree.is_file(path)),
        import_roots=import_roots,
        requirement_files=_requirement_files(case),
        requirements=queued.requirements if queued and case.selection.manifest is None else (),
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


def _install(case: Case, queued: Queued | None) -> tuple[Step, ...]:
    current = mode(case)
    if current in {"pip", "uv"}:
        return _from_requirements(case, current, queued)
    if current == "nothing":
        return ()
    if current == "pip-project":
        return (_step(case, "install-project", "pip-project"),)
    lock = () if case.tree.is_file(f"{case.selection.installer}.lock") else (_lock(case, current),)
    if current == "uv-project":
        return (*lock, _step(case, "uv-sync", "uv-sync"))
    return (*lock, _step(case, "poetry-install", "poetry-install"))


def _lock(case: Case, current: str) -> Step:
    name = "uv-lock" if current == "uv-project" else "poetry-lock"
    return _step(case, name, name, reason=f"there is no {case.selection.installer}.lock")


def _from_requirements(case: Case, current: str, queued: Queued | None) -> tuple[Step, ...]:
    """Return one run of the installer a list: the builder's own first, then the app's, which may override."""
    steps: tuple[Step, ...] = ()
    if queued is not None:
        steps = (_step(case, queued.step, current, queued.requirements, reason=queued.reason),)
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
    current = mode(case)
    if current not in CHECKED_MODES:
        return conflict_check()
    step = conflict_check(fatal=True, reason="the build fails when installed distributions disagree")
    # pip looks at itself too, and at what the markers of old metadata say: the builder asks it, not uv.
    return replace(step, argv=("{bin}/python", "-m", "pip", "check")) if current == "pip" else step


def run_variables(case: Case) -> dict[str, str]:
    """Return the declared variables that the running app sees: all but those of the build."""
    own = (BUILD_VARIABLE, INSTALLER_VARIABLE)
    return {
        name: value for name, value in case.env.items() if not any(known.fullmatch(name) for known in own)
    }


def started(case: Case, step: Step, call: Call | None = None) -> Boot:
    """Return the start of a web process, and the one call after its health answer."""
    launch = case.snapshot.launch
    return Boot(
        step=step,
        timeout_seconds=launch.timeout_seconds,
        preferred_port=launch.port,
        probe=launch.probe,
        public=True,
        call=call,
    )
