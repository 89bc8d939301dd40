"""How a manifest and a Python are chosen, for hosts that need no function of their own."""

from __future__ import annotations

from collections.abc import Sequence

from predeploy.model.decisions import PythonChoice, PythonRequest, Selection
from predeploy.model.profile import ManifestFile
from predeploy.model.snapshot import HostSnapshot
from predeploy.rules.case import Case
from predeploy.rules.registry import GRAMMARS, grammar, lookup, selector


@selector("first_match")
def first_match(case: Case) -> Selection:
    """Take the first accepted file of the root directory."""
    present = [entry for entry in case.snapshot.accept if case.tree.is_file(entry.file)]
    if not present:
        return Selection(problem="none", reason="no dependency file that this host reads")
    return first_of(present, "comes first in this host's order")


def first_of(present: Sequence[ManifestFile], because: str) -> Selection:
    """Return the choice of the first of several files; ``because`` goes on from its name."""
    winner, *others = present
    return Selection(
        manifest=winner.file,
        installer=winner.installer,
        candidates=tuple(entry.file for entry in present),
        ignored=tuple(entry.file for entry in others),
        reason=f"{winner.file} {because}",
    )


@grammar("setting")
def setting(case: Case, origin: str) -> PythonRequest | None:
    """Read the setting ``python`` of the platform."""
    value = case.setting("python")
    return PythonRequest(origin=origin, version=value) if value else None


@grammar("default")
def default(case: Case, origin: str) -> PythonRequest | None:
    """Fall back to the host's default of the day."""
    value = case.snapshot.python_default
    return PythonRequest(origin=origin, version=value) if value else None


def choose_python(case: Case) -> PythonChoice:
    """Ask the host's sources in order; the first that says something decides."""
    for source in case.snapshot.python_sources:
        read = lookup(GRAMMARS, "grammar", source.grammar)
        request: PythonRequest | None = read(case, source.origin)
        if request is not None:
            return resolve(request, case.snapshot)
    return PythonChoice(problem="none", origin="none", detail="no version is asked for")


def resolve(request: PythonRequest, snapshot: HostSnapshot) -> PythonChoice:
    """Turn a request into the patch release the host takes on that day.

    Problems: those of the grammar, ``eol`` (older than anything offered, or removed), ``unknown-major``
    (no such minor on this host), ``unknown-patch`` (newer than the newest the host has), ``not-recorded``
    (the profile does not know whether the host had it on that day) and ``patch-not-recorded`` (it had the
    minor, but which patch is not known).
    """
    version, problem, resolved = request.version, request.problem, None
    detail = request.detail
    if version is not None and problem is None:
        resolved, problem = _lookup(version, snapshot)
        if problem:
            whole = problem in {"unknown-patch", "not-recorded"}
            detail = version if whole else ".".join(version.split(".")[:2])
    return PythonChoice(
        requested=version,
        origin=request.origin,
        resolved=resolved,
        problem=problem,
        detail=detail,
        evidence=request.evidence,
    )


def _lookup(version: str, snapshot: HostSnapshot) -> tuple[str | None, str | None]:
    parts = numbers(version)
    minor = ".".join(version.split(".")[:2])
    newest = snapshot.releases.get(minor)
    if newest is None:
        offered = [numbers(known) for known in snapshot.releases]
        too_old = minor in snapshot.removed or (bool(offered) and parts[:2] < min(offered))
        return None, "eol" if too_old else "unknown-major"
    low, high = span(newest)
    if len(parts) == 2:
        return (newest, None) if low == high else (None, "patch-not-recorded")
    if parts > numbers(snapshot.archives.get(minor, high)):
        return None, "unknown-patch"
    recorded = low == high or (low is not None and parts <= numbers(low))
    return (version, None) if recorded else (None, "not-recorded")


def span(newest: str) -> tuple[str | None, str]:
    """Return between which patches the newest lies: ``3.9.4``, or ``3.9.4..3.9.6`` where that is all we know.

    Without a lower end (``..3.4.8``) it is not even recorded whether the host had the minor at all.
    """
    low, dots, high = newest.partition("..")
    return (low or None, high) if dots else (newest, newest)


def numbers(version: str) -> tuple[int, ...]:
    """Return ``3.12.1`` as ``(3, 12, 1)``; parts of a billion and more count as a billion."""
    # Python refuses to read numbers of thousands of digits, which a hostile file may hold.
    return tuple(int(part) if len(part) < 10 else 10**9 for part in version.split("."))
