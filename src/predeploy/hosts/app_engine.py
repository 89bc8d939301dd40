"""App Engine's standard environment: app.yaml, requirements.txt with pip, and gunicorn by default.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22); app.yaml as Google's reference has it.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from predeploy.app.marked_yaml import MarkedDocument, YamlProblem, load_marked
from predeploy.app.tree import Unreadable

# These register what the profile refers to by name.
from predeploy.hosts import google  # noqa: F401
from predeploy.hosts.google_entrypoint import (
    Entry,
    declared,
    gunicorn_entry,
    served_files,
    web_boot,
    webserver,
    without_app,
)
from predeploy.hosts.google_manifest import others_of
from predeploy.hosts.google_python import RUNTIME_FILES
from predeploy.hosts.google_steps import build_plan
from predeploy.model.conditions import Outcome, found, matched
from predeploy.model.decisions import BuildPlan, Selection
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate, recipe, selector

APP_YAML = "app.yaml"


class AppYaml:
    """What app.yaml says, or why it cannot be read."""

    def __init__(
        self, document: MarkedDocument, problem: Evidence | None = None, *, unreadable: bool = False
    ) -> None:
        self.unreadable = unreadable
        self.data: dict[str, Any] = document.data if isinstance(document.data, dict) else {}
        self.document = document
        self.problem = problem

    def text(self, key: str) -> str | None:
        """Return a value that is text; ``None`` for an absent one and any other."""
        value = self.data.get(key)
        return value if isinstance(value, str) else None

    def place(self, key: str) -> Evidence:
        """Return where a key stands."""
        value = self.data.get(key)
        return Evidence(path=APP_YAML, line=self.document.line((key,)), text=f"{key}: {value}"[:100])

    def variables(self, key: str) -> dict[str, str]:
        """Return a table of variables as text."""
        table = self.data.get(key)
        values = table.items() if isinstance(table, dict) else ()
        return {str(name): str(value) for name, value in values if not isinstance(value, dict | list)}


def app_yaml(case: Case) -> AppYaml:
    """Return the app's app.yaml, read once."""
    return case.once("app_engine.app_yaml", lambda: _app_yaml(case))


def _app_yaml(case: Case) -> AppYaml:
    empty = MarkedDocument({})
    try:
        text = case.everything.read(APP_YAML).decode("utf-8")
        document = load_marked(text)
    except Unreadable:  # a rule of its own says so
        return AppYaml(empty, unreadable=True)
    except UnicodeDecodeError:
        return AppYaml(empty, Evidence(path=APP_YAML, text="is not UTF-8"))
    except YamlProblem as problem:
        return AppYaml(empty, Evidence(path=APP_YAML, line=problem.line, text=problem.reason))
    if not isinstance(document.data, dict):
        return AppYaml(empty, Evidence(path=APP_YAML, line=1, text="is not a mapping"))
    return AppYaml(document)


def _runtime(case: Case) -> Evidence | None:
    said = app_yaml(case).text("runtime")
    return Evidence(path=APP_YAML, line=app_yaml(case).place("runtime").line, text=said) if said else None


RUNTIME_FILES[APP_YAML] = _runtime


@selector("app_engine.manifest")
def manifest(case: Case) -> Selection:
    """Take requirements.txt with pip, whatever else lies there and whatever the Python."""
    present = case.tree.is_file("requirements.txt")
    name = "requirements.txt" if present else None
    reason = "requirements.txt, with pip: App Engine's group of the builder has nothing else"
    return Selection(
        manifest=name,
        installer="pip",
        candidates=(name,) if name else (),
        ignored=others_of(case, {name}),
        reason=reason if present else "no requirements.txt: nothing of the app's own is installed",
    )


def entry(case: Case) -> Entry:
    """Return the web process: app.yaml's entrypoint, else gunicorn on ``main:app``."""
    given = app_yaml(case).text("entrypoint")
    if given and given.strip():
        return Entry(origin="the entrypoint of app.yaml", shell=given.strip())
    variable = case.setting("entrypoint")
    if variable:
        return Entry(origin="GOOGLE_ENTRYPOINT", shell=variable)
    return gunicorn_entry("main", "the platform's default")


def is_default(case: Case) -> bool:
    """Return whether nobody says how the app is started."""
    return entry(case).shell is None


@recipe("app_engine")
def app_engine(case: Case) -> BuildPlan:
    """Return the builder's steps: gunicorn where it is added, requirements.txt, the check, the start."""
    web = entry(case)
    service = app_yaml(case).text("service") or "default"
    env = {"GAE_ENV": "standard", "GAE_SERVICE": service, "GAE_RUNTIME": f"python{case.python.minor}"}
    env["GAE_RUNTIME"] = env["GAE_RUNTIME"].replace(".", "")
    return build_plan(
        case,
        queued=webserver(case) if is_default(case) else None,
        boot=web_boot(case, web, {**env, **app_yaml(case).variables("env_variables")}),
        processes={"web": web.shown},
        entry_modules=served_files(case, web),
    )


@predicate("app_engine.app_yaml_problem")
def app_yaml_problem(
    case: Case, *, kind: Literal["missing", "invalid", "no-runtime", "entrypoint", "flexible"]
) -> Outcome:
    """Match when app.yaml has this defect: absent, no YAML, without runtime, a wrong entrypoint, of flex."""
    present = case.everything.is_file(APP_YAML)
    if kind == "missing" or not present:
        return matched(kind == "missing" and not present and case.setting("runtime") is None)
    said = app_yaml(case)
    if said.unreadable:
        return matched(False)
    if kind == "invalid" or said.problem is not None:
        hit = kind == "invalid" and said.problem is not None
        problem = said.problem
        return matched(hit, *((problem,) if problem else ()), detail=problem.text if problem else None)
    if kind == "no-runtime":
        hit = said.text("runtime") is None and case.setting("runtime") is None
        return matched(hit, Evidence(path=APP_YAML, line=said.place("runtime").line or 1))
    if kind == "entrypoint":
        given = said.data.get("entrypoint")
        return matched(given is not None and not isinstance(given, str), said.place("entrypoint"))
    flexible = said.text("env") in {"flex", "flexible"} or said.data.get("vm") is True
    return matched(flexible, said.place("env" if "env" in said.data else "vm"))


@predicate("app_engine.unknown_keys")
def unknown_keys(case: Case) -> Outcome:
    """Match when app.yaml has a key that is not one of the profile's list."""
    known = case.snapshot.lists.get("app-yaml-keys", ())
    lost = [str(key) for key in app_yaml(case).data if str(key) not in known]
    places = (Evidence(path=APP_YAML, line=app_yaml(case).document.line((key,)), text=key) for key in lost)
    return matched(bool(lost), *places, detail=", ".join(lost[:5]))


@predicate("app_engine.main_missing")
def main_missing(case: Case) -> Outcome:
    """Match when the default start has nothing to serve: there is no module ``main``."""
    there = case.tree.is_file("main.py") or case.tree.is_file("main/__init__.py")
    return matched(is_default(case) and not there)


@predicate("app_engine.app_missing")
def app_missing(case: Case) -> Outcome:
    """Match when the default start serves a module that binds no ``app``."""
    place = without_app(case, entry(case))
    return matched(place is not None, *((place,) if place else ()))


@predicate("app_engine.apis_differ")
def apis_differ(case: Case, *, declared_in: Literal["requirements.txt", "app.yaml"]) -> Outcome:
    """Match when only one of both has App Engine's APIs: the library, or the flag ``app_engine_apis``."""
    line = "appengine-python-standard" in declared(case)
    flag = app_yaml(case).data.get("app_engine_apis") is True
    if line is flag:
        return matched(False)
    return found(declared_in) if line is (declared_in == "requirements.txt") else matched(False)


def _gunicorn(case: Case) -> str | None:
    execution = case.execution
    installed = execution.installed if execution and execution.installed is not None else ()
    return next((item.version for item in installed if item.name.lower() == "gunicorn"), None)


@predicate("app_engine.gunicorn_installed")
def gunicorn_installed(case: Case, *, state: Literal["missing", "old"]) -> Outcome:
    """Match when the default start finds no gunicorn after the install, or one before 19.0.0."""
    version = _gunicorn(case)
    if not is_default(case) or case.execution is None or case.execution.installed is None:
        return matched(False)
    if version is None or state == "missing":
        return matched(version is None and state == "missing")
    major = re.match(r"\d+", version)
    return matched(major is not None and int(major[0]) < 19, detail=version)
