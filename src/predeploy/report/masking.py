"""Secrets taken out of results and plans before they are rendered."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from predeploy.env.secrets import Secrets

Value = TypeVar("Value")

OWN_WORDS = frozenset(
    {
        *(
            "rule",
            "phase",
            "phases",
            "severity",
            "headline",
            "upstream_id",
            "confidence",
            "source",
            "sources",
        ),
        *("platform", "name", "status", "id", "fallback_of", "match", "otherwise", "problem", "certainty"),
        *(
            "tool_version",
            "as_of",
            "since",
            "until",
            "day",
            "changed",
            "verified_on",
            "packages_as_of",
            "undated",
        ),
        *(
            "manifest",
            "installer",
            "candidates",
            "ignored",
            "origin",
            "python",
            "requested",
            "resolved",
            "version",
        ),
        *("seeds", "tools", "module", "only_if_importable", "importable", "entry_modules", "import_roots"),
        *(
            "path",
            "log",
            "work_dir",
            "app",
            "cwd",
            "requirement_files",
            "not_simulated",
            "seconds",
            "listening",
            "kind",
            "limit",
        ),
    }
)
"""Fields that hold our own words, versions, or names by which others find a thing; others are redacted."""


def masked(value: Value, secrets: Secrets) -> Value:
    """Return records with their free text redacted; a verdict or an id stays, whatever a secret is called."""
    result: Value = _masked(value, secrets)
    return result


def _masked(value: Any, secrets: Secrets) -> Any:
    if isinstance(value, str):
        return secrets(value)
    if isinstance(value, tuple):
        return tuple(_masked(item, secrets) for item in value)
    if isinstance(value, dict):
        return {
            key: secrets.of_variable(key, item) if isinstance(item, str) else _masked(item, secrets)
            for key, item in value.items()
        }
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for field in fields(value):
        before = getattr(value, field.name)
        # A field of our own words may still be a record with others.
        after = before if field.name in OWN_WORDS and not is_dataclass(before) else _masked(before, secrets)
        if after is not before:
            changed[field.name] = after
    return replace(value, **changed) if changed else value
