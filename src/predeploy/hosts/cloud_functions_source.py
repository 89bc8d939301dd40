"""The source file of a Google function: what it binds, which function is the target, and how it is called.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), cmd/python/functions_framework;
functions-framework-python 3.10.2 for what the start looks up.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from predeploy.app.tree import Unreadable
from predeploy.errors import suggestion
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.record import field, record
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

if TYPE_CHECKING:
    import ast

MAX_FILE_BYTES = 1_000_000
"""Bytes of a source file that is read for its functions."""

SIGNATURES = {"http": "http", "cloud_event": "cloudevent", "typed": "typed"}
"""Signature types by the framework's decorator; it wins over what the deployment says."""

ARGUMENTS = {"http": 1, "event": 2, "cloudevent": 1, "typed": 1}
"""Positional arguments the framework calls a function with, by signature type."""


@record
class Function:
    """One ``def`` at module level."""

    name: str
    line: int
    definition: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def decorators(self) -> tuple[str, ...]:
        """The last names of its decorators, ``http`` for ``@functions_framework.http``."""
        return tuple(map(_last_name, self.definition.decorator_list))

    @property
    def signature(self) -> str | None:
        """The signature type a decorator of the framework declares."""
        return next((SIGNATURES[word] for word in self.decorators if word in SIGNATURES), None)

    def takes(self, count: int) -> bool:
        """Return whether it can be called with so many positional arguments and nothing else."""
        if any(word not in SIGNATURES for word in self.decorators):
            return True  # what another decorator makes of it is not known
        arguments = self.definition.args
        positional = [*arguments.posonlyargs, *arguments.args]
        required = len(positional) - len(arguments.defaults)
        if any(default is None for default in arguments.kw_defaults):
            return False
        return required <= count and (arguments.vararg is not None or count <= len(positional))

    @property
    def arguments(self) -> str:
        """Its arguments, as written but for blanks."""
        import ast

        return ast.unparse(self.definition.args)


@record
class Module:
    """What a source file binds at module level."""

    functions: tuple[Function, ...] = ()
    """Its ``def`` statements, in order."""
    classes: dict[str, int] = field(default_factory=dict)
    """Names of its classes, with their lines."""
    assigned: frozenset[str] = frozenset()
    """Names bound in any other way."""
    names: frozenset[str] = frozenset()
    """Every name bound at module level."""
    open: bool = False
    """Whether names may come from elsewhere: a star import, a module ``__getattr__``, ``globals``."""

    def function(self, name: str) -> Function | None:
        """Return the last definition of a name."""
        return next((found for found in reversed(self.functions) if found.name == name), None)


@record
class Target:
    """The function the start command looks up."""

    name: str
    origin: str
    """Where the name came from, as the end of a sentence."""
    given: bool = False
    """Whether the user said it."""


def source_path(case: Case) -> str:
    """Return the source file relative to the app: the build variable's, else ``main.py``."""
    return posixpath.normpath(case.setting("source") or "main.py")


def module(case: Case) -> Module | None:
    """Return what the source file binds; ``None`` when it cannot be read or parsed here."""
    return case.once("cloud_functions.module", lambda: _module(case))


def _module(case: Case) -> Module | None:
    return module_at(case, source_path(case))


def module_at(case: Case, path: str) -> Module | None:
    """Return what a file of the app binds; ``None`` when it cannot be read or parsed here."""
    try:
        data = case.tree.read(path)
    except Unreadable:
        return None
    return _parsed(data) if len(data) <= MAX_FILE_BYTES else None


@lru_cache(maxsize=8)
def _parsed(data: bytes) -> Module | None:
    # Cached by content: two platforms read the same file.
    from predeploy.app.python_source import syntax_tree

    try:
        return _bindings(syntax_tree(data))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _bindings(parsed: ast.Module) -> Module:
    import ast

    functions: list[Function] = []
    classes: dict[str, int] = {}
    names: set[str] = set()
    for node in _module_level(parsed):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append(Function(name=node.name, line=node.lineno, definition=node))
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = node.lineno
        else:
            names.update(_bound_by(node))
    for node in ast.walk(parsed):
        if isinstance(node, ast.Global):
            names.update(node.names)
    every = names.union((function.name for function in functions), classes)
    opened = bool(every & {"*", "__getattr__"})
    return Module(
        functions=tuple(functions),
        classes=classes,
        assigned=frozenset(names),
        names=frozenset(every),
        open=opened,
    )


REFLECTION = frozenset({"globals", "locals", "exec", "eval", "setattr", "vars", "modules", "__dict__"})
"""Names by which a module can bind others that cannot be seen; ``modules`` is that of ``sys``."""


def _bound_by(node: ast.AST) -> set[str]:
    """Return the names one node binds; a star for those that cannot be known."""
    import ast

    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.Name):
        if node.id in REFLECTION:
            return {"*"}
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, ast.Attribute):
        return {"*"} if node.attr in REFLECTION else set()
    if isinstance(node, ast.MatchAs | ast.MatchStar | ast.ExceptHandler):
        return {node.name} if node.name else set()
    return set()


def _module_level(parsed: ast.Module) -> Iterator[ast.AST]:
    """Yield the nodes that run with the module: nested blocks, not the bodies of functions and classes."""
    import ast

    todo: list[ast.AST] = list(reversed(parsed.body))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _last_name(decorator: ast.expr) -> str:
    import ast

    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def target(case: Case) -> Target | None:
    """Return the function to start; ``None`` when nothing says one."""
    return case.once("cloud_functions.target", lambda: _target(case))


def _target(case: Case) -> Target | None:
    given = case.setting("target")
    if given is not None:
        where = "the setting target" if "target" in case.settings else "GOOGLE_FUNCTION_TARGET"
        return Target(name=given, origin=where, given=True)
    found = module(case)
    if found is None:
        return None
    path = source_path(case)
    declared = next((f for f in found.functions if declared_signature(case, f)), None)
    if declared is not None:
        origin = f"the first function in {path} whose decorator says how it is called"
        return Target(name=declared.name, origin=origin)
    public = next((f.name for f in found.functions if not f.name.startswith("_")), None)
    origin = f"the first public function in {path}"
    return Target(name=public, origin=origin) if public else None


def target_function(case: Case) -> Function | None:
    """Return the target's definition; ``None`` when it is not a ``def`` of the source file."""
    found, wanted = module(case), target(case)
    return found.function(wanted.name) if found is not None and wanted is not None else None


def declared_signature(case: Case, function: Function) -> str | None:
    """Return the signature type by a decorator of the framework, or of the product on top of it."""
    product: dict[str, str] = case.snapshot.extra.get("decorators", {})
    mine = next((product[word] for word in function.decorators if word in product), None)
    return function.signature or mine


def signature(case: Case) -> str:
    """Return the signature type: the decorator's, else the deployment's, else what the arguments suggest.

    A function without decorator that takes exactly two arguments, deployed with nobody knows which trigger,
    is taken for a background function; the framework's own default is http.
    """
    function = target_function(case)
    declared = declared_signature(case, function) if function is not None else None
    return declared or case.setting("signature") or ("event" if inferred_event(case) else "http")


def inferred_event(case: Case) -> bool:
    """Return whether only the target's two arguments say that it is a background function."""
    function = target_function(case)
    if function is None or function.signature or case.setting("signature") is not None:
        return False
    return bool(not function.decorators and function.takes(2) and not function.takes(1))


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
    near = suggestion(wanted.name, [function.name for function in found.functions])
    function = next((f for f in found.functions if repr(f.name) in near), None)
    place = Evidence(path=source_path(case), line=function.line if function else 1)
    return Match((place,), f"{wanted.name}{near}")


@predicate("cloud_functions.target_is_class")
def target_is_class(case: Case) -> Outcome:
    """Match when the given target is a class, which the framework does not take."""
    found, wanted = module(case), target(case)
    if found is None or wanted is None or wanted.name not in found.classes or found.open:
        return matched(False)
    if found.function(wanted.name) or wanted.name in found.assigned:
        return matched(False)
    return Match((Evidence(path=source_path(case), line=found.classes[wanted.name]),), wanted.name)


@predicate("cloud_functions.wrong_arity")
def wrong_arity(case: Case) -> Outcome:
    """Match when the target cannot be called with the arguments of its signature type."""
    function, kind = target_function(case), signature(case)
    if function is None or kind not in ARGUMENTS or function.takes(ARGUMENTS[kind]):
        return matched(False)
    text = f"def {function.name}({function.arguments})"
    place = Evidence(path=source_path(case), line=function.line, text=text[:100])
    count = "one argument" if ARGUMENTS[kind] == 1 else "two arguments"
    return Match((place,), f"{text[:100]} is called as {kind} function, with {count}")


@predicate("cloud_functions.signature_inferred")
def signature_inferred(case: Case) -> Outcome:
    """Match when only its two arguments say that the target is a background function."""
    function = target_function(case)
    place = Evidence(path=source_path(case), line=function.line if function else None)
    return matched(inferred_event(case), place)
