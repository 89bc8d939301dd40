"""Streamlit Community Cloud: pyproject.toml, which is Poetry's here, and projects without streamlit."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from predeploy.app.pipfile import read_pipfile, read_pipfile_lock
from predeploy.app.pyproject import Pyproject
from predeploy.app.requirement import canonical
from predeploy.app.toml import read_toml
from predeploy.hosts.streamlit_selection import beside, manifest_directory, project, selected
from predeploy.model.conditions import Match, Outcome, found, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

STREAMLIT = "streamlit"


def _poetry_names(case: Case) -> frozenset[str]:
    declared = project(case)
    names = declared.names() | declared.poetry_dependencies
    for group in (*declared.poetry_groups.values(), *_group_names(declared)):
        names |= group
    packages = read_toml(case.tree, beside(case, "poetry.lock")).data.get("package")
    listed = packages if isinstance(packages, list) else []
    locked = (item.get("name") for item in listed if isinstance(item, dict))
    return names | {canonical(name) for name in locked if isinstance(name, str)}


def _group_names(declared: Pyproject) -> Iterator[frozenset[str]]:
    for listed in declared.dependency_groups.values():
        yield frozenset(dependency.name for dependency in listed if dependency.name)


def _package_mode(declared: Pyproject) -> bool:
    return declared.value("tool", "poetry", "package-mode") is not False


@predicate("streamlit.poetry_config_invalid")
def poetry_config_invalid(case: Case) -> Outcome:
    """Match when Poetry rejects pyproject.toml: no TOML, or a package without name or version."""
    path = selected(case, "poetry")
    if path is None:
        return matched(False)
    declared = project(case)
    if declared.problem:
        return found(path, declared.problem.line, detail=f"{path} {declared.problem.reason}")
    missing = [
        key
        for key in ("name", "version")
        if declared.text("project", key) is None and declared.text("tool", "poetry", key) is None
    ]
    if missing and _package_mode(declared):
        return found(path, detail=f"{path} gives no {' and no '.join(missing)} of a project")
    if declared.has_table("project") and declared.text("project", "name") is None:
        return found(path, declared.line("project"), detail=f"{path} has a [project] table without a name")
    return matched(False)


@predicate("streamlit.poetry_python")
def poetry_python(case: Case) -> Outcome:
    """Match when the project's own range excludes the host's Python."""
    path = selected(case, "poetry")
    version = case.python.resolved
    if path is None or version is None:
        return matched(False)
    declared = project(case)
    for keys in (("tool", "poetry", "dependencies", "python"), ("project", "requires-python")):
        wanted = declared.text(*keys)
        if wanted and poetry_allows(wanted, version) is False:
            return Match(
                (Evidence(path=path, line=declared.line(*keys), text=wanted),), f"{version} is not {wanted}"
            )
    return matched(False)


def poetry_allows(constraint: str, version: str) -> bool | None:
    """Return whether a Poetry constraint takes a version; ``None`` for one we cannot read."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    answers: list[bool] = []
    for alternative in re.split(r"\|\|?", constraint):
        parts = [part for part in re.split(r"(?<![,\s])[,\s]++(?=[<>=!~^\d*])", alternative.strip()) if part]
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
    path = selected(case, "poetry")
    declared = project(case) if path else None
    if path is None or declared is None or declared.problem or not _package_mode(declared):
        return matched(False)
    name = declared.text("project", "name") or declared.text("tool", "poetry", "name")
    if name is None:
        return matched(False)
    packages = declared.value("tool", "poetry", "packages")
    if isinstance(packages, list):
        gone = [text for text in map(_included, packages) if text and not _has_python(case, text)]
        return matched(bool(gone), Evidence(path=path), detail=", ".join(gone))
    module = canonical(name).replace("-", "_")
    if any(_has_python(case, f"{source}{module}") for source in ("", "src/")):
        return matched(False)
    line = declared.line("project", "name") or declared.line("tool", "poetry", "name")
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
