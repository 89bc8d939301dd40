"""The named functions that profiles may refer to.

Built-in and foreign modules use the same door: a decorator puts a function under its name. A name that is
used by one host only carries that host's prefix (``heroku.python_request``); plugins prefix theirs too.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from predeploy.errors import ProfileError, suggestion

if TYPE_CHECKING:
    from predeploy.model.conditions import Outcome
    from predeploy.model.decisions import BuildPlan, PythonRequest, Selection
    from predeploy.rules.case import Case

Predicate = Callable[..., "Outcome"]
Selector = Callable[["Case"], "Selection"]
Grammar = Callable[["Case", str], "PythonRequest | None"]
Recipe = Callable[["Case"], "BuildPlan"]
Root = Callable[["Case"], "tuple[str, tuple[str, ...]]"]
Named = TypeVar("Named", bound=Callable[..., Any])

PREDICATES: dict[str, Predicate] = {}
SELECTORS: dict[str, Selector] = {}
GRAMMARS: dict[str, Grammar] = {}
RECIPES: dict[str, Recipe] = {}
ROOTS: dict[str, Root] = {}


class NotRecorded(Exception):  # noqa: N818 - a gap in what is known, not an error
    """What a recipe raises when the profile lacks a fact of that day without which nothing can be planned.

    The verdict of the static phases stands; a rule of the phase ``install`` says what is missing.
    """


def _register(table: dict[str, Any], name: str) -> Callable[[Named], Named]:
    def put(function: Named) -> Named:
        known = table.get(name)
        if known is not None and known.__qualname__ != function.__qualname__:
            raise ProfileError(f"two functions are registered as {name!r}")
        table[name] = function
        return function

    return put


def predicate(name: str) -> Callable[[Named], Named]:
    """Register ``(case, *, arguments) -> Match | NoMatch | Unknown``; arguments are typed keywords."""
    return _register(PREDICATES, name)


def selector(name: str) -> Callable[[Named], Named]:
    """Register ``(case) -> Selection``: how a host chooses its manifest."""
    return _register(SELECTORS, name)


def grammar(name: str) -> Callable[[Named], Named]:
    """Register ``(case, origin) -> PythonRequest | None``: how a host reads one source of a version."""
    return _register(GRAMMARS, name)


def recipe(name: str) -> Callable[[Named], Named]:
    """Register ``(case) -> BuildPlan``: the steps of a host."""
    return _register(RECIPES, name)


def upload_root(name: str) -> Callable[[Named], Named]:
    """Register ``(case) -> (directory, patterns)``: what of the app is uploaded, and what of that is not."""
    return _register(ROOTS, name)


def load_builtin() -> None:
    """Import the modules that hold the common vocabulary."""
    import_module("predeploy.rules.predicates")
    import_module("predeploy.rules.outcomes")
    import_module("predeploy.rules.choice")


def load_module(name: str) -> None:
    """Import a host's module: a bare name is one of ours, a dotted one a plugin's."""
    load_builtin()
    import_module(name if "." in name else f"predeploy.hosts.{name}")


def lookup(table: dict[str, Any], kind: str, name: str) -> Any:
    """Return a registered function, or raise :class:`ProfileError` with the nearest known name."""
    try:
        return table[name]
    except KeyError:
        raise ProfileError(f"unknown {kind} {name!r}{suggestion(name, table)}") from None
