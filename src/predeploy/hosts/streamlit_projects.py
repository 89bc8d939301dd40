"""Streamlit Community Cloud: uv.lock, environment.yml and Pipfile as their tools take them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from predeploy.app.pipfile import read_pipfile
from predeploy.app.pyproject import Pyproject, read_pyproject
from predeploy.app.requirement import canonical, parse_requirement
from predeploy.app.text import decode
from predeploy.app.toml import read_toml
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import beside, project, selected
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, found, matched
from predeploy.model.findings import Evidence
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


# --- environment.yml --------------------------------------------------------------------------------


@dataclass(frozen=True)
class CondaEnvironment:
    """What an environment.yml asks for."""

    packages: tuple[tuple[str, str, int | None], ...] = ()
    """Name, specification and line of each conda package."""
    pip: tuple[tuple[str, int | None], ...] = ()
    """Lines of the ``pip`` section."""
    channels: tuple[tuple[str, int | None], ...] = ()
    problem: str | None = None
    problem_line: int | None = None


_CONDA_PACKAGE = pattern(r"(?:[^\s:]+::)?([A-Za-z0-9_.-]+)(.*)", re.DOTALL)
_BUILD_STRING = pattern(r"\s*=\s*[^=\s]+=\s*[^=\s]+")


def conda_environment(case: Case) -> CondaEnvironment:
    """Return the selected environment.yml, read once; a broken one is a problem of the result."""
    return case.once("streamlit.conda", lambda: _read_conda(case, case.selection.manifest or ""))


def _read_conda(case: Case, path: str) -> CondaEnvironment:
    from predeploy.app.marked_yaml import YamlProblem, load_marked

    try:
        document = load_marked(decode(case.tree.read(path)).text)
    except YamlProblem as error:
        return CondaEnvironment(problem=error.reason, problem_line=error.line)
    except Unreadable as error:
        return CondaEnvironment(problem=error.reason)
    if not isinstance(document.data, dict):
        return CondaEnvironment(problem="is not a mapping", problem_line=1)
    data, lines = document.data, document.lines
    packages: list[tuple[str, str, int | None]] = []
    pip: list[tuple[str, int | None]] = []
    for index, item in enumerate(_list(data.get("dependencies"))):
        if isinstance(item, dict):
            for number, text in enumerate(_list(item.get("pip"))):
                pip.append((str(text), lines.get(("dependencies", index, "pip", number))))
        elif match := _CONDA_PACKAGE.fullmatch(str(item).strip()):
            packages.append((match[1].lower(), match[2], lines.get(("dependencies", index))))
    channels = [
        (str(item), lines.get(("channels", index))) for index, item in enumerate(_list(data.get("channels")))
    ]
    return CondaEnvironment(tuple(packages), tuple(pip), tuple(channels))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


@predicate("streamlit.conda_invalid")
def conda_invalid(case: Case) -> Outcome:
    """Match when the selected environment.yml is not YAML that conda could take."""
    path = selected(case, "conda")
    environment = conda_environment(case) if path else CondaEnvironment()
    if path is None or environment.problem is None:
        return matched(False)
    return found(path, environment.problem_line, detail=environment.problem)


@predicate("streamlit.conda_defaults")
def conda_defaults(case: Case) -> Outcome:
    """Match when environment.yml names the channel ``defaults``."""
    path = selected(case, "conda")
    hits = [line for name, line in conda_environment(case).channels if name == "defaults"] if path else []
    return matched(bool(hits), *(Evidence(path=path or "", line=line, text="defaults") for line in hits))


@predicate("streamlit.conda_without_streamlit")
def conda_without_streamlit(case: Case) -> Outcome:
    """Match when environment.yml lists streamlit neither for conda nor for pip."""
    path = selected(case, "conda")
    environment = conda_environment(case) if path else CondaEnvironment()
    if path is None or environment.problem or any(name == STREAMLIT for name, *_ in environment.packages):
        return matched(False)
    for text, _ in environment.pip:
        if text.lstrip().startswith("-") or parse_requirement(text).name == STREAMLIT:
            return matched(False)
    return found(path)


@predicate("streamlit.conda_build_strings")
def conda_build_strings(case: Case) -> Outcome:
    """Match when environment.yml carries build strings, which belong to the system it was exported on."""
    path = selected(case, "conda")
    packages = conda_environment(case).packages if path else ()
    hits = [(f"{name}{spec}", line) for name, spec, line in packages if _BUILD_STRING.fullmatch(spec)]
    return matched(bool(hits), *(Evidence(path=path or "", line=line, text=text) for text, line in hits))


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
