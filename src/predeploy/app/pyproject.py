"""pyproject.toml: what the app declares, and where."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from predeploy.app.requirement import canonical, parse_requirement
from predeploy.app.text import Problem
from predeploy.app.toml import TomlFile, read_toml
from predeploy.app.tree import Tree
from predeploy.record import field, positional, record


@record
class Dependency:
    """One requirement of a pyproject.toml."""

    text: str
    """As written; may hold credentials."""
    name: str | None
    """Canonical name, ``None`` when the text is not a requirement."""
    line: int | None
    """Line it was found on."""
    problem: str | None = None
    """Why it is not a requirement."""


@positional
class Pyproject:
    """A pyproject.toml, read leniently: a value of the wrong type counts as absent."""

    path: str
    exists: bool = False
    problem: Problem | None = None
    """Why it cannot be parsed; everything else is then empty."""
    file: TomlFile = field(default_factory=TomlFile)
    """The parsed file; its data is shared, do not change it."""

    def table(self, *path: str) -> dict[str, Any]:
        """Return a table, empty when there is none."""
        value = self.value(*path)
        return value if isinstance(value, dict) else {}

    def has_table(self, *path: str) -> bool:
        """Return whether there is a table, though it be empty."""
        return isinstance(self.value(*path), dict)

    def value(self, *path: str) -> Any:
        """Return whatever stands at a path of keys, ``None`` when nothing does."""
        value: Any = self.file.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def text(self, *path: str) -> str | None:
        """Return a string, ``None`` when there is none."""
        value = self.value(*path)
        return value if isinstance(value, str) else None

    def line(self, *path: str) -> int | None:
        """Return the line of a table or key."""
        return self.file.line(*path)

    @cached_property
    def dependencies(self) -> tuple[Dependency, ...]:
        """``project.dependencies``."""
        return self._dependencies("project", "dependencies")

    @cached_property
    def optional_dependencies(self) -> dict[str, tuple[Dependency, ...]]:
        """``project.optional-dependencies`` by extra."""
        groups = self.table("project", "optional-dependencies")
        return {name: self._dependencies("project", "optional-dependencies", name) for name in groups}

    @cached_property
    def dependency_groups(self) -> dict[str, tuple[Dependency, ...]]:
        """``dependency-groups`` by name, ``include-group`` entries left out."""
        return {
            name: self._dependencies("dependency-groups", name) for name in self.table("dependency-groups")
        }

    def names(self) -> frozenset[str]:
        """Return the canonical names in ``project.dependencies``."""
        return frozenset(dependency.name for dependency in self.dependencies if dependency.name)

    @cached_property
    def poetry_dependencies(self) -> frozenset[str]:
        """Canonical names in ``tool.poetry.dependencies``, without ``python``."""
        return _names(self.table("tool", "poetry", "dependencies"))

    @cached_property
    def poetry_groups(self) -> dict[str, frozenset[str]]:
        """Canonical names by Poetry dependency group; ``dev-dependencies`` is the group ``dev``."""
        groups = {
            name: _names(self.table("tool", "poetry", "group", name, "dependencies"))
            for name in self.table("tool", "poetry", "group")
        }
        old = _names(self.table("tool", "poetry", "dev-dependencies"))
        return {**groups, "dev": groups.get("dev", frozenset()) | old} if old else groups

    @property
    def poetry_python(self) -> str | None:
        """``tool.poetry.dependencies.python``, as written."""
        return self.text("tool", "poetry", "dependencies", "python")

    @property
    def requires_python(self) -> str | None:
        """``project.requires-python``, as written."""
        return self.text("project", "requires-python")

    @property
    def build_backend(self) -> str | None:
        """``build-system.build-backend``; ``None`` means setuptools by default."""
        return self.text("build-system", "build-backend")

    @property
    def scripts(self) -> dict[str, str]:
        """``project.scripts``."""
        return _texts(self.table("project", "scripts"))

    @property
    def poetry_scripts(self) -> dict[str, str]:
        """``tool.poetry.scripts``, the ones that are plain strings."""
        return _texts(self.table("tool", "poetry", "scripts"))

    def tool(self, *path: str) -> dict[str, Any]:
        """Return a table below ``tool``, empty when there is none."""
        return self.table("tool", *path)

    def _dependencies(self, *path: str) -> tuple[Dependency, ...]:
        value = self.value(*path)
        texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
        lines = _item_lines(self.file.text, self.line(*path), texts) if texts else []
        found = []
        for text, line in zip(texts, lines, strict=True):
            parsed = parse_requirement(text)
            found.append(Dependency(text=text, name=parsed.name, line=line, problem=parsed.problem))
        return tuple(found)


def read_pyproject(tree: Tree, path: str = "pyproject.toml") -> Pyproject:
    """Return the pyproject.toml; an absent one is no problem, an invalid one is."""
    if not tree.exists(path):
        return Pyproject(path)
    file = read_toml(tree, path)
    return Pyproject(path, exists=True, problem=file.problem, file=file)


def _names(table: dict[str, Any]) -> frozenset[str]:
    return frozenset(canonical(name) for name in table if name.lower() != "python")


def _texts(table: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _item_lines(text: str, start: int | None, items: list[str]) -> list[int | None]:
    """Return the lines of an array's strings, searched onwards from the array's own line."""
    if start is None:
        return [None] * len(items)
    position = 0
    for _ in range(start - 1):
        position = text.find("\n", position) + 1
    found: list[int | None] = []
    line, counted = start, position
    for item in items:
        at = min((p for q in ('"', "'") if (p := text.find(f"{q}{item}{q}", position)) >= 0), default=-1)
        if at < 0:
            # Written with escapes: the array's line will do.
            found.append(start)
            continue
        line += text.count("\n", counted, at)
        counted, position = at, at + len(item) + 2
        found.append(line)
    return found
