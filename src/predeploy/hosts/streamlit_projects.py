"""Streamlit Community Cloud: uv.lock, environment.yml, Pipfile and pyproject.toml as its tools take them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from predeploy.app.pipfile import read_pipfile, read_pipfile_lock
from predeploy.app.pyproject import Pyproject, read_pyproject
from predeploy.app.requirement import canonical, parse_requirement
from predeploy.app.text import decode
from predeploy.app.toml import read_toml
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import beside, manifest_directory
from predeploy.model.conditions import Match, Outcome, found, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

STREAMLIT = "streamlit"


def _selected(case: Case, installer: str) -> str | None:
    return case.selection.manifest if case.selection.installer == installer else None


def _project(case: Case) -> Pyproject:
    return read_pyproject(case.tree, beside(case, "pyproject.toml"))


# --- uv.lock ----------------------------------------------------------------------------------------


@predicate("streamlit.uv_project_missing")
def uv_project_missing(case: Case) -> Outcome:
    """Match when ``uv sync`` finds no project for the lock: no readable pyproject.toml with a project table."""
    lock = _selected(case, "uv-sync")
    if lock is None:
        return matched(False)
    directory = posixpath.dirname(lock)
    while not case.tree.is_file(posixpath.join(directory, "pyproject.toml")):
        if not directory:
            return found(lock, detail=f"There is no pyproject.toml beside {lock}")
        directory = posixpath.dirname(directory)
    project = read_pyproject(case.tree, posixpath.join(directory, "pyproject.toml"))
    if project.problem:
        return found(project.path, project.problem.line, detail=f"{project.path} {project.problem.reason}")
    if project.has_table("project") or project.has_table("tool", "uv", "workspace"):
        return matched(False)
    return found(project.path, detail=f"{project.path} has no [project] table")


@predicate("streamlit.uv_lock_unreadable")
def uv_lock_unreadable(case: Case) -> Outcome:
    """Match when uv cannot read the lock: no TOML, no version, or one of a later schema."""
    lock = _selected(case, "uv-sync")
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
    project = _project(case)
    packages = read_toml(case.tree, beside(case, "uv.lock")).data.get("package")
    if project.problem or not isinstance(packages, list):
        return None
    edges: dict[str, set[str]] = {}
    for package in packages:
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            edges.setdefault(canonical(package["name"]), set()).update(_edges(package))
    todo = list(_uv_roots(project))
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
    lock = _selected(case, "uv-sync")
    if lock is None or STREAMLIT in _uv_roots(_project(case)):
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


_CONDA_PACKAGE = re.compile(r"(?:[^\s:]+::)?([A-Za-z0-9_.-]+)(.*)", re.DOTALL)
_BUILD_STRING = re.compile(r"\s*=\s*[^=\s]+=\s*[^=\s]+")


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
    path = _selected(case, "conda")
    environment = conda_environment(case) if path else CondaEnvironment()
    if path is None or environment.problem is None:
        return matched(False)
    return found(path, environment.problem_line, detail=environment.problem)


@predicate("streamlit.conda_defaults")
def conda_defaults(case: Case) -> Outcome:
    """Match when environment.yml names the channel ``defaults``."""
    path = _selected(case, "conda")
    hits = [line for name, line in conda_environment(case).channels if name == "defaults"] if path else []
    return matched(bool(hits), *(Evidence(path=path or "", line=line, text="defaults") for line in hits))


@predicate("streamlit.conda_without_streamlit")
def conda_without_streamlit(case: Case) -> Outcome:
    """Match when environment.yml lists streamlit neither for conda nor for pip."""
    path = _selected(case, "conda")
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
    path = _selected(case, "conda")
    packages = conda_environment(case).packages if path else ()
    hits = [(f"{name}{spec}", line) for name, spec, line in packages if _BUILD_STRING.fullmatch(spec)]
    return matched(bool(hits), *(Evidence(path=path or "", line=line, text=text) for text, line in hits))


# --- Pipfile ----------------------------------------------------------------------------------------


@predicate("streamlit.pipfile_invalid")
def pipfile_invalid(case: Case) -> Outcome:
    """Match when the selected Pipfile is not TOML."""
    path = _selected(case, "pipenv")
    problem = read_toml(case.tree, path).problem if path else None
    if path is None or problem is None:
        return matched(False)
    return found(path, problem.line, detail=problem.reason)


@predicate("streamlit.pipfile_python")
def pipfile_python(case: Case) -> Outcome:
    """Match when the Pipfile wants another Python than the host's, which pipenv only warns about."""
    path = _selected(case, "pipenv")
    if path is None:
        return matched(False)
    pipfile = read_pipfile(case.tree, path)
    wanted = pipfile.python_full_version or pipfile.python_version
    if wanted is None or ".".join(wanted.split(".")[:2]) == case.python.minor:
        return matched(False)
    return found(path, pipfile.requires_line, detail=f"{wanted}; the host uses {case.python.resolved}")


@predicate("streamlit.not_declared")
def not_declared(case: Case) -> Outcome:
    """Match when a Pipfile or a Poetry project does not name streamlit, nor does its lock."""
    path = case.selection.manifest
    if path is None or case.selection.installer not in {"pipenv", "poetry"}:
        return matched(False)
    names = _pipfile_names(case, path) if case.selection.installer == "pipenv" else _poetry_names(case)
    return matched(STREAMLIT not in names, Evidence(path=path))


def _pipfile_names(case: Case, path: str) -> frozenset[str]:
    lock = read_pipfile_lock(case.tree, beside(case, "Pipfile.lock"))
    return read_pipfile(case.tree, path).names() | lock.names()


# --- pyproject.toml, which is Poetry's here ---------------------------------------------------------


def _poetry_names(case: Case) -> frozenset[str]:
    project = _project(case)
    names = project.names() | project.poetry_dependencies
    for group in (*project.poetry_groups.values(), *_group_names(project)):
        names |= group
    packages = read_toml(case.tree, beside(case, "poetry.lock")).data.get("package")
    locked = (item.get("name") for item in _list(packages) if isinstance(item, dict))
    return names | {canonical(name) for name in locked if isinstance(name, str)}


def _group_names(project: Pyproject) -> Iterator[frozenset[str]]:
    for listed in project.dependency_groups.values():
        yield frozenset(dependency.name for dependency in listed if dependency.name)


def _package_mode(project: Pyproject) -> bool:
    return project.value("tool", "poetry", "package-mode") is not False


@predicate("streamlit.poetry_config_invalid")
def poetry_config_invalid(case: Case) -> Outcome:
    """Match when Poetry rejects pyproject.toml: no TOML, or a package without name or version."""
    path = _selected(case, "poetry")
    if path is None:
        return matched(False)
    project = _project(case)
    if project.problem:
        return found(path, project.problem.line, detail=f"{path} {project.problem.reason}")
    missing = [
        key
        for key in ("name", "version")
        if project.text("project", key) is None and project.text("tool", "poetry", key) is None
    ]
    if missing and _package_mode(project):
        return found(path, detail=f"{path} gives no {' and no '.join(missing)} of a project")
    if project.has_table("project") and project.text("project", "name") is None:
        return found(path, project.line("project"), detail=f"{path} has a [project] table without a name")
    return matched(False)


@predicate("streamlit.poetry_python")
def poetry_python(case: Case) -> Outcome:
    """Match when the project's own range excludes the host's Python."""
    path = _selected(case, "poetry")
    version = case.python.resolved
    if path is None or version is None:
        return matched(False)
    project = _project(case)
    for keys in (("tool", "poetry", "dependencies", "python"), ("project", "requires-python")):
        wanted = project.text(*keys)
        if wanted and poetry_allows(wanted, version) is False:
            return Match(
                (Evidence(path=path, line=project.line(*keys), text=wanted),), f"{version} is not {wanted}"
            )
    return matched(False)


def poetry_allows(constraint: str, version: str) -> bool | None:
    """Return whether a Poetry constraint takes a version; ``None`` for one we cannot read."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    answers: list[bool] = []
    for alternative in re.split(r"\|\|?", constraint):
        parts = [part for part in re.split(r"[,\s]+(?=[<>=!~^\d*])", alternative.strip()) if part]
        try:
            specifiers = SpecifierSet(",".join(filter(None, map(_pep440, parts))))
        except (InvalidSpecifier, ValueError):
            return None
        answers.append(specifiers.contains(version, prereleases=True))
    return any(answers)


def _pep440(part: str) -> str:
    """Return one Poetry term as PEP 440: caret and tilde become ranges, a bare version is exact."""
    part = part.replace(" ", "")
    if part == "*":
        return ""
    if part[0] == "^" or (part[0] == "~" and not part.startswith("~=")):
        numbers = [int(number) for number in part[1:].split(".")]
        keep = 1 if part[0] == "^" else min(2, len(numbers))
        upper = [*numbers[: keep - 1], numbers[keep - 1] + 1]
        return f">={part[1:]},<{'.'.join(map(str, upper))}"
    return f"=={part}" if part[0].isdigit() else part


@predicate("streamlit.poetry_root_missing")
def poetry_root_missing(case: Case) -> Outcome:
    """Match when Poetry would install the project itself and finds no package for it."""
    path = _selected(case, "poetry")
    project = _project(case) if path else None
    if path is None or project is None or project.problem or not _package_mode(project):
        return matched(False)
    name = project.text("project", "name") or project.text("tool", "poetry", "name")
    if name is None:
        return matched(False)
    packages = project.value("tool", "poetry", "packages")
    if isinstance(packages, list):
        gone = [text for text in map(_included, packages) if text and not _has_python(case, text)]
        return matched(bool(gone), Evidence(path=path), detail=", ".join(gone))
    module = canonical(name).replace("-", "_")
    if any(_has_python(case, f"{source}{module}") for source in ("", "src/")):
        return matched(False)
    line = project.line("project", "name") or project.line("tool", "poetry", "name")
    return found(path, line, detail=f"{module}/ and {module}.py")


def _included(package: object) -> str | None:
    """Return the path of an entry of ``packages``; ``None`` for a pattern, which is not decided here."""
    if not isinstance(package, dict) or not isinstance(package.get("include"), str):
        return None
    path = posixpath.join(str(package.get("from", "")), package["include"])
    return None if any(character in path for character in "*?[") else path


def _has_python(case: Case, path: str) -> bool:
    full = posixpath.join(manifest_directory(case), path)
    if case.tree.is_file(full) or case.tree.is_file(f"{full}.py"):
        return True
    return case.tree.is_dir(full) and any(name.endswith((".py", ".pyi")) for name in case.tree.walk(full))
