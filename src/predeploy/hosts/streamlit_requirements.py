"""Streamlit Community Cloud: what a requirements.txt says before anything is installed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Literal

from predeploy.app.requirement import canonical
from predeploy.app.requirements import RequirementLine, Requirements, logical_lines, read_requirements
from predeploy.app.text import Problem, decode
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import manifest_directory
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    from packaging.specifiers import Specifier
    from packaging.version import Version

UNDECIDED = ("than we read", "which includes this file", "is not text", "permission denied", "is larger than")
"""Problems of ours, not of the host's tools."""

PIP_ONLY = ("in constraints", "which constraints cannot be")
"""Lines that only pip refuses, so that the host's first try with uv installs them."""

_LOGIN = pattern(r"://(?!git@)[^/\s@]+@")

PATHS = ("is not in the app", "a directory of the app", "with neither pyproject.toml nor setup.py")
"""Problems of local paths."""


def requirements(case: Case) -> Requirements | None:
    """Return the selected requirements.txt with what it includes, read once."""
    manifest = case.selection.manifest
    if manifest is None or case.selection.installer != "uv-pip":
        return None
    return case.once(f"requirements:{manifest}", lambda: read_requirements(case.tree, manifest))


def applying(case: Case) -> tuple[RequirementLine, ...]:
    """Return the requirements whose marker holds on the host, constraints among them."""
    listed = requirements(case)
    return tuple(line for line in listed.lines if _holds(case, line.marker)) if listed else ()


def _holds(case: Case, marker: str | None) -> bool:
    if marker is None:
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    try:
        return Marker(marker).evaluate(_host_environment(case))
    except (InvalidMarker, UndefinedEnvironmentName):
        return True


def _host_environment(case: Case) -> dict[str, str]:
    full = case.python.resolved or "3.14.0"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": case.python.minor or "3.14",
        "sys_platform": "linux",
        "extra": "",
    }


def place(line: RequirementLine) -> Evidence:
    """Return where a requirement stands."""
    return Evidence(path=line.path, line=line.line, text=line.text)


def _matching(lines: Iterable[RequirementLine]) -> Outcome:
    hits = tuple(lines)
    names = ", ".join(dict.fromkeys(line.name or line.text for line in hits))
    return matched(bool(hits), *map(place, hits), detail=names)


@predicate("streamlit.requires_any")
def requires_any(case: Case, *, names_from: str) -> Outcome:
    """Match when the requirements list a name of this list that applies on Linux."""
    names = {canonical(name) for name in case.snapshot.lists.get(names_from, ())}
    return _matching(line for line in applying(case) if line.name in names and not _elsewhere(line))


def _elsewhere(line: RequirementLine) -> bool:
    return line.constraint or line.url is not None


@predicate("streamlit.address_with_login")
def address_with_login(case: Case) -> Outcome:
    """Match for a requirement by an address with a user name or a token; ``git@`` alone is none."""
    hits = [line for line in applying(case) if line.url and _LOGIN.search(line.url)]
    return _matching(hits)


@predicate("streamlit.program_missing")
def program_missing(case: Case) -> Outcome:
    """Match for a wrapper of a program that neither the image has nor packages.txt names."""
    from predeploy.hosts.streamlit_system import apt_words

    named = {word.text for word in apt_words(case)}
    wrappers = case.snapshot.extra.get("programs", {})
    hits = [line for line in applying(case) if line.name in wrappers and not line.constraint]
    return _matching(line for line in hits if not named.intersection(wrappers[line.name]))


@predicate("streamlit.local_file")
def local_file(case: Case) -> Outcome:
    """Match for a requirement on a file of another machine."""
    hits = [line for line in applying(case) if line.url and line.url.startswith("file:")]
    places = [place(line) for line in hits if not (line.url or "").startswith("file:///mount/src/")]
    listed = requirements(case)
    if manifest_directory(case) == "":
        broken = [problem for problem in (listed.problems if listed else ()) if _about_path(problem)]
        places += [Evidence(path=p.path, line=p.line, text=p.text) for p in broken]
    return matched(bool(places), *places)


@predicate("streamlit.invalid_line")
def invalid_line(case: Case) -> Outcome:
    """Match for lines that uv and pip both refuse."""
    listed = requirements(case)
    bad = [problem for problem in (listed.problems if listed else ()) if _refused(problem)]
    if not bad:
        return matched(False)
    places = tuple(Evidence(path=p.path, line=p.line, text=p.text[:120] or None) for p in bad)
    return Match(places, f"{places[0]} {bad[0].reason}")


def _about_path(problem: Problem) -> bool:
    return problem.reason.endswith(PATHS) or "neither a directory of the app" in problem.reason


def _refused(problem: Problem) -> bool:
    if _about_path(problem):
        return False
    return not any(text in problem.reason for text in (*UNDECIDED, *PIP_ONLY))


@predicate("streamlit.dash_line")
def dash_line(case: Case) -> Outcome:
    """Match for lines that begin with a dash and a blank: uv refuses the file, pip skips the line."""
    listed = requirements(case)
    places = [
        Evidence(path=path, line=number, text=text)
        for path in (listed.files if listed else ())
        for number, text in _lines(case, path)
        if text.startswith(("- ", "-\t"))
    ]
    return matched(bool(places), *places)


def _lines(case: Case, path: str) -> Iterator[tuple[int, str]]:
    try:
        yield from logical_lines(decode(case.tree.read(path)).text)
    except Unreadable:
        return


# --- versions ---------------------------------------------------------------------------------------


def specifiers(case: Case, name: str) -> list[Specifier]:
    """Return every version specifier that limits a distribution on the host."""
    texts = [line.specifier for line in applying(case) if line.name == name and line.specifier]
    if not texts:  # the usual case; packaging is not even imported then
        return []
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    limits: list[Specifier] = []
    for text in texts:
        try:
            limits += SpecifierSet(text)
        except InvalidSpecifier:
            continue
    return limits


def lines_of(case: Case, name: str) -> list[RequirementLine]:
    """Return the requirements on a distribution that apply on the host, without constraints."""
    return [line for line in applying(case) if line.name == name and not _elsewhere(line)]


def capped_below(limits: Collection[Specifier], bound: str) -> bool:
    """Return whether these specifiers leave only versions below ``bound``."""
    if not limits:
        return False
    from packaging.version import Version

    return any(_caps(limit, Version(bound)) for limit in limits)


def _caps(limit: Specifier, bound: Version) -> bool:
    version = _version(limit)
    if version is None:
        return False
    if limit.operator == "<":
        return version <= bound
    if limit.operator == "~=":
        return _bumped(version.release[:-1]) <= bound
    if limit.operator == "==" and limit.version.endswith(".*"):
        return _bumped(version.release) <= bound
    return limit.operator in {"==", "<=", "==="} and version < bound


def floored_above(limits: Collection[Specifier], bound: str) -> bool:
    """Return whether these specifiers leave only versions above ``bound``."""
    if not limits:
        return False
    from packaging.version import Version

    top = Version(bound)
    for limit in limits:
        version = _version(limit)
        if version is None:
            continue
        if limit.operator in {"==", "===", ">=", "~="} and version > top:
            return True
        if limit.operator == ">" and version >= top:
            return True
    return False


def _version(limit: Specifier) -> Version | None:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(limit.version.removesuffix(".*"))
    except InvalidVersion:
        return None


def _bumped(release: tuple[int, ...]) -> Version:
    from packaging.version import Version

    return Version(".".join(map(str, (*release[:-1], release[-1] + 1))))


@predicate("streamlit.pinned")
def pinned(case: Case, *, name: str, version: str) -> Outcome:
    """Match when the requirements pin a distribution to exactly this version."""
    exact = any(
        limit.operator in {"==", "==="} and limit.version == version for limit in specifiers(case, name)
    )
    return _matching(lines_of(case, name)) if exact else matched(False)


@predicate("streamlit.capped")
def capped(case: Case, *, name: str, below: str) -> Outcome:
    """Match when the requirements leave only versions of a distribution below this one."""
    return _matching(lines_of(case, name)) if capped_below(specifiers(case, name), below) else matched(False)


@predicate("streamlit.pin_too_old")
def pin_too_old(case: Case, *, table: Literal["cannot_build", "no_wheel"]) -> Outcome:
    """Match when pins leave only versions without a wheel for the chosen Python.

    The profile's table gives, by distribution and Python, the first version that has one; ``none`` says
    that no version does.
    """
    minor = case.python.minor or ""
    firsts = _outdated(case, table, minor)
    if table == "no_wheel":
        worse = _outdated(case, "cannot_build", minor)
        firsts = {name: first for name, first in firsts.items() if name not in worse}
    lines = [line for name in firsts for line in lines_of(case, name)]
    shown = ", ".join(f"{name} (first: {first})" for name, first in firsts.items())
    return matched(bool(lines), *map(place, lines), detail=f"{shown} on Python {minor}")


def _outdated(case: Case, table: str, minor: str) -> dict[str, str]:
    """Return the distributions whose pins leave only versions below the table's first, with that first."""
    found: dict[str, str] = {}
    for name, by_python in case.snapshot.extra.get(table, {}).items():
        first = by_python.get(minor)
        if first is None or not lines_of(case, name):
            continue
        if first == "none" or capped_below(specifiers(case, name), first):
            found[name] = first
    return found


@predicate("streamlit.python_too_old")
def python_too_old(case: Case) -> Outcome:
    """Match when the requirements want a streamlit newer than the newest for the chosen Python."""
    newest = case.snapshot.extra.get("newest_streamlit", {}).get(case.python.minor or "")
    if newest is None or not floored_above(specifiers(case, "streamlit"), newest):
        return matched(False)
    lines = lines_of(case, "streamlit")
    return Match(tuple(map(place, lines)), f"{lines[0].text}, the newest is {newest}" if lines else newest)


@predicate("streamlit.numpy_trap")
def numpy_trap(case: Case) -> Outcome:
    """Match when an old streamlit holds numpy below 2 and pyarrow is open, on a Python that gets both."""
    facts = case.snapshot.extra.get("numpy_trap", {})
    if case.python.minor not in facts.get("pythons", ()):
        return matched(False)
    if not capped_below(specifiers(case, "streamlit"), facts["streamlit_below"]):
        return matched(False)
    if capped_below(specifiers(case, "pyarrow"), facts["pyarrow_below"]):
        return matched(False)
    lines = [*lines_of(case, "streamlit"), *lines_of(case, "pyarrow")]
    return Match(tuple(map(place, lines)))
