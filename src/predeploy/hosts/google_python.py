"""Which Python Google's builder takes: the runtime id, build variables and .python-version as constraints.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), pkg/python and cmd/python/runtime.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from predeploy.app.tree import Unreadable
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import PythonRequest
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.choice import numbers
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import grammar, predicate

Version = tuple[int, int, int]

RUNTIME = pattern(r"python(\d)(\d+)")
EXACT = pattern(r"v?(\d+)\.(\d+)\.(\d+)")
PRERELEASE = pattern(r"\d+\.\d+\.\d+(?:a|b|rc)\d+")
CONSTRAINT = pattern(
    r"\s*+(=|!=|>|<|>=|=>|<=|=<|~|~>|\^|)\s*+v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?\s*"
)
HYPHEN = pattern(r"\s*(\S+)\s+-\s+(\S+)\s*")

BEYOND_DOUBT = 12
"""Patch releases above the newest we know from which on a number cannot exist yet: a year's worth."""


RUNTIME_FILES: dict[str, Callable[[Case], Evidence | None]] = {}
"""How a product's own file says the runtime id, by the file's name in the profile (``runtime-file``)."""


def runtime_said(case: Case) -> Evidence | None:
    """Return the runtime id and where it stands: the setting, ``GOOGLE_RUNTIME``, else the product's file."""
    given = case.setting("runtime")
    if given:
        return Evidence(path="runtime", text=given)
    read = RUNTIME_FILES.get(case.snapshot.extra.get("runtime-file", ""))
    return read(case) if read is not None else None


def runtime_id(case: Case) -> str | None:
    """Return the runtime id; ``None`` when nothing says one."""
    said = runtime_said(case)
    return said.text if said is not None else None


def runtime_minor(runtime: str) -> str | None:
    """Return ``3.12`` for ``python312``; ``None`` for another word."""
    match = RUNTIME.fullmatch(runtime)
    return f"{match[1]}.{match[2]}" if match else None


def requested_text(case: Case) -> str:
    """Return the requested version as the builder compares it: a variable's text, else the runtime's."""
    for name in ("GOOGLE_PYTHON_VERSION", "GOOGLE_RUNTIME_VERSION"):
        if case.env.get(name):
            return case.env[name]
    minor = runtime_minor(runtime_id(case) or "")
    return minor or version_file_text(case) or stack_default(case) or ""


def stack_default(case: Case) -> str | None:
    """Return the minor version when nothing is asked for: that of the stack, where the product has one."""
    stacks: dict[str, str] = case.snapshot.extra.get("stacks", {})
    return stacks.get(case.setting("stack") or "", case.snapshot.python_default)


def version_file_text(case: Case) -> str | None:
    """Return what ``.python-version`` says, where this product reads it; ``None`` when it is not there."""
    read = any(source.grammar == "google.version_file" for source in case.snapshot.python_sources)
    if not read or not case.tree.is_file(".python-version"):
        return None
    try:
        return case.tree.read(".python-version").decode("utf-8", "replace").strip()
    except Unreadable:
        return None


def at_least(case: Case, minor: str) -> bool:
    """Return whether the requested text reads as a version not below ``minor``; a range never does."""
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+)\S*)?", requested_text(case).replace("*", "0"))
    if match is None:
        return False
    return (int(match[1]), int(match[2] or 0)) >= numbers(minor)


@grammar("google.variable")
def variable(case: Case, origin: str) -> PythonRequest | None:
    """Read a build variable: a full version is taken as it is, anything else is a constraint."""
    text = case.env.get(origin)
    return _constrained(case, origin, text) if text else None


@grammar("google.version_file")
def version_file(case: Case, origin: str) -> PythonRequest | None:
    """Read ``.python-version``, whose whole text is one version or constraint."""
    text = version_file_text(case)
    if text == "":
        evidence = (Evidence(path=origin),)
        return PythonRequest(origin=origin, problem="empty", detail=origin, evidence=evidence)
    return _constrained(case, origin, text) if text else None


@grammar("google.stack")
def stack(case: Case, origin: str) -> PythonRequest | None:
    """Take the default of the stack that the app is built on."""
    value = stack_default(case)
    return PythonRequest(origin=origin, version=value) if value else None


def _constrained(case: Case, origin: str, text: str) -> PythonRequest:
    line = 1 if case.tree.is_file(origin) else None
    evidence = (Evidence(path=origin, line=line, text=text[:100]),)
    if PRERELEASE.fullmatch(text):
        return PythonRequest(origin=origin, problem="prerelease", detail=text, evidence=evidence)
    exact = EXACT.fullmatch(text)
    version = ".".join(exact.groups()) if exact else solve(text, case.snapshot.releases)
    if version is None:
        return PythonRequest(origin=origin, problem="invalid-version", detail=text[:100], evidence=evidence)
    plain = re.fullmatch(r"\d+\.\d+", text) is not None
    return PythonRequest(origin=origin, version=text if plain else version, evidence=evidence)


@grammar("google.runtime")
def runtime(case: Case, origin: str) -> PythonRequest | None:
    """Read the minor version that the runtime id stands for."""
    said = runtime_said(case)
    minor = runtime_minor(said.text or "") if said else None
    if said is None or minor is None:
        return None
    return PythonRequest(origin=origin, version=minor, evidence=(said,))


def solve(text: str, releases: dict[str, str]) -> str | None:
    """Return the newest release that meets a constraint; ``None`` when it is invalid or nothing does.

    ``releases`` names the newest patch per minor; the lower patches count as published too.
    """
    alternatives = [_parse(part) for part in text.split("||")]
    if any(alternative is None for alternative in alternatives):
        return None
    for version in _published(releases):
        if any(all(_meets(version, *test) for test in tests or ()) for tests in alternatives):
            return ".".join(map(str, version))
    return None


Parts = tuple[int | None, ...]


def _parse(text: str) -> list[tuple[str, Parts]] | None:
    ranged = HYPHEN.fullmatch(text)
    if ranged is not None:
        text = f">={ranged[1]},<={ranged[2]}"
    tests: list[tuple[str, Parts]] = []
    for piece in text.split(","):
        match = CONSTRAINT.fullmatch(piece)
        if match is None:
            return None
        parts = tuple(int(part) if part and part.isdigit() else None for part in match.groups()[1:])
        tests.append((match[1], parts))
    return tests


def _published(releases: dict[str, str]) -> Iterator[Version]:
    for minor in sorted(releases, key=numbers, reverse=True):
        major, second, newest = numbers(releases[minor])
        for patch in range(newest, -1, -1):
            yield (major, second, patch)


def _meets(version: Version, operator: str, parts: Parts) -> bool:
    known = parts[: parts.index(None)] if None in parts else parts
    given = tuple(part for part in known if part is not None)
    floor = (*given, *(0,) * (3 - len(given)))
    prefix = version[: len(given)] == given
    if operator in {"", "="}:
        return prefix
    if operator == "!=":
        return not prefix
    if operator in {"~", "~>"}:
        return version >= floor and version[: min(2, len(given))] == given[:2]
    if operator == "^":
        return version >= floor and version[:1] == given[:1]
    if operator in {"<=", "=<"}:
        return version <= floor or prefix
    if operator in {">=", "=>"}:
        return version >= floor
    return version > floor if operator == ">" else version < floor


@predicate("google.runtime_is")
def runtime_is(case: Case, *, names: Words) -> Outcome:
    """Match when the runtime id, given or by default, is one of these."""
    minor, said = case.snapshot.python_default or "", runtime_said(case)
    given = said.text if said else f"python{minor.replace('.', '')}"
    return matched(given in words(names), *((said,) if said and said.line else ()))


@predicate("google.runtime_unknown")
def runtime_unknown(case: Case) -> Outcome:
    """Match when the runtime id is not one that the platform has on that day."""
    said = runtime_said(case)
    if said is None or said.text in case.snapshot.lists.get("runtimes", ()):
        return matched(False)
    return Match((said,), said.text)


@predicate("google.not_published")
def not_published(case: Case, *, certain: bool) -> Outcome:
    """Match when a full version is not among the releases we know; ``certain``: it cannot exist either."""
    choice = case.python
    if choice.problem not in {"prerelease", "eol", "unknown-major", "unknown-patch"}:
        return matched(False)
    surely = choice.problem == "unknown-patch" and _beyond_doubt(choice.requested or "", case)
    return matched(surely is certain, *choice.evidence, detail=choice.detail)


def _beyond_doubt(version: str, case: Case) -> bool:
    minor, _, patch = version.rpartition(".")
    newest = case.snapshot.releases.get(minor)
    return newest is not None and int(patch) > numbers(newest)[2] + BEYOND_DOUBT


@predicate("google.no_python_files")
def no_python_files(case: Case, *, runtime_is_said: bool) -> Outcome:
    """Match when nothing says the runtime and the upload holds no Python file.

    ``runtime_is_said``: the platform always says one, so that only a variable declared empty is none.
    """
    given = case.env.get("GOOGLE_RUNTIME")
    unsaid = given == "" or (given is None and not runtime_is_said)
    return matched(unsaid and not runtime_id(case) and not case.tree.has_python)
