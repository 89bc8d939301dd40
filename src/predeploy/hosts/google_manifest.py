"""What Google's Python builder installs from and with: requirements.txt, or a project with Poetry, uv or pip.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), pkg/python and the buildpacks of cmd/python.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from predeploy.app.pyproject import Pyproject, read_pyproject
from predeploy.app.tree import Unreadable
from predeploy.hosts.google_python import at_least
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import Selection
from predeploy.model.findings import Evidence
from predeploy.record import record
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate, selector

TRUE_WORDS = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE_WORDS = frozenset({"0", "f", "F", "FALSE", "false", "False"})

OTHER_MANIFESTS = ("pyproject.toml", "poetry.lock", "uv.lock", "Pipfile", "Pipfile.lock", "environment.yml")

Mode = Literal["pip", "uv", "pip-project", "uv-project", "poetry", "nothing"]


@record
class ToolVersion:
    """Which version of uv or Poetry the builder installs."""

    version: str = ""
    problem: Literal["", "malformed", "range"] = ""
    """``malformed``: no tool can be installed; ``range``: the newest one in it is not known here."""
    text: str = ""
    """The app's own words."""
    line: int | None = None


def pyproject(case: Case) -> Pyproject:
    """Return the app's pyproject.toml, read once."""
    return case.once("google.pyproject", lambda: read_pyproject(case.tree))


def _tracks(case: Case, fact: str) -> bool:
    """Return whether a dated feature has reached the release track of this deployment."""
    track = case.env.get("X_GOOGLE_RELEASE_TRACK") or "GA"
    return track in (case.snapshot.values.get(fact) or ())


def pyproject_counts(case: Case) -> bool:
    """Return whether the builder reads a pyproject.toml at all on that day."""
    if _tracks(case, "pyproject-tracks"):
        return True
    first = case.snapshot.values.get("pyproject-from-python")
    return bool(first) and at_least(case, str(first))


def manager_word(case: Case) -> str:
    """Return the package manager the user asked for, in lower case; empty before the variable existed."""
    if not _tracks(case, "package-manager-tracks"):
        return ""
    return case.env.get("GOOGLE_PYTHON_PACKAGE_MANAGER", "").lower()


def pip_or_uv(case: Case) -> Literal["pip", "uv"]:
    """Return what installs requirements files: pip, or uv when asked for or by default for newer Pythons."""
    word, first = manager_word(case), case.snapshot.values.get("uv-from-python")
    by_default = not word and first is not None and at_least(case, str(first))
    return "uv" if word == "uv" or by_default else "pip"


@selector("google.manifest")
def manifest(case: Case) -> Selection:
    """Take requirements.txt, else a pyproject.toml with Poetry or uv, else only the framework."""
    if case.tree.is_file("requirements.txt"):
        installer = pip_or_uv(case)
        beside = case.tree.is_file("pyproject.toml")
        first = " goes before pyproject.toml, which is read only where there is none" if beside else ""
        reason = f"requirements.txt{first}; with {_why(case, installer)}"
        return _selection(case, "requirements.txt", installer, reason)
    if case.tree.is_file("pyproject.toml") and pyproject_counts(case):
        return _project(case)
    installer = pip_or_uv(case)
    function = "framework-list" in case.snapshot.values
    what = (
        "only the Functions Framework is installed" if function else "nothing of the app's own is installed"
    )
    reason = f"no manifest: {what}, with {_why(case, installer)}"
    return _selection(case, None, installer, reason)


def _why(case: Case, installer: str) -> str:
    if manager_word(case):
        return f"{installer} as GOOGLE_PYTHON_PACKAGE_MANAGER is {case.env['GOOGLE_PYTHON_PACKAGE_MANAGER']}"
    return f"{installer}, the default for Python {case.python.minor or 'of this version'}"


def _project(case: Case) -> Selection:
    word, name = manager_word(case), "pyproject.toml"
    if case.tree.is_file("poetry.lock"):
        return _selection(case, name, "poetry", "pyproject.toml with a poetry.lock beside it")
    if pyproject(case).value("tool", "poetry") is not None:
        return _selection(case, name, "poetry", "pyproject.toml with a tool.poetry table")
    if case.tree.is_file("uv.lock"):
        return _selection(case, name, "uv", "pyproject.toml with a uv.lock beside it: uv sync")
    if word in {"", "uv"}:
        return _selection(case, name, "uv", "pyproject.toml alone: uv lock, then uv sync")
    if word == "pip":
        reason = "pyproject.toml as a project that pip installs, as GOOGLE_PYTHON_PACKAGE_MANAGER is pip"
        return _selection(case, name, "pip", reason)
    return _selection(case, name, None, f"no installer takes pyproject.toml with the word {word!r}")


def _selection(case: Case, name: str | None, installer: str | None, reason: str) -> Selection:
    read = {name} | ({f"{installer}.lock"} if name == "pyproject.toml" else set())
    return Selection(
        manifest=name,
        installer=installer,
        candidates=(name,) if name else (),
        ignored=others_of(case, read),
        reason=reason,
        problem=None if installer else "no-installer",
    )


def others_of(case: Case, read: Collection[str | None]) -> tuple[str, ...]:
    """Return the dependency files that lie there and are not read."""
    return tuple(file for file in OTHER_MANIFESTS if file not in read and case.tree.is_file(file))


def mode(case: Case) -> Mode:
    """Return how the builder installs, in one word."""
    selection = case.selection
    if selection.installer is None:
        return "nothing"
    if selection.installer == "poetry":
        return "poetry"
    project = selection.manifest == "pyproject.toml"
    if selection.installer == "uv":
        return "uv-project" if project else "uv"
    return "pip-project" if project else "pip"


@predicate("google.mode_is")
def mode_is(case: Case, *, modes: Words) -> Outcome:
    """Match when the builder installs in one of these ways."""
    return matched(mode(case) in words(modes))


@predicate("google.no_manifest")
def no_manifest(case: Case) -> Outcome:
    """Match when there is no manifest that the builder reads."""
    return matched(case.selection.manifest is None)


@predicate("google.pyproject_not_read")
def pyproject_not_read(case: Case) -> Outcome:
    """Match when the only manifest is a pyproject.toml that the builder does not read on that day."""
    alone = case.tree.is_file("pyproject.toml") and not case.tree.is_file("requirements.txt")
    return matched(alone and not pyproject_counts(case), Evidence(path="pyproject.toml"))


@predicate("google.setup_py_not_run")
def setup_py_not_run(case: Case) -> Outcome:
    """Match when a setup.py or setup.cfg lies in the root and nothing installs that directory."""
    present = [name for name in ("setup.py", "setup.cfg") if case.tree.is_file(name)]
    installed = mode(case) in {"pip-project", "uv-project", "poetry"} or _installs_root(case)
    return matched(bool(present) and not installed, *(Evidence(path=name) for name in present))


def _installs_root(case: Case) -> bool:
    lines = requirements_text(case).splitlines()
    return any(re.match(r"\s*(?:-e\s*|--editable[ =])?\.{1,2}(?:[/\s\[]|$)", line) for line in lines)


def requirements_text(case: Case) -> str:
    """Return requirements.txt as the builder reads it: bytes as UTF-8, a byte-order mark included."""
    try:
        return case.tree.read("requirements.txt").decode("utf-8", "replace")
    except Unreadable:
        return ""


@predicate("google.project_beside_requirements_unparsable")
def project_beside_requirements_unparsable(case: Case) -> Outcome:
    """Match when uv installs requirements.txt and the pyproject.toml it asks for a uv version is no TOML."""
    if mode(case) != "uv" or pyproject(case).problem is None:
        return matched(False)
    problem = pyproject(case).problem
    line, reason = (problem.line, problem.reason) if problem else (None, "")
    return Match((Evidence(path="pyproject.toml", line=line, text=reason),), reason)


@predicate("google.flag")
def flag(case: Case, *, name: str, state: Literal["true", "invalid"]) -> Outcome:
    """Match when a boolean build variable is declared and true, or is no boolean."""
    value = case.env.get(name)
    if value is None:
        return matched(False)
    hit = value in TRUE_WORDS if state == "true" else value not in TRUE_WORDS | FALSE_WORDS
    return matched(hit, Evidence(path=name, text=value[:60]), detail=f"{name}={value[:60]}")


def tool_version(case: Case, tool: Literal["uv", "poetry"]) -> ToolVersion:
    """Return the version of a tool: the app's words behind the tool's name, else the builder's pin."""
    key = "required-version" if tool == "uv" else "requires-poetry"
    text, pinned = pyproject(case).text("tool", tool, key), pinned_version(case, tool)
    if not text:
        return ToolVersion(version=pinned)
    line = pyproject(case).line("tool", tool, key)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        return ToolVersion(problem="malformed", text=f"{tool}{text}", line=line)
    exact = re.fullmatch(r"\s*===?\s*([^*,\s]+)\s*", text)
    if exact is not None:
        return ToolVersion(version=exact[1], text=text, line=line)
    if pinned in specifiers:
        return ToolVersion(version=pinned, text=text, line=line)
    return ToolVersion(problem="range", text=f"{tool}{text}", line=line)


def pinned_version(case: Case, tool: Literal["uv", "poetry"]) -> str:
    """Return the builder's own pin of a tool; Poetry has an older one for Python 3.9."""
    older = case.env.get("GOOGLE_RUNTIME_VERSION", "").startswith("3.9") or case.python.minor == "3.9"
    if tool == "poetry" and older:
        return str(case.snapshot.values["poetry-for-python-3.9"])
    return case.snapshot.tools[tool]


def tool_of(case: Case) -> Literal["uv", "poetry"] | None:
    """Return the tool whose version the app's pyproject.toml can choose."""
    current = mode(case)
    if current in {"uv", "uv-project"}:
        return "uv"
    return "poetry" if current == "poetry" else None


@predicate("google.tool_version_problem")
def tool_version_problem(
    case: Case, *, tool: Literal["uv", "poetry"], kind: Literal["malformed", "range"]
) -> Outcome:
    """Match when the app asks for a version of its installer that cannot be had, or is not known here."""
    if tool_of(case) != tool:
        return matched(False)
    version = tool_version(case, tool)
    place = Evidence(path="pyproject.toml", line=version.line, text=version.text[:100])
    return matched(version.problem == kind, place, detail=version.text[:100])


@predicate("google.python_excluded")
def python_excluded(case: Case, *, modes: Words) -> Outcome:
    """Match when ``project.requires-python`` excludes the runtime's Python and its installer insists."""
    text, resolved = pyproject(case).requires_python, case.python.resolved
    if mode(case) not in words(modes) or not text or resolved is None:
        return matched(False)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        fits = SpecifierSet(text).contains(resolved, prereleases=True)
    except InvalidSpecifier:
        return matched(False)
    line = pyproject(case).line("project", "requires-python")
    return matched(
        not fits, Evidence(path="pyproject.toml", line=line, text=text), detail=f"{text}, not {resolved}"
    )
