"""Streamlit Community Cloud: system libraries that the image lacks, and what the app takes of memory."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from predeploy.app.requirement import canonical
from predeploy.hosts.streamlit_requirements import applying, place
from predeploy.hosts.streamlit_selection import entrypoint
from predeploy.hosts.streamlit_system import brought_libraries
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    from predeploy.model.execution import MissingLibrary

MEGABYTE = 1024 * 1024


@predicate("streamlit.needs_libgl")
def needs_libgl(case: Case, *, imported: bool) -> Outcome:
    """Match when OpenCV with its window code is asked for, and packages.txt brings no libGL.

    ``imported``: only where the app imports ``cv2`` at once, or only where that cannot be seen.
    """
    names = {canonical(name) for name in case.snapshot.lists.get("opencv-with-windows", ())}
    lines = [line for line in applying(case) if line.name in names and not line.constraint]
    if not lines or ("cv2" in _imported(case)) is not imported or "libgl1" in brought_libraries(case):
        return matched(False)
    names_shown = ", ".join(dict.fromkeys(line.name or "" for line in lines))
    return Match(tuple(map(place, lines)), names_shown)


def _imported(case: Case) -> frozenset[str]:
    """Return the top-level modules that the app imports whenever it starts."""
    from predeploy.app.imports import closure

    path = entrypoint(case).path
    if path is None:
        return frozenset()
    reached = case.once("streamlit.closure", lambda: closure(case.tree, (path,), (posixpath.dirname(path),)))
    return frozenset(
        found.module.split(".")[0]
        for file in reached
        if file.certain
        for found in file.imports
        if found.always_runs and not found.level
    )


# --- what is installed ------------------------------------------------------------------------------


def _missing(case: Case) -> list[MissingLibrary]:
    """Return the installed shared objects that lack a library which packages.txt does not bring either."""
    missing = (case.execution.missing_libraries if case.execution else None) or ()
    packages, brought = case.snapshot.extra.get("libraries", {}), brought_libraries(case)
    return [item for item in missing if packages.get(item.library) not in brought]


def _absent(case: Case, item: MissingLibrary) -> bool:
    return item.library in case.snapshot.lists.get("absent-libraries", ())


@predicate("streamlit.library_missing")
def library_missing(case: Case, *, kind: Literal["imported", "absent", "unknown"]) -> Outcome:
    """Match when an installed wheel needs a system library that nothing brings.

    ``imported``: the image is known to lack it, and the app imports that module at once; ``absent``: it is
    known to lack it; ``unknown``: whether it has it is not known.
    """
    missing = _missing(case)
    surely = [
        item for item in missing if _absent(case, item) and item.direct and item.module in _imported(case)
    ]
    if kind == "imported":
        return _shown(case, surely)
    certain = {item.library for item in surely}
    others = [
        item for item in missing if item.library not in certain and _absent(case, item) == (kind == "absent")
    ]
    if kind == "unknown":
        # What no package of Debian's usual ones has, such as a graphics driver, is looked for and not needed.
        others = [item for item in others if item.library in case.snapshot.extra.get("libraries", {})]
    return _shown(case, others)


@predicate("streamlit.library_loaded")
def library_loaded(case: Case) -> Outcome:
    """Match when the running app had loaded a shared object that lacks a library on the host."""
    boot = case.execution.boot if case.execution else None
    loaded = boot.loaded if boot else frozenset()
    return _shown(case, [item for item in _missing(case) if item.path in loaded and _absent(case, item)])


def _shown(case: Case, items: Iterable[MissingLibrary]) -> Outcome:
    by_library: dict[str, list[str]] = {}
    for item in items:
        by_library.setdefault(item.library, []).append(item.path)
    places = [Evidence(path=paths[0], text=library) for library, paths in by_library.items()]
    packages = case.snapshot.extra.get("libraries", {})
    texts = [
        f"{library} for {paths[0]}"
        + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
        + (f" (package {packages[library]})" if library in packages else "")
        for library, paths in by_library.items()
    ]
    return matched(bool(places), *places, detail=", ".join(texts[:8]))


# --- memory -----------------------------------------------------------------------------------------


@predicate("streamlit.memory_measured")
def memory_measured(case: Case) -> Outcome:
    """Match when the app's memory was measured, at rest and at its peak."""
    boot = case.execution.boot if case.execution else None
    if boot is None or boot.memory_at_rest is None or boot.memory_peak is None:
        return matched(False)
    at_rest, peak = boot.memory_at_rest / MEGABYTE, boot.memory_peak / MEGABYTE
    return Match((), f"{at_rest:.0f} MB at rest, {peak:.0f} MB at its peak")
