"""Records as plain data that ``marshal`` can write, and back.

Plain data cannot run code when it is read, as a pickle could, and whole subtrees without a record or a day in
them are taken over as they are.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from predeploy.model import conditions, limits, profile, snapshot
from predeploy.record import field_names

CLASSES: dict[str, type[Any]] = {
    name: model
    for module in (profile, conditions, limits, snapshot)
    for name, model in vars(module).items()
    if hasattr(model, "__record_fields__") and model.__module__ == module.__name__
}
"""The records that may occur, by name."""

PLAIN, DAY, TUPLE, LIST, DICT, RECORD = range(6)
_SCALARS = (str, int, float, bool, type(None))

Encoded = tuple[Any, ...]


def encode(value: Any) -> Encoded:
    """Return a value as a kind and plain data; raise :class:`TypeError` for what we never put there."""
    if type(value) in _SCALARS:
        return PLAIN, value
    if type(value) is date:
        return DAY, value.toordinal()
    if type(value) in (tuple, list):
        parts = [encode(part) for part in value]
        if all(part[0] == PLAIN for part in parts):
            return PLAIN, value
        return (TUPLE if type(value) is tuple else LIST), parts
    if type(value) is dict:
        items = {key: encode(member) for key, member in value.items()}
        return (PLAIN, value) if all(part[0] == PLAIN for part in items.values()) else (DICT, items)
    if type(value) is frozenset:
        return PLAIN, value
    if CLASSES.get(type(value).__name__) is type(value):
        fields = {name: encode(getattr(value, name)) for name in field_names(type(value))}
        plain = {name: part[1] if part[0] == PLAIN else None for name, part in fields.items()}
        rest = {name: part for name, part in fields.items() if part[0] != PLAIN}
        return RECORD, type(value).__name__, plain, rest
    raise TypeError(f"{type(value).__name__} in a profile")


def decode(encoded: Encoded) -> Any:
    """Return the value that :func:`encode` was given."""
    kind = encoded[0]
    if kind == RECORD:
        _, name, plain, rest = encoded
        made = object.__new__(CLASSES[name])
        values = made.__dict__
        values.update(plain)
        for field, part in rest.items():
            values[field] = decode(part)
        return made
    content = encoded[1]
    if kind == PLAIN:
        return content
    if kind == DAY:
        return date.fromordinal(content)
    if kind == DICT:
        return {key: decode(part) for key, part in content.items()}
    return tuple(map(decode, content)) if kind == TUPLE else list(map(decode, content))
