"""Read a rule's ``when`` and check it against the predicates' own signatures."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_type_hints

from predeploy.errors import suggestion
from predeploy.model.conditions import Combined, Condition, Test
from predeploy.rules.registry import PREDICATES

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_NESTING = 2

Path = tuple[str | int, ...]
Complain = Callable[[Path, str], None]


def parse_condition(raw: object, path: Path, complain: Complain, depth: int = 0) -> Condition:
    """Return the condition written at ``path``; problems go to ``complain`` and leave a placeholder."""
    if not isinstance(raw, dict) or len(raw) != 1:
        complain(path, "a condition is one predicate with its arguments, or all, any, not")
        return Test("invalid")
    name, value = next(iter(raw.items()))
    if name not in {"all", "any", "not"}:
        return _test(str(name), value, path, complain)
    if depth == MAX_NESTING:
        complain(path, f"conditions nest at most {MAX_NESTING} deep: write a predicate instead")
        return Test("invalid")
    op: Literal["all", "any", "not"] = name
    parts = [value] if op == "not" else value
    if not isinstance(parts, list) or not parts:
        complain((*path, name), f"{name} takes a list of conditions")
        return Test("invalid")
    where = [(*path, name)] if op == "not" else [(*path, name, index) for index in range(len(parts))]
    return Combined(
        op,
        tuple(parse_condition(part, at, complain, depth + 1) for part, at in zip(parts, where, strict=True)),
    )


def _test(name: str, value: object, path: Path, complain: Complain) -> Test:
    function = PREDICATES.get(name)
    if function is None:
        complain((*path, name), f"unknown predicate {name!r}{suggestion(name, PREDICATES)}")
        return Test("invalid")
    from pydantic import ValidationError

    hints, parameters = _signature(function)
    arguments = _keywords(value, parameters)
    accepted = {parameter.name.rstrip("_"): parameter for parameter in parameters}
    checked: dict[str, Any] = {}
    for key, argument in arguments.items():
        parameter = accepted.get(str(key))
        if parameter is None:
            complain((*path, name), f"{name} takes no argument {key!r}{suggestion(str(key), accepted)}")
            continue
        try:
            checked[parameter.name] = _adapter(hints[parameter.name]).validate_python(argument)
        except ValidationError as error:
            complain((*path, name), f"{name}: {key}: {error.errors()[0]['msg'].lower()}")
    for parameter in parameters:
        word = parameter.name.rstrip("_")
        if parameter.default is parameter.empty and word not in arguments:
            complain((*path, name), f"{name} needs the argument {word!r}")
    return Test(name, tuple(sorted(checked.items())))


@cache
def _signature(function: Callable[..., Any]) -> tuple[dict[str, Any], list[inspect.Parameter]]:
    """Return the types and the keyword parameters of a predicate."""
    parameters = inspect.signature(function).parameters.values()
    return get_type_hints(function), [one for one in parameters if one.kind is one.KEYWORD_ONLY]


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(hint, config=ConfigDict(strict=False))


def _keywords(value: object, parameters: list[inspect.Parameter]) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    if value is None or not parameters:
        return {}
    return {parameters[0].name.rstrip("_"): value}
