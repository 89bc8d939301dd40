"""How an app without a function is started on Google's builder: said by the app, or the builder's defaults.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), the buildpacks entrypoint, webserver and
missing-entrypoint.
"""

from __future__ import annotations

import re

from predeploy.app.requirement import parse_requirement
from predeploy.app.tree import Unreadable
from predeploy.hosts.cloud_functions_source import module_at
from predeploy.hosts.entry import entry_modules
from predeploy.hosts.google_manifest import mode, pyproject, requirements_text
from predeploy.hosts.google_python import at_least
from predeploy.hosts.google_steps import Queued, run_variables, started
from predeploy.lazy import pattern
from predeploy.model.decisions import Boot, Step
from predeploy.model.findings import Evidence
from predeploy.record import field, record
from predeploy.rules.case import Case

GUNICORN_LINE = pattern(r"^gunicorn", re.MULTILINE)
"""The builder's notion of a declared gunicorn: a line that begins so."""

PROCESS = pattern(r"^(\w+):[ \t]*(\S.*)$", re.MULTILINE | re.ASCII)

PORT = "{port}"


@record
class Entry:
    """The web process."""

    origin: str
    """What says it, as the end of a sentence."""
    shell: str | None = None
    """The command as the app wrote it, for a shell."""
    argv: tuple[str, ...] = ()
    """The builder's own command."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables the builder sets for it."""
    module: str | None = None
    """The file it serves, of a command of the builder's own."""

    @property
    def shown(self) -> str:
        """The command as the host shows it."""
        if self.shell is not None:
            return self.shell
        return " ".join(word.replace("{bin}/", "").replace(PORT, "8080") for word in self.argv)


# --- what the app says ----------------------------------------------------------------------------------


def procfile_text(case: Case) -> str | None:
    """Return the Procfile; ``None`` when there is none, or none that can be read here."""
    try:
        return case.tree.read("Procfile").decode("utf-8", "replace").replace("\r\n", "\n")
    except Unreadable:
        return None


def procfile_commands(case: Case) -> dict[str, str]:
    """Return the commands by process type: names of word characters, the first of a name counts."""
    found: dict[str, str] = {}
    for name, command in PROCESS.findall(procfile_text(case) or ""):
        found.setdefault(name, command.strip())
    return found


def declares_gunicorn(case: Case) -> bool:
    """Return whether the builder sees gunicorn in the manifest it installs from."""
    if case.selection.manifest == "pyproject.toml":
        return "gunicorn" in declared(case)
    return case.tree.is_file("requirements.txt") and bool(GUNICORN_LINE.search(requirements_text(case)))


def declared(case: Case) -> dict[str, frozenset[str]]:
    """Return the names in the manifest, each with its extras."""
    return case.once("google.declared", lambda: _declared(case))


def _declared(case: Case) -> dict[str, frozenset[str]]:
    if case.selection.manifest == "pyproject.toml":
        project = pyproject(case)
        parsed = [parse_requirement(dependency.text) for dependency in project.dependencies]
        found = {item.name: frozenset(item.extras) for item in parsed if item.name}
        for name, value in project.table("tool", "poetry", "dependencies").items():
            extras = value.get("extras") if isinstance(value, dict) else None
            texts = [text for text in extras if isinstance(text, str)] if isinstance(extras, list) else []
            found.setdefault(name.lower(), frozenset(texts))
        return found
    if case.selection.manifest is None:
        return {}
    from predeploy.app.requirements import read_requirements

    name = "requirements.txt"
    read = case.once(f"requirements:{name}", lambda: read_requirements(case.tree, name))
    return {line.name: frozenset(line.extras) for line in read.lines if line.name and not line.constraint}


# --- the builder's defaults -----------------------------------------------------------------------------


def web_module(case: Case) -> str | None:
    """Return the module that the default serves: main before app; the latter from its day on."""
    names = ["main"] + (["app"] if at_least_smart(case) else [])
    return next((name for name in names if case.tree.is_file(f"{name}.py")), None)


def at_least_smart(case: Case) -> bool:
    """Return whether the newer defaults hold: app.py beside main.py, and servers by framework."""
    return bool(case.snapshot.values.get("smart-entrypoints"))


def default_entry(case: Case) -> Entry | None:
    """Return the builder's default: a script of the project, a server by framework, else gunicorn."""
    script = project_script(case)
    if script is not None:
        return _script_entry(case, script)
    module = web_module(case)
    if _smart(case):
        entry = _by_framework(case, module)
        if entry is not None:
            return entry
    return gunicorn_entry(module, "the builder's default") if module else None


def _smart(case: Case) -> bool:
    return at_least_smart(case) and at_least(case, str(case.snapshot.values["smart-entrypoints"]))


def gunicorn_entry(module: str, origin: str) -> Entry:
    """Return gunicorn on the attribute ``app`` of a module."""
    argv = ("{bin}/gunicorn", "-b", f":{PORT}", f"{module}:app")
    return Entry(origin=origin, argv=argv, module=f"{module}.py")


def _by_framework(case: Case, module: str | None) -> Entry | None:
    names = declared(case)
    argv: tuple[str, ...]
    if declares_gunicorn(case) and module:
        return gunicorn_entry(module, "gunicorn is declared")
    if module and ("uvicorn" in names or "standard" in names.get("fastapi", ())):
        argv = ("{bin}/uvicorn", f"{module}:app", "--port", PORT, "--host", "0.0.0.0")  # noqa: S104
        return Entry(origin="uvicorn is declared", argv=argv, module=f"{module}.py")
    if module and "gradio" in names:
        env = {"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": PORT}  # noqa: S104
        argv = ("{bin}/python", f"{module}.py")
        return Entry(origin="gradio is declared", argv=argv, env=env, module=f"{module}.py")
    if module and "streamlit" in names:
        options = ("--server.address", "0.0.0.0", "--server.port", PORT)  # noqa: S104
        argv = ("{bin}/streamlit", "run", f"{module}.py", *options)
        return Entry(origin="streamlit is declared", argv=argv, module=f"{module}.py")
    if "google-adk" in names:
        argv = ("{bin}/adk", "api_server", "--port", PORT, "--host", "0.0.0.0")  # noqa: S104
        return Entry(origin="google-adk is declared", argv=argv)
    return None


def project_script(case: Case) -> str | None:
    """Return the script of pyproject.toml that is started: the only one, or the one called ``start``."""
    if case.selection.manifest != "pyproject.toml" or not case.snapshot.values.get("project-scripts"):
        return None
    scripts = pyproject(case).poetry_scripts or pyproject(case).scripts
    if len(scripts) == 1:
        return next(iter(scripts))
    return "start" if "start" in scripts else None


def _script_entry(case: Case, name: str) -> Entry:
    origin, current = f"the script {name} of pyproject.toml", mode(case)
    scripts = pyproject(case).poetry_scripts or pyproject(case).scripts
    module = scripts[name].partition(":")[0].replace(".", "/")
    files = (f"{module}.py", f"src/{module}.py")
    served = next((file for file in files if case.tree.is_file(file)), None)
    if current == "poetry":
        env = {"VIRTUAL_ENV": "{venv}"}
        return Entry(origin=origin, argv=("{tool:poetry}/poetry", "run", name), env=env, module=served)
    if current == "uv-project":
        env = {"VIRTUAL_ENV": "{venv}", "UV_PROJECT_ENVIRONMENT": "{venv}"}
        return Entry(origin=origin, argv=("{tool:uv}/uv", "run", "--no-sync", name), env=env, module=served)
    return Entry(origin=origin, argv=(f"{{bin}}/{name}",), module=served)


# --- the plan's part ------------------------------------------------------------------------------------


def webserver(case: Case) -> Queued | None:
    """Return the gunicorn that the builder adds where nobody says the start and no line declares it."""
    if declares_gunicorn(case) or mode(case) not in {"pip", "uv"}:
        return None
    pinned = str(case.snapshot.values["gunicorn"])
    reason = "nothing says how the app is started and no line begins with gunicorn, so the builder adds it"
    return Queued(step="install-webserver", requirements=(f"gunicorn=={pinned}",), reason=reason)


def served_files(case: Case, entry: Entry) -> tuple[str, ...]:
    """Return the files that the web process runs."""
    if entry.shell is not None:
        return entry_modules(case, entry.shell)
    return (entry.module,) if entry.module else ()


def without_app(case: Case, entry: Entry | None) -> Evidence | None:
    """Return the file a server of the builder's own is pointed at, when it binds no ``app``."""
    if entry is None or not any(word.endswith(":app") for word in entry.argv):
        return None
    found = module_at(case, entry.module) if entry.module else None
    if found is None or found.open or "app" in found.names:
        return None
    return Evidence(path=str(entry.module), line=1)


def web_boot(case: Case, entry: Entry, env: dict[str, str]) -> Boot:
    """Return the start of the web process."""
    launch = case.snapshot.launch
    step = Step(
        id="web",
        phase="boot",
        reason=f"the web process, from {entry.origin}",
        shell=entry.shell,
        shell_argv=("bash", "-c"),
        argv=entry.argv,
        env={**run_variables(case), **launch.env, **env, **entry.env, "PORT": PORT},
        timeout_seconds=launch.timeout_seconds,
    )
    return started(case, step)
