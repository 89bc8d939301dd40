"""Streamlit Community Cloud: uv.lock and Pipfile as their tools take them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from predeploy.app.pipfile import read_pipfile
from predeploy.app.pyproject import Pyproject, read_pyproject
from predeploy.app.requirement import canonical, parse_requirement
from predeploy.app.toml import read_toml
from predeploy.hosts.streamlit_selection import beside, project, selected
from predeploy.model.conditions import Outcome, found, matched
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

STREAMLIT = "streamlit"


# --- uv.lock ----------------------------------------------------------------------------------------


@predicate("streamlit.uv_project_missing")
def uv_project_missing(case: Case) -> Outcome:
    """Match when ``uv sync`` finds no project for the lock: no readable pyproject.toml, no project."""
    lock = selected(case, "uv-sync")
    if lock is None:
        return matched(False)
    directory = posixpath.dirname(lock)
    while not case.tree.is_file(posixpath.join(directory, "pyproject.toml")):
        if not directory:
            return found(lock, detail=f"There is no pyproject.toml beside {lock}")
        directory = posixpath.dirname(directory)
    declared = read_pyproject(case.tree, posixpath.join(directory, "pyproject.toml"))
    problem = declared.problem
    if problem:
        return found(declared.path, problem.line, detail=f"{declared.path} {problem.reason}")
    if declared.has_table("project") or declared.has_table("tool", "uv", "workspace"):
        return matched(False)
    return found(declared.path, detail=f"{declared.path} has no [project] table")


@predicate("streamlit.uv_lock_unreadable")
def uv_lock_unreadable(case: Case) -> Outcome:
    """Match when uv cannot read the lock: no TOML, no version, or one of a later schema."""
    lock = selected(case, "uv-sync")
    if lock is None:
        return matched(False)
    file = read_toml(case.tree, lock)
    if file.problem:
        return found(lock, file.problem.line, detail=file.problem.reason)
    for key in ("version", "requires-python"):
        if key not in file.data:
            return found(lock, detail=f"has no {key}")
    if file.data["version"] != 1:
        return found(lock, file.line("version"), detail="has a schema version this uv does not know")
    return matched(False)


def uv_installs(case: Case) -> frozenset[str] | None:
    """Return the names ``uv sync`` installs; ``None`` when the lock does not tell, as for a stale one."""
    declared = project(case)
    packages = read_toml(case.tree, beside(case, "uv.lock")).data.get("package")
    if declared.problem or not isinstance(packages, list):
        return None
    edges: dict[str, set[str]] = {}
    for package in packages:
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            edges.setdefault(canonical(package["name"]), set()).update(_edges(package))
    todo = list(_uv_roots(declared))
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        if name not in edges:
            return None
        seen.add(name)
        todo += edges[name]
    return frozenset(seen)


def _edges(package: dict[str, Any]) -> Iterator[str]:
    """Yield what a locked package pulls in, extras counted in: which of them are asked for is left open."""
    optional = package.get("optional-dependencies")
    tables = optional.values() if isinstance(optional, dict) else ()
    for listed in (package.get("dependencies"), *tables):
        for dependency in listed if isinstance(listed, list) else ():
            if isinstance(dependency, dict) and isinstance(dependency.get("name"), str):
                yield canonical(dependency["name"])


def _uv_roots(project: Pyproject) -> frozenset[str]:
    """Return what the project asks for itself: its dependencies and its default groups, no extras."""
    chosen = project.value("tool", "uv", "default-groups")
    groups = project.dependency_groups
    wanted = groups if chosen == "all" else chosen if isinstance(chosen, list) else ["dev"]
    names = set(project.names())
    for group in wanted:
        names |= {dependency.name for dependency in groups.get(str(group), ()) if dependency.name}
        if _includes_groups(project, str(group)):
            names |= {d.name for listed in groups.values() for d in listed if d.name}
    old = project.value("tool", "uv", "dev-dependencies")
    texts = [text for text in old if isinstance(text, str)] if isinstance(old, list) else []
    return frozenset(names | {name for text in texts if (name := parse_requirement(text).name)})


def _includes_groups(project: Pyproject, group: str) -> bool:
    listed = project.value("dependency-groups", group)
    return isinstance(listed, list) and any(isinstance(item, dict) for item in listed)


@predicate("streamlit.uv_without_streamlit")
def uv_without_streamlit(case: Case) -> Outcome:
    """Match when ``uv sync`` would install an environment without streamlit, which the host then lacks."""
    lock = selected(case, "uv-sync")
    if lock is None or STREAMLIT in _uv_roots(project(case)):
        return matched(False)
    installed = uv_installs(case)
    if installed is None or STREAMLIT in installed:
        return matched(False)
    return found(lock)


# --- Pipfile ----------------------------------------------------------------------------------------


@predicate("streamlit.pipfile_invalid")
def pipfile_invalid(case: Case) -> Outcome:
    """Match when the selected Pipfile is not TOML."""
    path = selected(case, "pipenv")
    problem = read_toml(case.tree, path).problem if path else None
    if path is None or problem is None:
        return matched(False)
    return found(path, problem.line, detail=problem.reason)


@predicate("streamlit.pipfile_python")
def pipfile_python(case: Case) -> Outcome:
    """Match when the Pipfile wants another Python than the host's, which pipenv only warns about."""
    path = selected(case, "pipenv")
    if path is None:
        return matched(False)
    pipfile = read_pipfile(case.tree, path)
    wanted = pipfile.python_full_version or pipfile.python_version
    if wanted is None or ".".join(wanted.split(".")[:2]) == case.python.minor:
        return matched(False)
    return found(path, pipfile.requires_line, detail=f"{wanted}; the host uses {case.python.resolved}")
