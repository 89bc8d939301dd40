"""JSON files of the app, with the line of a defect."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from predeploy.app.text import Problem, decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.record import record


@record
class JsonFile:
    """A parsed JSON file, or why it could not be parsed."""

    data: Any = None
    """The content, shared between callers: do not change it. ``None`` with a problem."""
    problem: Problem | None = None
    """Why there is no data."""


def read_json(tree: Tree, path: str) -> JsonFile:
    """Return a JSON file; a byte-order mark is tolerated and the last of repeated keys wins."""
    try:
        data = tree.read(path)
    except Unreadable as error:
        return JsonFile(problem=Problem(path=path, reason=error.reason))
    return _parse(path, data)


@lru_cache(maxsize=16)
def _parse(path: str, data: bytes) -> JsonFile:
    # Cached by content: several platforms read the same file through trees of their own.
    import json

    decoded = decode(data)
    if decoded.encoding in ("binary", "latin-1"):
        return JsonFile(problem=Problem(path=path, reason="is not UTF-8"))
    if not decoded.text.strip():
        return JsonFile(problem=Problem(path=path, line=1, reason="is empty"))
    try:
        return JsonFile(data=json.loads(decoded.text))
    except json.JSONDecodeError as error:
        reason = f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})"
        return JsonFile(problem=Problem(path=path, line=error.lineno, reason=reason))
    except RecursionError:
        return JsonFile(problem=Problem(path=path, reason="nests deeper than we read"))
    except ValueError:
        # The interpreter's limit on the digits of an integer.
        return JsonFile(problem=Problem(path=path, reason="holds a number longer than we read"))
