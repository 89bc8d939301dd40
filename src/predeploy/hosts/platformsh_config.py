"""Platform.sh's configuration: where its files lie, what they say, and the line each word stands on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any

from predeploy.app.marked_yaml import MarkedDocument, YamlProblem, load_marked
from predeploy.app.text import decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.record import field, positional, record, replace

APP_FILE = ".platform.app.yaml"
DIRECTORY = ".platform"
APPLICATIONS = ".platform/applications.yaml"
SERVICES = ".platform/services.yaml"
ROUTES = ".platform/routes.yaml"
UPSUN = ".upsun"

INCLUDE_TYPES = ("yaml", "string", "binary", "archive")
MAX_INCLUDES = 20
"""Files including one another; a deeper chain is taken for a circle."""

NEVER_APPS = frozenset({".git", "node_modules", "__pycache__", ".venv", "venv"})
"""Directories not searched for app files."""


@positional
class ConfigProblem:
    """One thing that validation of the configuration says."""

    id: str
    """The reason id."""
    path: str
    line: int | None
    detail: str
    """What stands there, in a few words."""
    known: tuple[str, ...] = field(default=(), compare=False)
    """Where the detail ends with a word that is none of these: what may have been meant."""

    @property
    def text(self) -> str:
        """Return the detail with the nearest known word."""
        from predeploy.errors import suggestion

        word = re.split(r"[\s.:]", self.detail.rstrip("'"))[-1].lstrip("'")
        return f"{self.detail}{suggestion(word[:80], self.known[:200])}" if self.known else self.detail


@positional
class Part:
    """A value of a configuration file, and where it stands."""

    file: str
    data: Any
    document: MarkedDocument = field(default_factory=lambda: MarkedDocument(None))
    at: tuple[Hashable, ...] = ()
    others: tuple[Part, ...] = ()
    """The same mapping in further files: the last one that has an entry gives it."""
    below: int | None = field(default=None, compare=False)
    """A line inside of the value that is meant."""

    @property
    def line(self) -> int | None:
        """Return the line of the value's key, or the one inside of it that is meant."""
        return self.below if self.below is not None else self.document.line(self.at)

    def at_line(self, line: int | None) -> Part:
        """Return this part for a problem at one of its lines."""
        return replace(self, below=line)

    @property
    def key(self) -> str:
        """Return the value's own key, or an empty text for a whole file."""
        return str(self.at[-1]) if self.at else ""

    @property
    def name(self) -> str:
        """Return the keys that lead here, joined with dots."""
        return ".".join(str(key) for key in self.at)

    def get(self, *keys: Hashable) -> Part:
        """Return the part below these keys; its data is ``None`` where there is none."""
        having = [part for part in self.others if keys and keys[0] in part.data]
        if having:
            return having[-1].get(*keys)
        data = self.data
        for key in keys:
            data = data.get(key) if isinstance(data, dict) else None
        return replace(self, data=data, at=(*self.at, *keys))

    def entries(self) -> Iterator[tuple[str, Part]]:
        """Yield the entries of a mapping; keys that start with a dot are not there for the host."""
        for key in self.data if isinstance(self.data, dict) else ():
            if not str(key).startswith("."):
                yield str(key), self.get(key)

    def says(self, id_: str, detail: str, known: Iterable[str] = ()) -> ConfigProblem:
        """Return a problem at this place; ``known`` are words that its last one may mean."""
        return ConfigProblem(id_, self.file, self.line, detail, tuple(known))


@positional
class App:
    """One application of the project."""

    name: str
    """Empty when it has none."""
    part: Part
    root: str
    """Its directory in the repository, empty for the repository's own."""
    listed: bool
    """Whether it stands in ``.platform/applications.yaml``."""

    @property
    def runtime(self) -> str:
        """Return ``python`` of ``python:3.13``; empty when there is no readable type."""
        if not self._type() and self.part.get("stack").data is not None:
            return "composable"
        return self._type().partition(":")[0]

    @property
    def version(self) -> str:
        """Return ``3.13`` of ``python:3.13``; empty when there is none."""
        return self._type().partition(":")[2]

    def _type(self) -> str:
        value = self.part.get("type").data
        return value.strip() if isinstance(value, str) else ""

    def text(self, *keys: str) -> str | None:
        """Return a string of the app's configuration that says something."""
        value = self.part.get(*keys).data
        return value if isinstance(value, str) and value.strip() else None


@record
class Project:
    """Everything the configuration files of a repository say."""

    apps: tuple[App, ...] = ()
    services: Part
    routes: Part
    problems: tuple[ConfigProblem, ...] = ()
    """What reading them brought up."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Files that are there and cannot be read here, with the reason."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What a relationship or a route may lead to, as far as a suggestion needs it."""
        services = (name for name, _ in self.services.entries())
        return (*(app.name for app in self.apps), *services)[:200]


@positional
class _Include:
    """An ``!include`` or ``!archive`` that is not followed yet."""

    kind: Any
    path: Any
    line: int


def _include(value: Any, line: int) -> _Include:
    if isinstance(value, dict):
        return _Include(value.get("type"), value.get("path"), line)
    return _Include("yaml", value, line)


TAGS = {"!include": _include, "!archive": lambda value, line: _Include("archive", value, line)}


def app_files(tree: Tree) -> tuple[str, ...]:
    """Return every app file of the tree, the root's first."""
    found = {path for path in tree.walk(skip=NEVER_APPS) if posixpath.basename(path) == APP_FILE}
    if tree.is_file(APP_FILE):
        found.add(APP_FILE)
    return tuple(sorted(found, key=lambda path: (path.count("/"), path)))


def read_project(tree: Tree, *, hidden: frozenset[str] = frozenset()) -> Project:
    """Return the project that the configuration files of a tree describe; ``hidden`` ones are left out."""
    return Reader(tree, hidden).project()


class Reader:
    """Reads the files of one repository and keeps what reading them brings up."""

    def __init__(self, tree: Tree, hidden: frozenset[str]) -> None:
        self.tree = tree
        self.hidden = hidden
        self.problems: list[ConfigProblem] = []
        self.unreadable: list[tuple[str, str]] = []

    def project(self) -> Project:
        """Return what the files of Platform.sh say."""
        listed = list(self._listed())
        names = {app.name for app in listed}
        alone = []
        for path in app_files(self.tree):
            app = None if path in self.hidden else self._app_file(path)
            if app is None:
                continue
            if app.name and app.name in names:
                detail = f"{app.name!r} is also in {APPLICATIONS}"
                self.problems.append(app.part.get("name").says("app-defined-twice", detail))
            else:
                alone.append(app)
        apps = (*alone, *listed)
        self._duplicates(alone)
        self._duplicates(listed)
        return Project(
            apps=apps,
            services=self._mapping(SERVICES),
            routes=self._mapping(ROUTES),
            problems=tuple(self.problems),
            unreadable=tuple(self.unreadable),
        )

    def _duplicates(self, apps: list[App]) -> None:
        seen: set[str] = set()
        for app in apps:
            if app.name and app.name in seen:
                self.problems.append(app.part.get("name").says("app-name-duplicate", repr(app.name)))
            seen.add(app.name)

    def _app_file(self, path: str) -> App | None:
        document = self._load(path)
        if document is None:
            return None
        part = Part(path, document.data, document)
        if not isinstance(document.data, dict):
            self.problems.append(ConfigProblem("yaml-invalid", path, 1, "the file is not a mapping"))
            return None
        return self._app(part, default_root=posixpath.dirname(path), listed=False)

    def _listed(self) -> Iterator[App]:
        if APPLICATIONS in self.hidden or not self.tree.is_file(APPLICATIONS):
            return
        document = self._load(APPLICATIONS)
        if document is None or document.data is None:
            return
        if not isinstance(document.data, list | dict):
            problem = ConfigProblem(
                "yaml-invalid", APPLICATIONS, 1, "the file is neither a list nor a mapping"
            )
            self.problems.append(problem)
            return
        for path, line in document.duplicates:
            if len(path) == 1:
                self.problems.append(
                    ConfigProblem("app-name-duplicate", APPLICATIONS, line, repr(str(path[0])))
                )
        entries = document.data.items() if isinstance(document.data, dict) else enumerate(document.data)
        for key, value in entries:
            if not str(key).startswith("."):
                app = self._entry(Part(APPLICATIONS, value, document, (key,)))
                if app is not None:
                    yield app

    def _entry(self, part: Part) -> App | None:
        """Return one app of the list or mapping; an included one is read as a file of its own."""
        mapped_name = part.at[0] if isinstance(part.at[0], str) else None
        if isinstance(part.data, _Include) and part.data.kind == "yaml":
            found = self._target(part.data, (DIRECTORY, ""))
            document = self._load(found) if found else None
            if found is None or document is None:
                if found is None:
                    self._lost(part.data, part.file)
                return None
            part = Part(found, document.data, document)
        if not isinstance(part.data, dict):
            self.problems.append(part.says("config-value-type", f"{part.name}: an application is a mapping"))
            return None
        return self._app(part, default_root="", listed=True, name=mapped_name)

    def _app(self, part: Part, *, default_root: str, listed: bool, name: str | None = None) -> App:
        source = part.data.get("source")
        given = source.get("root") if isinstance(source, dict) else None
        root = posixpath.normpath(given.strip("/") or ".") if isinstance(given, str) else default_root
        root = "" if root == "." else root
        data = self._resolved(part.data, part.file, (posixpath.dirname(part.file), root, ""))
        own = data.get("name")
        chosen = name if own is None or part.file.startswith(f"{UPSUN}/") else own
        return App(str(chosen) if chosen is not None else "", replace(part, data=data), root, listed)

    def _mapping(self, path: str) -> Part:
        """Return ``services.yaml`` or ``routes.yaml``, both of which may be absent or empty."""
        document = self._load(path) if self.tree.is_file(path) else None
        if document is None or document.data is None:
            return Part(path, {})
        data = self._resolved(document.data, path, (DIRECTORY, ""))
        if not isinstance(data, dict):
            self.problems.append(ConfigProblem("yaml-invalid", path, 1, "the file is not a mapping"))
            data = {}
        return Part(path, data, document)

    def _load(self, path: str) -> MarkedDocument | None:
        try:
            decoded = decode(self.tree.read(path))
        except Unreadable as error:
            self.unreadable.append((path, error.reason))
            return None
        if decoded.encoding in {"latin-1", "binary"}:
            self.problems.append(ConfigProblem("yaml-invalid", path, 1, "the file is not UTF-8 text"))
            return None
        try:
            return load_marked(decoded.text, TAGS)
        except YamlProblem as problem:
            self.problems.append(ConfigProblem("yaml-invalid", path, problem.line, problem.reason))
            return None

    def _resolved(self, data: Any, file: str, bases: tuple[str, ...], depth: int = 0) -> Any:
        """Return data with every include replaced by what it stands for."""
        if isinstance(data, _Include):
            return self._followed(data, file, bases, depth)
        if isinstance(data, dict):
            return {key: self._resolved(value, file, bases, depth) for key, value in data.items()}
        if isinstance(data, list):
            return [self._resolved(value, file, bases, depth) for value in data]
        return data

    def _followed(self, include: _Include, file: str, bases: tuple[str, ...], depth: int) -> Any:
        found = self._target(include, bases)
        if found is None or depth >= MAX_INCLUDES:
            self._lost(include, file)
            return None
        if include.kind in {"archive", "binary"}:
            return found
        if include.kind == "string":
            try:
                return decode(self.tree.read(found)).text
            except Unreadable as error:
                self.unreadable.append((found, error.reason))
                return None
        document = self._load(found)
        if document is None:
            return None
        return self._resolved(document.data, found, (posixpath.dirname(found), *bases), depth + 1)

    def _target(self, include: _Include, bases: tuple[str, ...]) -> str | None:
        """Return the included path: beside the file first, then in the app's and the repository's root."""
        if include.kind not in INCLUDE_TYPES or not isinstance(include.path, str):
            return None
        there = self.tree.is_dir if include.kind == "archive" else self.tree.is_file
        for base in bases:
            candidate = posixpath.normpath(posixpath.join(base, include.path.lstrip("/")))
            if not candidate.startswith("..") and there(candidate):
                return candidate
        return None

    def _lost(self, include: _Include, file: str) -> None:
        if include.kind not in INCLUDE_TYPES:
            detail = f"!include of type {include.kind!r}" if include.kind else "!include without a type"
        elif not isinstance(include.path, str):
            detail = "!include without a path"
        else:
            detail = f"{include.path} is not there"
        self.problems.append(ConfigProblem("yaml-include-missing", file, include.line, detail))


def variables_of(app: App) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the app's environment variables, and its other variables as ``prefix:name``."""
    environment: dict[str, str] = {}
    others: dict[str, Any] = {}
    for prefix, values in app.part.get("variables").entries():
        for name, value in values.entries():
            if prefix == "env":
                environment[name.upper()] = as_text(value.data)
            else:
                others[f"{prefix}:{name}"] = value.data
    return environment, others


def as_text(value: Any) -> str:
    """Return a variable's value as a process sees it: text as it is, everything else as JSON."""
    import json

    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)
