"""Whether a Google function declares the Functions Framework, in the words the builder looks for.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), cmd/python/functions_framework, pkg/python.
"""

from __future__ import annotations

import re

from predeploy.app.text import lines_of
from predeploy.hosts.cloud_functions_source import source_path
from predeploy.hosts.google_manifest import pyproject, requirements_text
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

FRAMEWORK = "functions-framework"
DECLARED = pattern(r"^functions-framework\b([^-]|$)|#egg=functions-framework$", re.MULTILINE | re.ASCII)
"""The builder's notion of a declaration, line by line; it knows no other spelling of the name."""


def framework_declared(case: Case) -> bool:
    """Return whether the builder sees the Functions Framework among the declared dependencies."""
    if case.selection.manifest == "requirements.txt":
        return DECLARED.search(requirements_text(case)) is not None
    if case.selection.manifest == "pyproject.toml":
        listed = "\n".join(dependency.text for dependency in pyproject(case).dependencies)
        poetry = pyproject(case).table("tool", "poetry", "dependencies")
        return DECLARED.search(listed) is not None or FRAMEWORK in poetry
    return False


def framework_injected(case: Case) -> bool:
    """Return whether the builder adds its own list of the framework before the app's requirements."""
    return case.selection.manifest != "pyproject.toml" and not framework_declared(case)


def framework_list(case: Case) -> tuple[str, ...]:
    """Return the pinned requirements that the builder adds for the runtime's Python."""
    starlette: dict[str, str] = case.snapshot.extra.get("starlette", {})
    pinned = starlette.get(case.python.minor or "", starlette.get("newer", ""))
    return (*case.snapshot.values["framework-list"], *((f"starlette=={pinned}",) if pinned else ()))


@predicate("cloud_functions.framework_undeclared")
def framework_undeclared(case: Case, *, in_project: bool) -> Outcome:
    """Match when the framework is not declared; ``in_project``: pyproject.toml is the manifest, or is not."""
    project = case.selection.manifest == "pyproject.toml"
    undecided = project and _project_problem(case) is not None
    hit = project is in_project and not undecided and not framework_declared(case)
    evidence = (Evidence(path="pyproject.toml"),) if project else ()
    return matched(hit, *evidence)


@predicate("cloud_functions.framework_spelt_otherwise")
def framework_spelt_otherwise(case: Case) -> Outcome:
    """Match when requirements.txt names the framework in a way the builder does not recognise."""
    if case.selection.manifest != "requirements.txt" or framework_declared(case):
        return matched(False)
    loose = re.compile(r"\s*functions[-_.]+framework(?![\w.-])", re.IGNORECASE)
    for number, line in enumerate(lines_of(requirements_text(case)), start=1):
        if loose.match(line):
            return Match((Evidence(path="requirements.txt", line=number, text=line.strip()[:100]),))
    return matched(False)


@predicate("cloud_functions.project_unparsable")
def project_unparsable(case: Case) -> Outcome:
    """Match when the manifest is a pyproject.toml that the builder cannot decode."""
    problem = _project_problem(case) if case.selection.manifest == "pyproject.toml" else None
    return matched(
        problem is not None, *((problem,) if problem else ()), detail=problem.text if problem else None
    )


def _project_problem(case: Case) -> Evidence | None:
    """Return why the builder cannot decode pyproject.toml: no TOML, or another type than it looks for."""
    parsed = pyproject(case)
    if parsed.problem is not None:
        return Evidence(path="pyproject.toml", line=parsed.problem.line, text=parsed.problem.reason)
    for path, wanted in (
        (("project",), dict),
        (("project", "dependencies"), list),
        (("tool",), dict),
        (("tool", "poetry"), dict),
        (("tool", "poetry", "dependencies"), dict),
    ):
        value = parsed.value(*path)
        wrong = value is not None and not isinstance(value, wanted)
        if wrong or (isinstance(value, list) and not all(isinstance(item, str) for item in value)):
            what = "a list of texts" if wanted is list else "a table"
            return Evidence(
                path="pyproject.toml", line=parsed.line(*path), text=f"{'.'.join(path)} is not {what}"
            )
    return None


@predicate("cloud_functions.requirements_beside_source")
def requirements_beside_source(case: Case) -> Outcome:
    """Match when requirements lie beside a source file in a sub-directory, and none in the root."""
    directory = source_path(case).rpartition("/")[0]
    beside = f"{directory}/requirements.txt"
    lost = bool(directory) and case.selection.manifest is None and case.tree.is_file(beside)
    return matched(lost, Evidence(path=beside))


@predicate("cloud_functions.framework_too_old")
def framework_too_old(case: Case, *, specifier: str) -> Outcome:
    """Match when requirements.txt pins the framework to a version in this range."""
    from predeploy.app.requirements import read_requirements

    if case.selection.manifest != "requirements.txt":
        return matched(False)
    read = case.once(
        "requirements:requirements.txt", lambda: read_requirements(case.tree, "requirements.txt")
    )
    line = read.find(FRAMEWORK)
    pinned = re.fullmatch(r"==([0-9.]+)", line.specifier) if line else None
    if line is None or pinned is None:
        return matched(False)
    from packaging.specifiers import SpecifierSet

    place = Evidence(path=line.path, line=line.line, text=line.text[:100])
    return matched(pinned[1] in SpecifierSet(specifier), place, detail=pinned[1])
