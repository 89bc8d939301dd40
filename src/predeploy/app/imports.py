"""What the app's sources import, read with :mod:`ast`; nothing of the app is run.

The scan tells imports that run whenever a file is imported from those that may not: guarded by ``try``,
under a condition, or inside a function.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from functools import lru_cache

from predeploy.app.python_source import syntax_tree
from predeploy.app.text import Problem
from predeploy.app.tree import Tree, Unreadable
from predeploy.lazy import pattern
from predeploy.record import positional, record

SIZE_LIMIT = 2 * 1024 * 1024
"""Bytes of one source file; larger ones are data."""

FILE_LIMIT = 5_000
"""Files followed from the entry points."""

TOTAL_LIMIT = 32 * 1024 * 1024
"""Bytes of all files followed."""

EXTENSION = pattern(r"([^.]+)\.(?:cpython-[\w-]+\.|abi3\.|pypy[\w-]+\.)?(?:so|pyd)")
"""File names of extension modules."""

_CATCHES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@record
class Import:
    """One import statement."""

    module: str
    """Dotted name, without the leading dots of a relative import."""
    level: int
    """Leading dots; 0 is absolute."""
    line: int
    """Line of the statement."""
    guarded: bool
    """Whether its failure is caught, or it is for type checkers only."""
    top_level: bool
    """Whether it stands outside of functions."""
    conditional: bool = False
    """Whether an ``if``, a loop, ``match`` or ``except`` decides if it runs."""
    names: tuple[str, ...] = ()
    """What ``from … import`` takes, which may be submodules."""

    @property
    def always_runs(self) -> bool:
        """Whether importing the file cannot succeed without it."""
        return self.top_level and not self.guarded and not self.conditional


@record
class Scan:
    """The imports of one file, or why it cannot be compiled."""

    imports: tuple[Import, ...] = ()
    problem: Problem | None = None


@record
class Reached:
    """One file of the app that is imported, with its own imports."""

    path: str
    imports: tuple[Import, ...] = ()
    problem: Problem | None = None
    """Why its imports are not known."""
    certain: bool = True
    """Whether the entry point always imports it, as far as can be seen."""


@lru_cache(maxsize=512)
def scan_imports(source: bytes, path: str) -> Scan:
    """Return the imports of a source file; what does not compile is a problem of the result."""
    if len(source) > SIZE_LIMIT:
        return Scan(problem=Problem(path=path, reason=f"is larger than we read ({SIZE_LIMIT >> 20} MB)"))
    try:
        module = syntax_tree(source)
    except SyntaxError as error:
        line = error.lineno if error.lineno and error.lineno > 0 else None
        text = (error.text or "").strip()[:200]
        return Scan(problem=Problem(path=path, line=line, text=text, reason=f"does not compile: {error.msg}"))
    except (RecursionError, MemoryError):
        return Scan(problem=Problem(path=path, reason="nests deeper than Python compiles"))
    except ValueError:
        nul = source.find(b"\0")
        line = source.count(b"\n", 0, nul) + 1 if nul >= 0 else None
        return Scan(problem=Problem(path=path, line=line, reason="does not compile: is not text"))
    return Scan(imports=tuple(sorted(_statements(module), key=lambda found: found.line)))


@positional
class _Context:
    guarded: bool = False
    top_level: bool = True
    conditional: bool = False

    def with_guard(self, guarded: bool = True) -> _Context:
        return _Context(self.guarded or guarded, self.top_level, self.conditional)

    def with_condition(self) -> _Context:
        return _Context(self.guarded, self.top_level, True)

    def in_function(self) -> _Context:
        return _Context(self.guarded, False, self.conditional)


def _statements(module: ast.Module) -> Iterator[Import]:
    """Yield every import, walking with a stack of our own."""
    todo: list[tuple[list[ast.stmt], _Context]] = [(module.body, _Context())]
    while todo:
        body, context = todo.pop()
        for statement in body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    yield _import(context, statement.lineno, alias.name)
            elif isinstance(statement, ast.ImportFrom):
                names = tuple(alias.name for alias in statement.names if alias.name != "*")
                yield _import(context, statement.lineno, statement.module or "", statement.level, names)
            elif hasattr(statement, "body") or hasattr(statement, "cases"):
                todo.extend(_bodies(statement, context))


def _import(context: _Context, line: int, module: str, level: int = 0, names: tuple[str, ...] = ()) -> Import:
    return Import(
        module=module,
        level=level,
        line=line,
        guarded=context.guarded,
        top_level=context.top_level,
        conditional=context.conditional,
        names=names,
    )


def _bodies(statement: ast.stmt, context: _Context) -> Iterator[tuple[list[ast.stmt], _Context]]:
    """Yield the statement lists below a statement, each with what holds for it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.body, context.in_function()
    elif isinstance(statement, ast.ClassDef):
        yield statement.body, context
    elif isinstance(statement, ast.With | ast.AsyncWith):
        yield statement.body, context.with_guard(any(_suppresses(item) for item in statement.items))
    elif isinstance(statement, ast.If):
        taken = _type_checking(statement.test)
        yield statement.body, _branch(context, taken)
        yield statement.orelse, _branch(context, None if taken is None else not taken)
    elif isinstance(statement, ast.For | ast.AsyncFor | ast.While):
        yield statement.body, context.with_condition()
        yield statement.orelse, context.with_condition()
    elif isinstance(statement, ast.Match):
        for case in statement.cases:
            yield case.body, context.with_condition()
    elif isinstance(statement, ast.Try | ast.TryStar):
        tried = context.with_guard(any(_handles(handler) for handler in statement.handlers))
        yield statement.body, tried
        yield statement.orelse, tried
        for handler in statement.handlers:
            yield handler.body, tried.with_condition()
        yield statement.finalbody, context


def _branch(context: _Context, taken: bool | None) -> _Context:
    """Return what holds in a branch that is never taken, always taken, or perhaps (``None``)."""
    if taken is None:
        return context.with_condition()
    return context if taken else context.with_guard()


def _handles(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler makes up for a failed import, which one that raises does not."""
    catches = handler.type is None or bool(_names_in(handler.type) & _CATCHES)
    return catches and not isinstance(handler.body[-1], ast.Raise)


def _names_in(expression: ast.expr | None) -> frozenset[str]:
    """Return the names of an exception expression: ``a``, ``m.a`` or a tuple of them."""
    items = expression.elts if isinstance(expression, ast.Tuple) else [expression]
    names = {item.id for item in items if isinstance(item, ast.Name)}
    return frozenset(names | {item.attr for item in items if isinstance(item, ast.Attribute)})


def _suppresses(item: ast.withitem) -> bool:
    call = item.context_expr
    if not isinstance(call, ast.Call) or "suppress" not in _names_in(call.func):
        return False
    return any(_names_in(argument) & _CATCHES for argument in call.args)


def _type_checking(test: ast.expr) -> bool | None:
    """Return whether a branch with this condition runs; ``None`` when it is not about ``TYPE_CHECKING``."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return True if "TYPE_CHECKING" in _names_in(test.operand) else None
    return False if "TYPE_CHECKING" in _names_in(test) else None


# --- the app's own modules --------------------------------------------------------------------------


def local_modules(tree: Tree, roots: tuple[str, ...] = ("",)) -> dict[str, str]:
    """Return the top-level names the app itself provides, each with its file or directory.

    As for Python, earlier roots come first, in one root a package before a module, and a directory without
    ``__init__.py`` (that holds Python files) last of all.
    """
    found: dict[str, str] = {}
    namespaces: dict[str, str] = {}
    for root in roots:
        packages: dict[str, str] = {}
        modules: dict[str, str] = {}
        for name in tree.names(root):
            path = posixpath.join(root, name)
            module = _module_of(name)
            if module and tree.is_file(path):
                modules.setdefault(module, path)
            elif name.isidentifier() and tree.is_file(f"{path}/__init__.py"):
                packages[name] = path
            elif name.isidentifier() and tree.is_dir(path) and _holds_python(tree, path):
                namespaces.setdefault(name, path)
        found = {**modules, **packages, **found}
    return {**namespaces, **found}


def _module_of(name: str) -> str | None:
    extension = EXTENSION.fullmatch(name)
    stem = extension[1] if extension else name.removesuffix(".py")
    return stem if stem != name and stem.isidentifier() else None


def _holds_python(tree: Tree, directory: str) -> bool:
    """Return whether a directory holds Python files, looking at few and not deep."""
    todo = [(directory, 0)]
    for at, depth in todo:
        for name in tree.names(at):
            if name.endswith(".py") or EXTENSION.fullmatch(name):
                return True
            below = f"{at}/{name}"
            if depth < 3 and len(todo) < 100 and name.isidentifier() and tree.is_dir(below):
                todo.append((below, depth + 1))
    return False


def executed(tree: Tree, dotted: str, roots: tuple[str, ...] = ("",)) -> tuple[str, ...]:
    """Return the app's files that run when a dotted name is imported: the parents' ``__init__.py`` first."""
    parts = dotted.split(".")
    fallback: tuple[str, ...] | None = None
    for root in roots:
        files = _below(tree, root, parts)
        top = posixpath.join(root, parts[0])
        if files and files[0] in (f"{top}/__init__.py", f"{top}.py"):
            return files
        if fallback is None:
            fallback = files
    return fallback or ()


def _below(tree: Tree, directory: str, parts: list[str]) -> tuple[str, ...] | None:
    """Return the files run for names below a directory; ``None`` when the first is not there."""
    files: list[str] = []
    for index, part in enumerate(parts):
        if not part.isidentifier():
            return None if index == 0 else tuple(files)
        path = posixpath.join(directory, part)
        package = f"{path}/__init__.py"
        if tree.is_file(package):
            files.append(package)
        elif tree.is_file(f"{path}.py"):
            return (*files, f"{path}.py")
        elif not tree.is_dir(path):
            return None if index == 0 else tuple(files)
        directory = path
    return tuple(files)


def closure(tree: Tree, entries: tuple[str, ...], roots: tuple[str, ...] = ("",)) -> tuple[Reached, ...]:
    """Return the files reached from entry files by the app's imports of itself, breadth first.

    First what is always imported, then what may be. Bounded by :data:`FILE_LIMIT` and :data:`TOTAL_LIMIT`;
    a file beyond the latter comes with a problem and without imports.
    """
    walk = _Walk(tree, roots)
    walk.follow(list(entries), certain=True)
    walk.follow(walk.later, certain=False)
    return tuple(walk.reached.values())


class _Walk:
    """Follows imports within the limits."""

    def __init__(self, tree: Tree, roots: tuple[str, ...]) -> None:
        self.tree = tree
        self.roots = roots
        self.reached: dict[str, Reached] = {}
        self.later: list[str] = []
        self.size = 0

    def follow(self, todo: list[str], *, certain: bool) -> None:
        """Add the files reached from ``todo``, or note in ``later`` the ones that are not always imported."""
        queued = set(todo)
        for path in todo:
            if path in self.reached or len(self.reached) >= FILE_LIMIT:
                continue
            found = self._read(path, certain=certain)
            self.reached[path] = found
            for item in found.imports:
                targets = _targets(self.tree, path, item, self.roots)
                if certain and not item.always_runs:
                    self.later.extend(targets)
                else:
                    todo.extend(target for target in targets if target not in queued)
                    queued.update(targets)

    def _read(self, path: str, *, certain: bool) -> Reached:
        try:
            source = self.tree.read(path)
        except Unreadable as error:
            return Reached(path=path, problem=Problem(path=path, reason=error.reason), certain=certain)
        self.size += len(source)
        if self.size > TOTAL_LIMIT:
            reason = f"is not read, after {TOTAL_LIMIT >> 20} MB of the app"
            return Reached(path=path, problem=Problem(path=path, reason=reason), certain=certain)
        scan = scan_imports(source, path)
        return Reached(path=path, imports=scan.imports, problem=scan.problem, certain=certain)


def _targets(tree: Tree, path: str, item: Import, roots: tuple[str, ...]) -> list[str]:
    """Return the app's files an import of ``path`` runs."""
    dotted = [item.module] if item.module else []
    submodules = [".".join([*dotted, name]) for name in item.names]
    found: dict[str, None] = {}
    if item.level == 0:
        for name in [*dotted, *submodules]:
            found.update(dict.fromkeys(executed(tree, name, roots)))
        return list(found)
    parts = posixpath.dirname(path).split("/")
    if item.level > len(parts):
        return []
    package = "/".join(parts[: len(parts) - item.level + 1])
    if tree.is_file(f"{package}/__init__.py"):
        found[f"{package}/__init__.py"] = None
    for name in [*dotted, *submodules]:
        found.update(dict.fromkeys(_below(tree, package, name.split(".")) or ()))
    return list(found)
