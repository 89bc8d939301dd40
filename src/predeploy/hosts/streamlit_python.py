"""Streamlit Community Cloud: which Python runs the app, and which version files have no say in it."""

from __future__ import annotations

import posixpath
import re

from predeploy.app.text import decode
from predeploy.app.toml import read_toml
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_conda import conda_environment
from predeploy.hosts.streamlit_selection import beside
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, matched
from predeploy.model.decisions import PythonRequest
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import grammar, predicate

_VERSION_REQUEST = pattern(r"(?:cpython[-@]?|python)?(\d+(?:\.\d+){0,2})")
_RANGE_START = ("<", ">", "=", "~", "!")


def prepared_minor(case: Case) -> str:
    """Return the minor of the environment the host prepares: the settings', else the default of the day."""
    return case.setting("python") or case.snapshot.python_default or ""


@predicate("streamlit.python_not_offered")
def python_not_offered(case: Case) -> Outcome:
    """Match when the settings ask for a Python that is not on the host's menu that day."""
    wanted = case.setting("python")
    offered = case.snapshot.lists.get("offered-pythons", ())
    refused = wanted is not None and wanted not in offered
    return matched(refused, Evidence(path="python", text=wanted), detail=wanted)


@grammar("streamlit.environment_yml")
def environment_yml(case: Case, origin: str) -> PythonRequest | None:
    """Read the ``python`` of environment.yml; conda brings its own, whatever the settings say."""
    if case.selection.installer != "conda":
        return None
    path = case.selection.manifest or ""
    python = conda_environment(case).package("python")
    if python is None:
        return PythonRequest(origin=origin, problem="unpinned", detail="python is not listed")
    return PythonRequest(
        origin=origin, version=_conda_version(case, python.spec), evidence=(python.place(path),)
    )


def _conda_version(case: Case, spec: str) -> str | None:
    """Return the minor that a specification leads to; the patch is what the channel has by then."""
    exact = re.fullmatch(r"[\s=~]*(\d+\.\d+)(?:\.[\d*]+)*(?:=.*)?", spec)
    if exact:
        return exact[1]
    return _newest(spec.replace(" ", ""), tuple(case.snapshot.releases.values()))


@grammar("streamlit.uv_version_file")
def uv_version_file(case: Case, origin: str) -> PythonRequest | None:
    """Read ``.python-version`` as ``uv sync`` does; with every other installer the host ignores it."""
    if case.selection.installer != "uv-sync":
        return None
    path, line, text = _nearest_version_file(case)
    if text is None:
        return None
    evidence = (Evidence(path=path, line=line, text=text),)
    version = _requested(case, text)
    if version is None:
        return PythonRequest(origin=origin, problem="unusable", detail=text, evidence=evidence)
    requires = uv_requires_python(case)
    if requires and not _allows(requires, full_version(case, version)):
        detail = f"{text} is outside of {requires}"
        return PythonRequest(
            origin=origin, version=version, problem="incompatible", detail=detail, evidence=evidence
        )
    return PythonRequest(origin=origin, version=version, evidence=evidence)


@grammar("streamlit.uv_requires_python")
def uv_range(case: Case, origin: str) -> PythonRequest | None:
    """Let ``requires-python`` replace the prepared interpreter when that lies outside of it."""
    requires = uv_requires_python(case) if case.selection.installer == "uv-sync" else None
    if not requires or _allows(requires, full_version(case, prepared_minor(case))):
        return None
    path = beside(case, "pyproject.toml")
    evidence = (Evidence(path=path, line=read_toml(case.tree, path).line("project", "requires-python")),)
    version = _newest(requires, tuple(case.snapshot.extra.get("uv_pythons", ())))
    if version is None:
        return PythonRequest(origin=origin, problem="incompatible", detail=requires, evidence=evidence)
    return PythonRequest(origin=origin, version=version, evidence=evidence)


def _nearest_version_file(case: Case) -> tuple[str, int | None, str | None]:
    """Return the first ``.python-version`` with a version, from the project's directory up to the root."""
    path = beside(case, ".python-version")
    while True:
        line, text = _first_line(case, path)
        directory = posixpath.dirname(path)
        if text is not None or not directory:
            return path, line, text
        path = posixpath.join(posixpath.dirname(directory), ".python-version")


def uv_requires_python(case: Case) -> str | None:
    """Return the project's ``requires-python``, the lock's when the project says nothing."""
    project = read_toml(case.tree, beside(case, "pyproject.toml")).data.get("project")
    value = project.get("requires-python") if isinstance(project, dict) else None
    value = value or read_toml(case.tree, beside(case, "uv.lock")).data.get("requires-python")
    return value if isinstance(value, str) else None


def full_version(case: Case, version: str) -> str:
    """Return a version with its patch, the newest the host has when only the minor is given."""
    return case.snapshot.releases.get(version, version)


def _first_line(case: Case, path: str) -> tuple[int | None, str | None]:
    if not case.tree.is_file(path):
        return None, None
    try:
        text = decode(case.tree.read(path)).text
    except Unreadable:
        return None, None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            return number, stripped
    return None, None


def _requested(case: Case, text: str) -> str | None:
    """Return the version a line of ``.python-version`` asks uv for; ``None`` for what it cannot find."""
    plain = _VERSION_REQUEST.fullmatch(text)
    if plain and "." in plain[1]:
        return plain[1]
    wanted = f"=={plain[1]}.*" if plain else text
    if not wanted.startswith(_RANGE_START):
        return None
    prepared = prepared_minor(case)
    if _allows(wanted, full_version(case, prepared)):
        return prepared
    return _newest(wanted, tuple(case.snapshot.extra.get("uv_pythons", ())))


def _allows(specifier: str, version: str) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _newest(specifier: str, versions: tuple[str, ...]) -> str | None:
    fitting = [version for version in versions if _allows(specifier, version)]
    fitting.sort(key=lambda version: tuple(int(part) for part in version.split(".")))
    return ".".join(fitting[-1].split(".")[:2]) if fitting else None


@predicate("streamlit.version_file_unread")
def version_file_unread(case: Case, *, differs: bool) -> Outcome:
    """Match for a version file the host ignores: one that asks for another minor, or one that does not."""
    ignored = (
        ("runtime.txt",) if case.selection.installer == "uv-sync" else ("runtime.txt", ".python-version")
    )
    places = []
    for name in ignored:
        line, text = _first_line(case, name)
        if text is None:
            continue
        asked = re.search(r"(?<!\d)\d++\.\d+", text)
        other = asked is not None and asked[0] != case.python.minor
        if other is differs:
            places.append(Evidence(path=name, line=line, text=text[:100]))
    gets = f"; the app gets {case.python.minor}"
    detail = ", ".join(f"{place} asks for {place.text}" for place in places) + gets if differs else None
    return matched(bool(places), *places, detail=detail)
