"""Frozen dataclasses that are cheap to define.

``dataclass`` compiles five methods for every class; a run of ``check`` defines some sixty classes and is over
in a tenth of a second. A record has only its ``__init__`` compiled and shares the other methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

Class = TypeVar("Class")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[Class]) -> type[Class]:
    """Make a class a frozen dataclass with keyword-only fields, equal and printed by its fields."""
    for method in (__eq__, __hash__, __repr__):
        setattr(cls, method.__name__, method)
    return dataclass(frozen=True, kw_only=True, eq=False, repr=False)(cls)


def __eq__(self: Any, other: object) -> bool:
    if type(self) is not type(other):
        return NotImplemented
    equal: bool = self.__dict__ == other.__dict__
    return equal


def __hash__(self: Any) -> int:
    return hash((type(self), *self.__dict__.values()))


def __repr__(self: Any) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
    return f"{type(self).__name__}({shown})"
