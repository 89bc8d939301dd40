"""Streamlit Community Cloud: environment.yml as conda takes it, and what often goes wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from predeploy.app.requirement import parse_requirement
from predeploy.app.text import decode
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import selected
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, found, matched
from predeploy.model.findings import Evidence
from predeploy.record import positional
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

STREAMLIT = "streamlit"

_PACKAGE = pattern(
    r"(?:[^\s:]+::)?(?P<name>[A-Za-z0-9_.-]+)\s*"
    r"(?P<spec>|\[.+\]|\d\S*(?:\s+\S+)?|[=!<>~]=?=?[^\s=<>!~,|]+"
    r"(?:[,|](?:[=!<>~]=?=?)?[^\s=<>!~,|]+)*(?:=\S+)?)"
)
"""A name, and versions as ``=1.2``, ``>=1,<2``, ``1.2.*`` or ``=1.2=build``; no blanks around the signs."""

_SIGNS = pattern(r" ?([=!<>~,|]+) ?")

_LEGACY = pattern(r"https?://\S+\.(?:conda|tar\.bz2)(?:#\w+)?")
_BUILD_STRING = pattern(r"\s*=\s*[^=\s]+=\s*[^=\s]+")
_TERMS = pattern(r"defaults|\S*/pkgs/(?:main|r|msys2)/?")
"""The channels whose owner wants terms accepted."""

_FOREIGN_PREFIX = pattern(r"[A-Za-z]:\\.*|/Users/.*|/opt/homebrew/.*", 0)


@positional
class CondaPackage:
    """One conda package that is asked for."""

    name: str
    spec: str
    line: int | None

    def place(self, path: str) -> Evidence:
        """Return where it stands."""
        return Evidence(path=path, line=self.line, text=f"{self.name}{self.spec}")


@positional
class CondaEnvironment:
    """What an environment.yml asks for."""

    packages: tuple[CondaPackage, ...] = ()
    unreadable: tuple[tuple[str, int | None], ...] = ()
    """Entries that are no package specification, with their lines."""
    pip: tuple[tuple[str, int | None], ...] | None = None
    """Lines of the ``pip`` section; ``None`` without one."""
    channels: tuple[tuple[str, int | None], ...] = ()
    prefix: tuple[str, int | None] | None = None
    """Where the environment lay on the machine that wrote the file."""
    problem: str | None = None
    problem_line: int | None = None

    def package(self, name: str) -> CondaPackage | None:
        """Return the package of a name, if it is asked for."""
        return next((package for package in self.packages if package.name == name), None)


def conda_environment(case: Case) -> CondaEnvironment:
    """Return the selected environment.yml, read once; a broken one is a problem of the result."""
    return case.once("streamlit.conda", lambda: _read(case, case.selection.manifest or ""))


def _read(case: Case, path: str) -> CondaEnvironment:
    from predeploy.app.marked_yaml import YamlProblem, load_marked

    try:
        document = load_marked(decode(case.tree.read(path)).text)
    except YamlProblem as error:
        return CondaEnvironment(problem=error.reason, problem_line=error.line)
    except Unreadable as error:
        return CondaEnvironment(problem=error.reason)
    data, lines = document.data, document.lines
    if not isinstance(data, dict):
        return CondaEnvironment(problem="is not a mapping", problem_line=1)
    for key in ("dependencies", "channels"):
        if not isinstance(data.get(key) or [], list):
            return CondaEnvironment(problem=f"{key} is not a list", problem_line=lines.get((key,)))
    prefix = data.get("prefix")
    return _listed(
        data.get("dependencies") or [],
        lines,
        channels=tuple(
            (str(item), lines.get(("channels", index)))
            for index, item in enumerate(data.get("channels") or [])
        ),
        prefix=(prefix, lines.get(("prefix",))) if isinstance(prefix, str) else None,
    )


def _listed(items: list[Any], lines: dict[Any, int], **others: Any) -> CondaEnvironment:
    packages: list[CondaPackage] = []
    unreadable: list[tuple[str, int | None]] = []
    pip: list[tuple[str, int | None]] | None = None
    for index, item in enumerate(items):
        line = lines.get(("dependencies", index))
        if isinstance(item, dict):
            if not isinstance(item.get("pip") or [], list) or set(item) != {"pip"}:
                return CondaEnvironment(problem="the only section is pip, with a list", problem_line=line)
            pip = pip or []
            for number, text in enumerate(item["pip"] or []):
                pip.append((str(text), lines.get(("dependencies", index, "pip", number))))
        elif match := _PACKAGE.fullmatch(_SIGNS.sub(r"\1", " ".join(str(item).split()))):
            packages.append(CondaPackage(match["name"].lower(), match["spec"], line))
        elif not _LEGACY.fullmatch(str(item).strip()):
            unreadable.append((str(item), line))
    section = tuple(pip) if pip is not None else None
    return CondaEnvironment(tuple(packages), tuple(unreadable), section, **others)


def _selected(case: Case) -> tuple[str, CondaEnvironment] | None:
    path = selected(case, "conda")
    environment = conda_environment(case) if path else None
    return (path, environment) if path and environment and environment.problem is None else None


def _hits(path: str, hits: Iterable[tuple[str, int | None]]) -> Outcome:
    places = [Evidence(path=path, line=line, text=text) for text, line in hits]
    return matched(bool(places), *places)


@predicate("streamlit.conda_invalid")
def conda_invalid(case: Case) -> Outcome:
    """Match when the selected environment.yml is not YAML that conda could take."""
    path = selected(case, "conda")
    environment = conda_environment(case) if path else CondaEnvironment()
    if path is None or environment.problem is None:
        return matched(False)
    return found(path, environment.problem_line, detail=environment.problem)


@predicate("streamlit.conda_unreadable_spec")
def conda_unreadable_spec(case: Case) -> Outcome:
    """Match for entries of environment.yml that are no package specification."""
    read = _selected(case)
    return _hits(read[0], read[1].unreadable) if read else matched(False)


@predicate("streamlit.conda_defaults")
def conda_defaults(case: Case) -> Outcome:
    """Match when environment.yml names the channel ``defaults``, or one that it stands for."""
    read = _selected(case)
    return _hits(read[0], (c for c in read[1].channels if _TERMS.fullmatch(c[0]))) if read else matched(False)


@predicate("streamlit.conda_channels_missing")
def conda_channels_missing(case: Case) -> Outcome:
    """Match when environment.yml names no channel, so that conda's own setting decides."""
    read = _selected(case)
    named = [name for name, _ in read[1].channels if name != "nodefaults"] if read else []
    return found(read[0]) if read and read[1].packages and not named else matched(False)


@predicate("streamlit.conda_without_streamlit")
def conda_without_streamlit(case: Case) -> Outcome:
    """Match when environment.yml lists streamlit neither for conda nor for pip."""
    read = _selected(case)
    if read is None or read[1].package(STREAMLIT):
        return matched(False)
    for text, _ in read[1].pip or ():
        if text.lstrip().startswith("-") or parse_requirement(text).name == STREAMLIT:
            return matched(False)
    return found(read[0])


@predicate("streamlit.conda_without_python")
def conda_without_python(case: Case) -> Outcome:
    """Match when environment.yml has a pip section, and neither Python nor pip among its packages."""
    read = _selected(case)
    if read is None or not read[1].pip or read[1].package("python") or read[1].package("pip"):
        return matched(False)
    return found(read[0])


@predicate("streamlit.conda_python_open")
def conda_python_open(case: Case) -> Outcome:
    """Match when environment.yml does not say which Python it wants."""
    read = _selected(case)
    python = read[1].package("python") if read else None
    return (
        found(read[0])
        if read and read[1].packages and (python is None or not python.spec)
        else matched(False)
    )


@predicate("streamlit.conda_build_strings")
def conda_build_strings(case: Case) -> Outcome:
    """Match when environment.yml carries build strings, which belong to the system it was exported on."""
    read = _selected(case)
    if read is None:
        return matched(False)
    path, environment = read
    places = [p.place(path) for p in environment.packages if _BUILD_STRING.fullmatch(p.spec)]
    return matched(bool(places), *places)


@predicate("streamlit.conda_foreign_prefix")
def conda_foreign_prefix(case: Case) -> Outcome:
    """Match when environment.yml was exported on Windows or macOS, as its prefix tells."""
    read = _selected(case)
    prefix = read[1].prefix if read else None
    foreign = prefix is not None and _FOREIGN_PREFIX.fullmatch(prefix[0]) is not None
    return _hits(read[0], [prefix]) if read and prefix and foreign else matched(False)


@predicate("streamlit.conda_requires_any")
def conda_requires_any(case: Case, *, names_from: str) -> Outcome:
    """Match when environment.yml asks conda for a name of this list."""
    read = _selected(case)
    names = set(case.snapshot.lists.get(names_from, ()))
    places = [p.place(read[0]) for p in read[1].packages if p.name in names] if read else []
    return matched(bool(places), *places)
