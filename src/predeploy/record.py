"""Frozen dataclasses that cost next to nothing to define.

``dataclass`` compiles methods for every class, and its module imports ``inspect``, ``ast`` and ``dis``; a run
of ``check`` defines a hundred classes and is over in a tenth of a second. The methods here are shared by all
records and nothing is compiled. Whoever asks for ``__dataclass_fields__`` (``fields``, ``asdict``, pydantic)
gets what ``dataclass`` makes of the class then.
"""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from dataclasses import field as field
    from dataclasses import replace as replace

Class = TypeVar("Class")
MISSING: Any = object()
"""Stands where a field has no default."""


class _Declared:
    """What ``field`` was given."""

    def __init__(self, **given: Any) -> None:
        self.given = given

    @property
    def make(self) -> Any:
        return self.given.get("default_factory")


if not TYPE_CHECKING:

    def field(**given: Any) -> Any:
        """Declare a field as ``dataclasses.field`` does: ``default_factory``, ``default``, ``compare``."""
        return _Declared(**given)

    def replace(instance: Any, /, **changes: Any) -> Any:
        """Return a copy of a record, or of another dataclass, with other values in some fields."""
        fields = getattr(type(instance), "__record_fields__", None)
        if fields is None:
            from dataclasses import replace as replaced

            return replaced(instance, **changes)
        if not fields.keys() >= changes.keys():
            raise TypeError(f"{type(instance).__name__} has no field {min(changes.keys() - fields.keys())!r}")
        before = instance.__dict__
        copy = type(instance).__new__(type(instance))
        copy.__dict__.update({name: before[name] for name in fields})
        copy.__dict__.update(changes)
        return copy


def field_names(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of a record's fields, in the order they are written."""
    return tuple(cls.__record_fields__)


class _Fields:
    """What ``dataclass`` makes of a class, made when somebody asks for it."""

    def __get__(self, instance: Any, cls: type[Any]) -> Any:
        with _MAKING:
            for own in cls.__mro__:
                if own.__dict__.get("__dataclass_fields__") is self:
                    _make_dataclass(own)
        return cls.__dataclass_fields__


_MAKING = RLock()


def _make_dataclass(cls: Any) -> None:
    """Run ``dataclass`` on a record, which puts its fields where ``_Fields`` stood, and keep our methods."""
    from dataclasses import dataclass
    from dataclasses import field as real_field

    for name, declared in cls.__record_declared__.items():
        setattr(cls, name, real_field(**declared.given))
    dataclass(init=False, eq=False, repr=False, kw_only=cls.__record_keywords__)(cls)


def _made(cls: type[Class], *, keywords: bool) -> type[Class]:
    fields: dict[str, Any] = {}
    own: dict[str, _Declared] = {}
    unequal: set[str] = set()
    for base in reversed(cls.__mro__[1:]):
        fields.update(base.__dict__.get("__record_fields__", {}))
        unequal.update(base.__dict__.get("__record_unequal__", ()))
    for name in cls.__annotations__:
        fields[name] = cls.__dict__.get(name, MISSING)
        if isinstance(fields[name], _Declared):
            own[name] = fields[name]
            delattr(cls, name)
            if not own[name].given.get("compare", True):
                unequal.add(name)
            if own[name].make is None:
                fields[name] = own[name].given.get("default", MISSING)
                setattr(cls, name, fields[name])
    members = {
        **_METHODS,
        "__init__": _init_by_keyword if keywords else _init,
        "__match_args__": () if keywords else tuple(fields),
        "__record_fields__": fields,
        "__record_needed__": tuple(name for name, default in fields.items() if default is MISSING),
        "__record_made__": tuple(name for name, default in fields.items() if isinstance(default, _Declared)),
        "__record_declared__": own,
        "__record_unequal__": frozenset(unequal),
        "__record_keywords__": keywords,
        "__dataclass_fields__": _Fields(),
    }
    for name, member in members.items():
        setattr(cls, name, member)
    return cls


@dataclass_transform(frozen_default=True, kw_only_default=True)
def record(cls: type[Class]) -> type[Class]:
    """Make a class a frozen dataclass with keyword-only fields, equal and printed by its fields."""
    return _made(cls, keywords=True)


@dataclass_transform(frozen_default=True)
def positional(cls: type[Class]) -> type[Class]:
    """Make a class a record whose fields can also be given by position."""
    return _made(cls, keywords=False)


def _init_by_keyword(self: Any, **given: Any) -> None:
    values = self.__dict__
    values.update(self.__record_fields__)
    values.update(given)
    if len(values) != len(self.__record_fields__):
        unknown = min(given.keys() - self.__record_fields__.keys())
        raise TypeError(f"{type(self).__name__} has no field {unknown!r}")
    for name in self.__record_needed__:
        if values[name] is MISSING:
            raise TypeError(f"{type(self).__name__} needs the field {name!r}")
    for name in self.__record_made__:
        if name not in given:
            values[name] = values[name].make()


def _init(self: Any, *args: Any, **given: Any) -> None:
    names = self.__record_fields__
    if len(args) > len(names):
        raise TypeError(f"{type(self).__name__} has {len(names)} fields and was given {len(args)} values")
    for name, value in zip(names, args, strict=False):
        if name in given:
            raise TypeError(f"{type(self).__name__} was given the field {name!r} twice")
        given[name] = value
    _init_by_keyword(self, **given)


def _setattr(self: Any, name: str, value: object) -> None:  # noqa: ARG001 - the method's signature
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:  # noqa: ARG001 - the method's signature
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _eq(self: Any, other: object) -> bool:
    if type(self) is not type(other):
        return NotImplemented  # type: ignore[no-any-return]
    equal: bool = _values(self) == _values(other)
    return equal


def _hash(self: Any) -> int:
    return hash((type(self), *_values(self)))


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__record_fields__)
    return f"{type(self).__name__}({shown})"


def _values(instance: Any) -> list[Any]:
    # Not all of ``__dict__``: a cached property keeps its value there too.
    values, unequal = instance.__dict__, instance.__record_unequal__
    return [values[name] for name in instance.__record_fields__ if name not in unequal]


_METHODS = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
}
