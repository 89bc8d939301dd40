"""Pipfile and Pipfile.lock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predeploy.app.jsonfile import read_json
from predeploy.app.requirement import canonical
from predeploy.app.text import Problem
from predeploy.app.toml import TomlFile, read_toml
from predeploy.app.tree import Tree
from predeploy.record import record


@record
class PipfilePackage:
    """One package of a Pipfile or its lock."""

    name: str
    """Canonical name."""
    spec: str
    """Version as written; ``*`` when none is given."""
    line: int | None = None
    """Line in the Pipfile; ``None`` in a lock."""
    url: str | None = None
    """Repository, file or path it comes from; may hold credentials."""
    marker: str | None = None
    """Environment marker, as written."""


@record
class Pipfile:
    """A Pipfile or Pipfile.lock."""

    path: str
    exists: bool = True
    packages: tuple[PipfilePackage, ...] = ()
    """``[packages]``, or ``default`` of a lock."""
    dev_packages: tuple[PipfilePackage, ...] = ()
    """``[dev-packages]``, or ``develop`` of a lock."""
    python_version: str | None = None
    """``requires.python_version``, when it is text."""
    python_full_version: str | None = None
    """``requires.python_full_version``, when it is text."""
    content_hash: str | None = None
    """``_meta.hash.sha256`` of a lock."""
    requires_line: int | None = None
    """Line of the wanted Python in the Pipfile."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the file; the first one first."""

    def names(self) -> frozenset[str]:
        """Return the canonical names of the packages, without the ones for development."""
        return frozenset(package.name for package in self.packages)


def read_pipfile(tree: Tree, path: str = "Pipfile") -> Pipfile:
    """Return the Pipfile; an absent one is no problem, an invalid one is."""
    if not tree.exists(path):
        return Pipfile(path=path, exists=False)
    file = read_toml(tree, path)
    if file.problem:
        return Pipfile(path=path, problems=(file.problem,))
    notes = _Notes(path)
    requires = notes.table(file.data, "requires")
    keys = [key for key in ("python_full_version", "python_version") if key in requires]
    return Pipfile(
        path=path,
        packages=_packages(notes, file.data, "packages", file),
        dev_packages=_packages(notes, file.data, "dev-packages", file),
        python_version=notes.text(requires, "python_version"),
        python_full_version=notes.text(requires, "python_full_version"),
        requires_line=file.line("requires", keys[0]) if keys else None,
        problems=tuple(notes.problems),
    )


def read_pipfile_lock(tree: Tree, path: str = "Pipfile.lock") -> Pipfile:
    """Return the lock of a Pipfile; an absent one is no problem, an invalid one is."""
    if not tree.exists(path):
        return Pipfile(path=path, exists=False)
    file = read_json(tree, path)
    if file.problem:
        return Pipfile(path=path, problems=(file.problem,))
    if not isinstance(file.data, dict):
        return Pipfile(path=path, problems=(Problem(path=path, line=1, reason="is not a JSON object"),))
    notes = _Notes(path)
    meta = notes.table(file.data, "_meta")
    requires = notes.table(meta, "requires")
    return Pipfile(
        path=path,
        packages=_packages(notes, file.data, "default", None),
        dev_packages=_packages(notes, file.data, "develop", None),
        python_version=notes.text(requires, "python_version"),
        python_full_version=notes.text(requires, "python_full_version"),
        content_hash=notes.text(notes.table(meta, "hash"), "sha256"),
        problems=tuple(notes.problems),
    )


class _Notes:
    """Takes values of the expected type and notes the others."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def wrong(self, key: str, wanted: str) -> None:
        self.problems.append(Problem(path=self.path, reason=f"has a {key} that is not {wanted}"))

    def table(self, data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = data.get(key)
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong(key, "a table")
        return {}

    def text(self, data: Mapping[str, Any], key: str) -> str | None:
        value = data.get(key)
        if value is None or isinstance(value, str):
            return value
        self.wrong(key, "a string")
        return None


def _packages(
    notes: _Notes, data: Mapping[str, Any], section: str, file: TomlFile | None
) -> tuple[PipfilePackage, ...]:
    lines = file.lines_below(section) if file else {}
    found: list[PipfilePackage] = []
    for name, value in notes.table(data, section).items():
        if not isinstance(value, str | dict):
            notes.wrong(f"{section}.{name}", "a string or a table")
            continue
        found.append(_package(name, value, lines.get(name)))
    return tuple(found)


def _package(name: str, value: str | dict[str, Any], line: int | None) -> PipfilePackage:
    if isinstance(value, str):
        return PipfilePackage(name=canonical(name), spec=value or "*", line=line)

    def text(*keys: str) -> str | None:
        return next((value[key] for key in keys if isinstance(value.get(key), str)), None)

    return PipfilePackage(
        name=canonical(name),
        spec=text("version") or "*",
        line=line,
        url=text("git", "hg", "svn", "bzr", "file", "path"),
        marker=text("markers"),
    )
