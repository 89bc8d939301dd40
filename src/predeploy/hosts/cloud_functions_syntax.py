"""The prediction whether every Python file of a function's upload compiles.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22), cmd/python/functions_framework, replayed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache

from predeploy.app.tree import Unreadable
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.choice import numbers
from predeploy.rules.registry import predicate

OURS = sys.version_info[:2]
"""The Python that makes the prediction."""

MAX_FILES = 2_000
"""Python files compiled by the static prediction; the build step compiles all of them."""

MAX_FILE_BYTES = 1_000_000
MAX_TOTAL_BYTES = 20_000_000
MAX_SHOWN = 5

OLD_DEPTH = 10
"""Levels of directories that compileall enters before Python 3.9."""

NEWER_SYNTAX = {
    12: re.compile(
        rb"\b[fF][rR]?['\"]|\b[rR][fF]['\"]|^[ \t\f]*type\s|(?:def|class)\s+\w+\s*\[", re.MULTILINE
    ),
    13: re.compile(rb"(?:def|class|type)\s+\w+\s*\[[^\]]{0,500}="),
    14: re.compile(rb"\b[tT][rR]?['\"]|\b[rR][tT]['\"]|\bexcept\b[^:(\n]{1,200},"),
}
"""What a file with syntax that came with 3.12, 3.13 or 3.14 looks like; errs on the side of suspicion."""


@predicate("cloud_functions.syntax_error")
def syntax_error(case: Case) -> Outcome:
    """Match when a file of the tree cannot be compiled by the runtime's Python.

    Unknown when this program's own Python is older than the runtime's and the file may use newer syntax.
    """
    host = numbers(case.python.minor or "3.0")[:2]
    certain: list[Evidence] = []
    doubtful: list[Evidence] = []
    for path in _python_files(case):
        problem, sure = _compile(case, path, host[1] if host[0] == 3 else 0)
        if problem is not None:
            (certain if sure else doubtful).append(problem)
        if len(certain) >= MAX_SHOWN:
            break
    if certain:
        return Match(tuple(certain))
    if doubtful:
        ours = ".".join(map(str, OURS))
        return Unknown(
            f"{doubtful[0]} does not compile with Python {ours}, which is older than the runtime's"
        )
    return matched(False)


def _python_files(case: Case) -> Iterator[str]:
    total = 0
    for count, path in enumerate(_walk(case)):
        entry = case.tree.entry(path)
        size = entry.size if entry else 0
        total += size
        if count >= MAX_FILES or total > MAX_TOTAL_BYTES:
            return
        if size <= MAX_FILE_BYTES:
            yield path


def _walk(case: Case) -> Iterator[str]:
    skip = frozenset({"__pycache__"})
    deepest = OLD_DEPTH if numbers(case.python.minor or "3.9") < (3, 9) else None
    files = (path for path in case.tree.walk(skip=skip) if path.endswith(".py"))
    return files if deepest is None else (path for path in files if path.count("/") <= deepest)


def _compile(case: Case, path: str, host: int) -> tuple[Evidence | None, bool]:
    """Return what is wrong with a file for Python 3.``host``, and whether that is certain."""
    try:
        data = case.tree.read(path)
    except Unreadable:
        return None, False
    problem = _problem(data, path, host)
    if problem is None:
        return None, True
    newer = any(NEWER_SYNTAX[minor].search(data) for minor in NEWER_SYNTAX if OURS[1] < minor <= host)
    return problem, not newer


@lru_cache(maxsize=MAX_FILES)
def _problem(data: bytes, path: str, host: int) -> Evidence | None:
    # Cached by content: two platforms compile the same files.
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(data, path, "exec", dont_inherit=True)
            if host < OURS[1]:
                from predeploy.app.python_source import syntax_tree

                syntax_tree(data, path, minor=max(host, 7))
    except SyntaxError as error:
        return Evidence(path=path, line=error.lineno, text=str(error.msg)[:120])
    except ValueError as error:
        return Evidence(path=path, text=str(error)[:120])
    except (RecursionError, MemoryError):
        return None
    return None
