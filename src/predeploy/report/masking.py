"""Secrets taken out of results and plans before they are rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

Value = TypeVar("Value")

FREE_TEXT = frozenset(
    {
        *("message", "hint", "text", "tail", "detail", "reason"),
        *("argv", "shell", "env", "processes", "conflicts", "trouble", "requirements"),
        *("output", "lacking", "no_upload_times"),
        *("headers", "body"),
    }
)
"""Fields that repeat what the app, its tools or its variables say; all others are our own words or names."""


def masked(value: Value, redact: Callable[[str], str]) -> Value:
    """Return records with their free text redacted; a verdict or an id stays, whatever a secret is called."""
    result: Value = _masked(value, redact, free=False)
    return result


def _masked(value: Any, redact: Callable[[str], str], *, free: bool) -> Any:
    if isinstance(value, str):
        return redact(value) if free else value
    if isinstance(value, tuple):
        return tuple(_masked(item, redact, free=free) for item in value)
    if isinstance(value, dict):
        return {key: _masked(item, redact, free=free) for key, item in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {
        field.name: _masked(getattr(value, field.name), redact, free=field.name in FREE_TEXT)
        for field in fields(value)
    }
    return replace(value, **changed)
