"""Firebase functions: the checks of Firebase's deploy command, in front of the builder of Cloud Functions.

Source: firebase-tools 15.28.1 (a786bda7, 2026-08-21).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from predeploy.app.text import lines_of
from predeploy.app.tree import Unreadable
from predeploy.hosts.cloud_functions import cloud_functions
from predeploy.hosts.cloud_functions_imports import declared_names
from predeploy.hosts.cloud_functions_source import Function, declared_signature, module, source_path
from predeploy.hosts.firebase_config import (
    FIREBASE_JSON,
    codebases,
    config_problem,
    outside,
    source_directory,
    source_place,
)
from predeploy.hosts.firebase_discovery import FAILED, LIMIT_SECONDS, PROGRAM, SDK_MISSING, TIMED_OUT
from predeploy.hosts.google_python import runtime_said
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.decisions import BuildPlan, Step
from predeploy.model.findings import Evidence
from predeploy.record import replace
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate, recipe

SDK = "firebase-functions"
PROJECT = {
    "GCLOUD_PROJECT": "predeploy",
    "FIREBASE_CONFIG": '{"projectId": "predeploy", "storageBucket": "predeploy.appspot.com"}',
}
"""What the deploy command tells the discovery, and the platform the function, of a project."""

ENV_KEY = pattern(r"[A-Z_][A-Z0-9_]*")
ENV_LINE = pattern(r"\s*([^=\s#]+)\s*=\s*(.*)")
FUNCTION_ID = pattern(r"[a-zA-Z][a-zA-Z0-9_-]{0,62}")
DISCOVERY = "discover-functions"
EXITS = {"sdk-missing": SDK_MISSING, "failed": FAILED, "timeout": TIMED_OUT}


@recipe("firebase_functions")
def firebase_functions(case: Case) -> BuildPlan:
    """Return the plan of Cloud Functions with the discovery in it."""
    plan = cloud_functions(case)
    boot = plan.boot
    if boot is not None:
        boot = replace(boot, step=replace(boot.step, env={**PROJECT, **boot.step.env}))
    steps = plan.steps if case.tree.is_file("functions.yaml") else (*plan.steps, _discovery())
    return replace(plan, steps=steps, boot=boot)


def _discovery() -> Step:
    return Step(
        id=DISCOVERY,
        phase="verify",
        reason=f"firebase deploy asks the source which functions it declares, for {LIMIT_SECONDS} s at most",
        argv=("{bin}/python", "-c", PROGRAM),
        env=PROJECT,
        timeout_seconds=120,
    )


@predicate("firebase.config_problem")
def has_config_problem(case: Case) -> Outcome:
    """Match when the deploy command refuses firebase.json."""
    problem = config_problem(case)
    return matched(
        problem is not None, *((problem,) if problem else ()), detail=problem.text if problem else None
    )


@predicate("firebase.no_config")
def no_config(case: Case) -> Outcome:
    """Match when there is no firebase.json, so that the app's directory is taken for the functions' own."""
    return matched(not case.project.is_file(FIREBASE_JSON))


@predicate("firebase.several_codebases")
def several_codebases(case: Case) -> Outcome:
    """Match when firebase.json has several codebases and nobody says which is meant."""
    names = [str(entry.get("codebase", "default")) for entry in codebases(case)]
    return matched(len(names) > 1 and case.setting("codebase") is None, detail=", ".join(names))


@predicate("firebase.source_missing")
def source_missing(case: Case) -> Outcome:
    """Match when the functions' directory is not there; unknown for one outside of the app."""
    if outside(case):
        return Unknown("the functions' directory lies outside of the app")
    directory = source_directory(case)
    if not directory or case.project.is_dir(directory):
        return matched(False)
    return Match((source_place(case),), directory)


@predicate("firebase.package_json")
def package_json(case: Case) -> Outcome:
    """Match when a package.json beside the functions makes them functions of Node."""
    said = runtime_said(case)
    detail = f"package.json beside the runtime {said.text}" if said else "package.json"
    return matched(case.everything.exists("package.json"), Evidence(path="package.json"), detail=detail)


@predicate("firebase.no_requirements")
def no_requirements(case: Case) -> Outcome:
    """Match when the functions' directory, which is there, has no requirements.txt."""
    directory = source_directory(case)
    there = not outside(case) and (not directory or case.project.is_dir(directory))
    return matched(there and not case.everything.exists("requirements.txt"), detail=directory or "the app")


@predicate("firebase.virtualenv")
def virtualenv(case: Case, *, state: Literal["missing", "without-sdk", "uploaded"]) -> Outcome:
    """Match when the directory venv is absent, lacks the SDK, or goes along with the upload.

    With the setting venv=made it counts as made from requirements.txt before the deployment.
    """
    there = case.everything.is_dir("venv")
    if state == "uploaded":
        return matched(case.tree.is_dir("venv"), Evidence(path="venv"))
    made = case.setting("venv") == "made"
    if state == "missing":
        return matched(not there and not made)
    if there and not made:
        return matched(not _has_sdk(case), Evidence(path="venv"), detail="venv")
    names = declared_names(case)
    lost = made and case.selection.manifest is not None and names is not None and SDK not in names
    return matched(lost, Evidence(path="requirements.txt"), detail="requirements.txt")


def _has_sdk(case: Case) -> bool:
    tree = case.everything
    places = [f"venv/lib/{name}/site-packages" for name in tree.names("venv/lib")]
    return any(tree.is_dir(f"{place}/firebase_functions") for place in (*places, "venv/Lib/site-packages"))


@predicate("firebase.environment_key")
def environment_key(case: Case) -> Outcome:
    """Match when a dotenv file sets a variable that the deploy command does not allow."""
    names = case.everything.names()
    files = [name for name in names if name == ".env" or name.startswith(".env.")]
    bad = [
        Evidence(path=name, line=number, text=key[:60])
        for name in files
        if name != ".env.local" and case.everything.is_file(name)
        for number, key in _keys(case, name)
        if not _is_allowed(case, key)
    ]
    return matched(bool(bad), *bad, detail=", ".join(f"{place} {place.text}" for place in bad[:5]))


def _is_allowed(case: Case, key: str) -> bool:
    lists = case.snapshot.lists
    reserved = key in lists["reserved-keys"] or key.startswith(lists["reserved-prefixes"])
    return ENV_KEY.fullmatch(key) is not None and not reserved


def _keys(case: Case, name: str) -> Iterator[tuple[int, str]]:
    """Yield the keys of a dotenv file; a value in quotes may go over several lines."""
    try:
        text = case.everything.read(name).decode("utf-8", "replace")
    except Unreadable:
        return
    quote = ""
    for number, line in enumerate(lines_of(text), start=1):
        if quote:
            quote = "" if quote in line else quote
            continue
        match = ENV_LINE.match(line)
        if match is None:
            continue
        yield number, match[1]
        opened = match[2][:1]
        quote = opened if opened in {"'", '"'} and opened not in match[2][1:] else ""


@predicate("firebase.function_invalid")
def function_invalid(case: Case) -> Outcome:
    """Match when a declared function has a name or a time limit that the deploy command refuses."""
    found = module(case)
    path = source_path(case)
    bad = [
        Evidence(path=path, line=function.line, text=problem)
        for function in (found.functions if found else ())
        if declared_signature(case, function)
        for problem in _problems(case, function)
    ]
    return matched(bool(bad), *bad, detail="; ".join(str(place.text) for place in bad[:5]))


def _problems(case: Case, function: Function) -> Iterator[str]:
    if not FUNCTION_ID.fullmatch(function.name):
        yield f"{function.name} is no id: a letter, then letters, digits, - and _, 63 characters at most"
    limits: dict[str, int] = case.snapshot.extra["timeouts"]
    kind = next((word for word in function.decorators if word in case.snapshot.extra["decorators"]), "")
    limit, asked = limits.get(kind, limits["events"]), _timeout(function)
    if asked is not None and asked > limit:
        yield f"{function.name} wants {asked} s and may have {limit} s"


def _timeout(function: Function) -> int | None:
    """Return the number a decorator gives as ``timeout_sec``."""
    import ast

    for decorator in function.definition.decorator_list:
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        for keyword in keywords:
            value = keyword.value
            if keyword.arg == "timeout_sec" and isinstance(value, ast.Constant):
                return value.value if isinstance(value.value, int) else None
    return None


@predicate("firebase.discovery")
def discovery(case: Case, *, ended: Literal["sdk-missing", "failed", "timeout"]) -> Outcome:
    """Match when the discovery of the declared functions ended this way."""
    step = case.execution.step(DISCOVERY) if case.execution else None
    if step is None or step.returncode != EXITS[ended]:
        return matched(False)
    said = [line.strip() for line in step.output.splitlines() if line[:1].isalpha() and ": " in line]
    text = next((line for line in reversed(said) if "Error" in line.partition(":")[0]), step.id)[:200]
    return Match((Evidence(path=step.log or step.id, text=text),), text)
