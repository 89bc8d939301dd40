"""The source file of a Google function, its target, and the check that every file compiles.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), cmd/python/functions_framework;
functions-framework-python 3.10.2 for what the start looks up.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from predeploy.app.tree import Unreadable
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.choice import numbers
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    import ast

OURS = sys.version_info[:2]
"""The Python that makes the prediction."""

MAX_FILES = 2_000
"""Python files compiled by the static prediction; the build step compiles all of them."""

MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 20_000_000
MAX_SHOWN = 5

NEWER_SYNTAX = {
    12: re.compile(
        rb"\b[fF][rR]?['\"]|\b[rR][fF]['\"]|^[ \t\f]*type\s|(?:def|class)\s+\w+\s*\[", re.MULTILINE
    ),
    13: re.compile(rb"(?:def|class|type)\s+\w+\s*\[[^\]]{0,500}="),
    14: re.compile(rb"\b[tT][rR]?['\"]|\b[rR][tT]['\"]|\bexcept\b[^:(\n]{1,200},"),
}
"""What a file with syntax that came with 3.12, 3.13 or 3.14 looks like; errs on the side of suspicion."""


@dataclass(frozen=True)
class Module:
    """What a source file binds at module level."""

    functions: tuple[str, ...] = ()
    """Names of its ``def`` statements, in order."""
    decorated: tuple[str, ...] = ()
    """Those with a decorator of the Functions Framework."""
    classes: frozenset[str] = frozenset()
    """Names of its classes."""
    names: frozenset[str] = frozenset()
    """Every name bound at module level."""
    open: bool = False
    """Whether names may come from elsewhere: a star import, a module ``__getattr__``, ``globals``."""


@dataclass(frozen=True)
class Target:
    """The function the start command looks up."""

    name: str
    origin: str
    """Where the name came from, as the end of a sentence."""
    given: bool = field(default=False)
    """Whether the user said it."""


def source_path(case: Case) -> str:
    """Return the source file relative to the app: the build variable's, else ``main.py``."""
    return posixpath.normpath(case.setting("source") or "main.py")


def module(case: Case) -> Module | None:
    """Return what the source file binds; ``None`` when it cannot be read or parsed here."""
    return case.once("cloud_functions.module", lambda: _module(case))


def _module(case: Case) -> Module | None:
    import ast

    try:
        data = case.tree.read(source_path(case))
        return _bindings(ast.parse(data)) if len(data) <= MAX_FILE_BYTES else None
    except (Unreadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bindings(parsed: ast.Module) -> Module:
    import ast

    functions: list[str] = []
    decorated: list[str] = []
    classes: set[str] = set()
    names: set[str] = set()
    for node in _module_level(parsed):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(node.name)
            decorated += [node.name] if any(map(_of_framework, node.decorator_list)) else []
        elif isinstance(node, ast.ClassDef):
            classes.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Name) and node.id in {"globals", "exec", "setattr", "vars"}:
            names.add("*")
    for node in ast.walk(parsed):
        if isinstance(node, ast.Global):
            names.update(node.names)
    names.update(functions, classes)
    opened = bool(names & {"*", "__getattr__"})
    return Module(tuple(functions), tuple(decorated), frozenset(classes), frozenset(names), opened)


def _module_level(parsed: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run with the module: nested blocks, not the bodies of functions and classes."""
    import ast

    todo: list[ast.AST] = list(reversed(parsed.body))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _of_framework(decorator: ast.expr) -> bool:
    import ast

    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    word = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return word in {"http", "cloud_event", "typed"}


def target(case: Case) -> Target | None:
    """Return the function to start; ``None`` when nothing says one."""
    return case.once("cloud_functions.target", lambda: _target(case))


def _target(case: Case) -> Target | None:
    given = case.setting("target")
    if given is not None:
        where = "the setting target" if "target" in case.settings else "GOOGLE_FUNCTION_TARGET"
        return Target(given, where, given=True)
    found = module(case)
    if found is None:
        return None
    path = source_path(case)
    if found.decorated:
        return Target(found.decorated[0], f"the first function in {path} with a decorator of the framework")
    public = next((name for name in found.functions if not name.startswith("_")), None)
    return Target(public, f"the first public function in {path}") if public else None


@predicate("cloud_functions.source_missing")
def source_missing(case: Case) -> Outcome:
    """Match when the build variable names a source file that is not there."""
    given = case.setting("source")
    if given is None:
        return matched(False)
    if given.startswith("/"):
        return Unknown(f"{given} is a path of the builder's own file system")
    return matched(not given or not case.tree.exists(source_path(case)), detail=_absence(case, given or "''"))


@predicate("cloud_functions.main_missing")
def main_missing(case: Case) -> Outcome:
    """Match when no source file is named and the root has no ``main.py``."""
    missing = case.setting("source") is None and not case.tree.exists("main.py")
    return matched(missing, detail=_absence(case, "main.py"))


def _absence(case: Case, path: str) -> str:
    if case.everything.exists(posixpath.normpath(path)):
        return f"{path} is here, but {case.snapshot.upload.ignore_file} leaves it out of the upload"
    return f"{path} is not in the upload"


@predicate("cloud_functions.target_empty")
def target_empty(case: Case) -> Outcome:
    """Match when the target is declared and empty."""
    return matched(case.setting("target") == "")


@predicate("cloud_functions.target_unknown")
def target_unknown(case: Case) -> Outcome:
    """Match when nobody said the target and the source file, which can be read, defines no function."""
    return matched(target(case) is None and module(case) is not None, Evidence(path=source_path(case)))


@predicate("cloud_functions.target_not_defined")
def target_not_defined(case: Case) -> Outcome:
    """Match when the given target is not a name that the source file binds."""
    found, wanted = module(case), target(case)
    if found is None or wanted is None or not wanted.name or found.open or wanted.name in found.names:
        return matched(False)
    return Match((Evidence(path=source_path(case)),), wanted.name)


@predicate("cloud_functions.target_is_class")
def target_is_class(case: Case) -> Outcome:
    """Match when the given target is a class, which the framework does not take."""
    found, wanted = module(case), target(case)
    if found is None or wanted is None or wanted.name in found.functions or wanted.name not in found.classes:
        return matched(False)
    return Match((Evidence(path=source_path(case)),), wanted.name)


@predicate("cloud_functions.syntax_error")
def syntax_error(case: Case) -> Outcome:
    """Match when a file of the tree cannot be compiled by the runtime's Python.

    Unknown when this program's own Python is older than the runtime's and the file may use newer syntax.
    """
    host = numbers(case.python.minor or "3.0")[:2]
    certain: list[Evidence] = []
    doubtful: list[Evidence] = []
    for path in _python_files(case):
        problem, sure = _compile(case, path, host[1] if host[0] == 3 else 0)
        if problem is not None:
            (certain if sure else doubtful).append(problem)
        if len(certain) >= MAX_SHOWN:
            break
    if certain:
        return Match(tuple(certain))
    if doubtful:
        ours = ".".join(map(str, OURS))
        return Unknown(
            f"{doubtful[0]} does not compile with Python {ours}, which is older than the runtime's"
        )
    return matched(False)


def _python_files(case: Case) -> Iterator[str]:
    total = 0
    for count, path in enumerate(_walk(case)):
        entry = case.tree.entry(path)
        size = entry.size if entry else 0
        total += size
        if count >= MAX_FILES or total > MAX_TOTAL_BYTES:
            return
        if size <= MAX_FILE_BYTES:
            yield path


def _walk(case: Case) -> Iterator[str]:
    skip = frozenset({"__pycache__"})
    return (path for path in case.tree.walk(skip=skip) if path.endswith(".py"))


def _compile(case: Case, path: str, host: int) -> tuple[Evidence | None, bool]:
    """Return what is wrong with a file for Python 3.``host``, and whether that is certain."""
    try:
        data = case.tree.read(path)
    except Unreadable:
        return None, False
    problem = _problem(data, path, host)
    if problem is None:
        return None, True
    newer = any(NEWER_SYNTAX[minor].search(data) for minor in NEWER_SYNTAX if OURS[1] < minor <= host)
    return problem, not newer


def _problem(data: bytes, path: str, host: int) -> Evidence | None:
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, path, "exec", dont_inherit=True)
            if host < OURS[1]:
                import ast

                ast.parse(data, path, feature_version=(3, max(host, 7)))
    except SyntaxError as error:
        return Evidence(path=path, line=error.lineno, text=str(error.msg)[:120])
    except ValueError as error:
        return Evidence(path=path, text=str(error)[:120])
    except (RecursionError, MemoryError):
        return None
    return None
