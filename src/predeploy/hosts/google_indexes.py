"""Private Artifact Registry indexes: only pip's way of installing is given credentials for them.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), pkg/ar.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from predeploy.hosts.google_manifest import mode, pyproject
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate

REGISTRY = pattern(r"[a-z0-9-]+-python\.pkg\.dev")
"""The host of a region's Python repositories."""

INDEX_OPTIONS = frozenset({"--index-url", "--extra-index-url", "--find-links"})


@predicate("google.artifact_registry")
def artifact_registry(case: Case, *, modes: Words) -> Outcome:
    """Match when the app is installed in one of these ways and names an index of Artifact Registry."""
    if mode(case) not in words(modes):
        return matched(False)
    places = tuple(place for place, text in _indexes(case) if REGISTRY.search(text))
    return matched(bool(places), *places)


def _indexes(case: Case) -> Iterator[tuple[Evidence, str]]:
    """Yield the indexes the app names, without showing them: an address may hold a password."""
    for name, value in case.env.items():
        if name.startswith(("PIP_", "UV_", "POETRY_")):
            yield Evidence(path=name), value
    if case.selection.manifest == "requirements.txt":
        from predeploy.app.requirements import read_requirements

        name = "requirements.txt"
        read = case.once(f"requirements:{name}", lambda: read_requirements(case.tree, name))
        for option in read.options:
            if option.name in INDEX_OPTIONS:
                yield Evidence(path=option.path, line=option.line), option.value
    elif case.selection.manifest == "pyproject.toml":
        for path in (("tool", "uv", "index"), ("tool", "poetry", "source")):
            for table in _tables(pyproject(case).value(*path)):
                line = pyproject(case).line(*path)
                yield Evidence(path="pyproject.toml", line=line), str(table.get("url", ""))


def _tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
