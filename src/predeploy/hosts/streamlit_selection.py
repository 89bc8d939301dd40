"""Streamlit Community Cloud: which script is the app, and which file decides."""

from __future__ import annotations

import posixpath
import re

from predeploy.app.pyproject import Pyproject, read_pyproject
from predeploy.app.tree import Unreadable
from predeploy.model.conditions import Outcome, found, matched
from predeploy.model.decisions import Selection
from predeploy.model.findings import Evidence
from predeploy.record import record
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate, selector

PROPOSED = "streamlit_app.py"
"""What the host's form proposes."""

LIKELY = ("app.py", "main.py", "Home.py", "home.py", "Main.py", "App.py", "dashboard.py", "index.py")
"""Names that stand out when several scripts import streamlit; our guess, not a rule of the host."""

SCRIPT_LIMIT = 200
"""Scripts looked at to find the entrypoint; a person would not look at more."""

_IMPORTS_STREAMLIT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+streamlit\b", re.MULTILINE)


@record
class Entrypoint:
    """The script the host would start."""

    path: str | None = None
    """Path from the root; ``None`` with a problem."""
    problem: str | None = None
    """``missing``, ``none``, ``ambiguous``, ``backslash``, ``not-python``."""
    given: bool = False
    """Whether the settings name it."""
    others: tuple[str, ...] = ()
    """Scripts that might be meant instead."""


def entrypoint(case: Case) -> Entrypoint:
    """Return the script of the settings, else the form's own proposal, else the one a person would pick."""
    return case.once("streamlit.entrypoint", lambda: _entrypoint(case))


def _entrypoint(case: Case) -> Entrypoint:
    given = case.setting("entrypoint")
    if given is not None:
        return _given(case, given)
    if case.tree.is_file(PROPOSED):
        return Entrypoint(path=PROPOSED)
    scripts = _streamlit_scripts(case, "")
    likely = next((name for name in LIKELY if name in scripts), None)
    if len(scripts) == 1 or likely:
        chosen = likely or scripts[0]
        return Entrypoint(path=chosen, others=tuple(name for name in scripts if name != chosen))
    if scripts:
        return Entrypoint(problem="ambiguous", others=scripts)
    below = tuple(path for name in case.tree.names() for path in _below(case, name))
    return Entrypoint(problem="none", others=below)


def _given(case: Case, given: str) -> Entrypoint:
    path = posixpath.normpath(given.lstrip("/"))
    if case.tree.is_file(path):
        problem = None if path.endswith(".py") else "not-python"
        return Entrypoint(path=path, problem=problem, given=True)
    near = posixpath.normpath(given.replace("\\", "/"))
    if near != path and case.tree.is_file(near):
        return Entrypoint(problem="backslash", given=True, others=(near,))
    folded = tuple(p for p in _siblings(case, path) if p.lower() == path.lower())
    return Entrypoint(problem="missing", given=True, others=folded)


def _siblings(case: Case, path: str) -> list[str]:
    directory = posixpath.dirname(path)
    return [posixpath.join(directory, name) for name in case.tree.names(directory)]


def _below(case: Case, name: str) -> tuple[str, ...]:
    hidden = name.startswith(".") or name in {"tests", "test", "pages", "node_modules", "venv", "docs"}
    return () if hidden or not case.tree.is_dir(name) else _streamlit_scripts(case, name)


def _streamlit_scripts(case: Case, directory: str) -> tuple[str, ...]:
    paths = [posixpath.join(directory, name) for name in case.tree.names(directory) if name.endswith(".py")]
    return tuple(path for path in paths[:SCRIPT_LIMIT] if _imports_streamlit(case, path))


def _imports_streamlit(case: Case, path: str) -> bool:
    try:
        return case.tree.is_file(path) and _IMPORTS_STREAMLIT.search(case.tree.read(path)) is not None
    except Unreadable:
        return False


@predicate("streamlit.entrypoint_problem")
def entrypoint_problem(case: Case, *, kinds: Words) -> Outcome:
    """Match when no script can be started for one of these reasons."""
    entry = entrypoint(case)
    if entry.problem not in words(kinds):
        return matched(False)
    places = (Evidence(path=path) for path in (entry.others or ((entry.path,) if entry.path else ())))
    return matched(True, *places, detail=_entrypoint_story(case, entry))


def _entrypoint_story(case: Case, entry: Entrypoint) -> str:
    given = case.setting("entrypoint") or ""
    others = ", ".join(entry.others[:5])
    stories = {
        "missing": f"{given} is not in the repository" + (f"; there is {others}" if others else ""),
        "backslash": f"{given} is written with a backslash; the path is {others}",
        "not-python": f"{given} does not end in .py",
        "ambiguous": f"Several scripts import streamlit: {others}",
        "none": "No script in the root imports streamlit" + (f"; there is {others}" if others else ""),
    }
    return stories[entry.problem or "none"]


@predicate("streamlit.entrypoint_assumed")
def entrypoint_assumed(case: Case) -> Outcome:
    """Match when the settings name no script and it is not the one the form proposes."""
    entry = entrypoint(case)
    assumed = entry.path is not None and not entry.given and entry.path != PROPOSED
    return found(entry.path or "", detail=entry.path) if assumed else matched(False)


def search_directories(case: Case) -> tuple[str, ...]:
    """Return where the host looks for a dependency file: beside the entrypoint, then the root."""
    return tuple(dict.fromkeys((posixpath.dirname(entrypoint(case).path or ""), "")))


def manifest_directory(case: Case) -> str:
    """Return the directory of the file that won, the root when there is none."""
    return posixpath.dirname(case.selection.manifest or "")


def beside(case: Case, name: str) -> str:
    """Return the path of a file next to the one that won."""
    return posixpath.join(manifest_directory(case), name)


def selected(case: Case, installer: str) -> str | None:
    """Return the file that won when it leads to this installer."""
    return case.selection.manifest if case.selection.installer == installer else None


def project(case: Case) -> Pyproject:
    """Return the pyproject.toml next to the file that won."""
    return read_pyproject(case.tree, beside(case, "pyproject.toml"))


@selector("streamlit.search")
def search(case: Case) -> Selection:
    """Take the first of the host's names beside the entrypoint, else the first in the root."""
    hits = [
        (posixpath.join(directory, entry.file), entry)
        for directory in search_directories(case)
        for entry in case.snapshot.accept
        if case.tree.is_file(posixpath.join(directory, entry.file))
    ]
    if not hits:
        return Selection(problem="none", reason="no dependency file: the host installs streamlit only")
    path, winner = hits[0]
    place = f"in {posixpath.dirname(path)}, beside the entrypoint" if "/" in path else "in the root"
    return Selection(
        manifest=path,
        installer=winner.installer,
        candidates=tuple(path for path, _ in hits),
        ignored=tuple(path for path, _ in hits[1:] if not _read_with(path, winner.installer, hits[0][0])),
        reason=f"{winner.file} is the first that the host finds, {place}",
    )


def _read_with(path: str, installer: str, winner: str) -> bool:
    """Return whether the winning file's tool reads this one too: uv reads the project beside its lock."""
    return installer == "uv-sync" and path == posixpath.join(posixpath.dirname(winner), "pyproject.toml")


@predicate("streamlit.several_files")
def several_files(case: Case) -> Outcome:
    """Match when the host finds more than one dependency file, which it prints as a warning."""
    selection = case.selection
    places = (Evidence(path=path) for path in selection.ignored)
    detail = f"{selection.manifest} is used, {', '.join(selection.ignored)} not"
    return matched(bool(selection.ignored), *places, detail=detail)


@predicate("streamlit.unread_file")
def unread_file(case: Case, *, names_from: str) -> Outcome:
    """Match when nothing was selected and a file of this list lies where the host searches."""
    if case.selection.manifest is not None:
        return matched(False)
    names = case.snapshot.lists.get(names_from, ())
    paths = [posixpath.join(directory, name) for directory in search_directories(case) for name in names]
    return matched(*_any(case, paths))


@predicate("streamlit.unsearched_file")
def unsearched_file(case: Case) -> Outcome:
    """Match when nothing was selected and a dependency file lies in a directory the host does not search."""
    if case.selection.manifest is not None:
        return matched(False)
    accepted = {entry.file for entry in case.snapshot.accept}
    paths = [
        f"{directory}/{name}"
        for directory in case.tree.names()
        if not directory.startswith(".") and case.tree.is_dir(directory)
        for name in case.tree.names(directory)
        if name in accepted or (directory == "requirements" and name.endswith(".txt"))
    ]
    return matched(*_any(case, paths))


def _any(case: Case, paths: list[str]) -> tuple[bool, *tuple[Evidence, ...]]:
    present = [path for path in dict.fromkeys(paths) if case.tree.is_file(path)]
    return (bool(present), *(Evidence(path=path) for path in present))
