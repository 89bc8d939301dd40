"""Which Python a Google function gets: the runtime id, and the constraints of the build variables.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), pkg/python and cmd/python/runtime.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def runtime_id(case: Case) -> str | None:
    """Return the runtime id given by the setting or ``GOOGLE_RUNTIME``; ``None`` when neither says one."""
    return case.setting("runtime") or None


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
    return minor or case.snapshot.python_default or ""


def at_least(case: Case, minor: str) -> bool:
    """Return whether the requested text reads as a version not below ``minor``; a range never does."""
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+)\S*)?", requested_text(case).replace("*", "0"))
    if match is None:
        return False
    return (int(match[1]), int(match[2] or 0)) >= numbers(minor)


@grammar("cloud_functions.variable")
def variable(case: Case, origin: str) -> PythonRequest | None:
    """Read a build variable: a full version is taken as it is, anything else is a constraint."""
    text = case.env.get(origin)
    if not text:
        return None
    evidence = (Evidence(path=origin, text=text[:100]),)
    if PRERELEASE.fullmatch(text):
        return PythonRequest(origin=origin, problem="prerelease", detail=text, evidence=evidence)
    exact = EXACT.fullmatch(text)
    version = ".".join(exact.groups()) if exact else solve(text, case.snapshot.releases)
    if version is None:
        return PythonRequest(origin=origin, problem="invalid-version", detail=text[:100], evidence=evidence)
    plain = re.fullmatch(r"\d+\.\d+", text) is not None
    return PythonRequest(origin=origin, version=text if plain else version, evidence=evidence)


@grammar("cloud_functions.runtime")
def runtime(case: Case, origin: str) -> PythonRequest | None:
    """Read the minor version that the runtime id stands for."""
    given = runtime_id(case)
    minor = runtime_minor(given) if given else None
    if given is None or minor is None:
        return None
    return PythonRequest(origin=origin, version=minor, evidence=(Evidence(path="runtime", text=given),))


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


@predicate("cloud_functions.runtime_is")
def runtime_is(case: Case, *, names: Words) -> Outcome:
    """Match when the runtime id, given or by default, is one of these."""
    minor = case.snapshot.python_default or ""
    return matched((runtime_id(case) or f"python{minor.replace('.', '')}") in words(names))


@predicate("cloud_functions.runtime_unknown")
def runtime_unknown(case: Case) -> Outcome:
    """Match when the runtime id is not one that the platform has on that day."""
    given = runtime_id(case)
    if given is None or given in case.snapshot.lists.get("runtimes", ()):
        return matched(False)
    return Match((Evidence(path="runtime", text=given),), given)


@predicate("cloud_functions.not_published")
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
