"""Validate profile data with pydantic, and write JSON schemas of the models.

The only module of the profiles that imports pydantic; it is not needed once a profile is cached.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from predeploy.errors import suggestion
from predeploy.model.profile import Profile

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Path = tuple[str | int, ...]


def validate_profile(data: dict[str, Any], complain: Callable[[Path, str], None]) -> Profile | None:
    """Return the profile, or report every problem with the path of the value and return ``None``."""
    try:
        return _adapter().validate_python(data)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            complain(_cleaned(problem["loc"]), _sentence(problem))
    return None


@cache
def _adapter() -> TypeAdapter[Profile]:
    # Making it takes longer than validating all profiles with it.
    return TypeAdapter(Profile)


def _cleaned(location: tuple[str | int, ...]) -> Path:
    # pydantic adds the names of union members and of generic wrappers to the path of a value
    return tuple(part for part in location if isinstance(part, int) or _is_key(part))


def _is_key(part: str) -> bool:
    return "[" not in part and part not in {"str", "int", "bool", "none", "Test", "Combined"}


def _sentence(problem: ErrorDetails) -> str:
    name = str(problem["loc"][-1]) if problem["loc"] else "profile"
    if problem["type"] == "unexpected_keyword_argument":
        return f"unknown key {name!r}{suggestion(name, _known_keys())}"
    if problem["type"] in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        return f"the key {name!r} is missing"
    return f"{name}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _known_keys() -> tuple[str, ...]:
    from dataclasses import fields, is_dataclass

    from predeploy.model import profile as models

    tables = [model for model in vars(models).values() if isinstance(model, type) and is_dataclass(model)]
    return tuple(sorted({field.name for model in tables for field in fields(model)}))


def json_schema(model: Any) -> dict[str, Any]:
    """Return the JSON schema of one of our dataclasses."""
    return TypeAdapter(model).json_schema()
