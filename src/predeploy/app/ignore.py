"""Which files reach the host: ignore files in gitignore syntax, and what git tracks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from predeploy.app.tree import Policy
from predeploy.lazy import pattern

PATTERN_LIMIT = 5_000
"""Patterns read of one ignore file; large real ones have five hundred."""

LENGTH_LIMIT = 4_096
"""Characters of one pattern; no path is longer."""

_INCLUDE = pattern(r"#[ \t]*!include:(.+)")

# --- patterns: not pathspec, whose regular expressions take hours for a hostile pattern and path ------------

_Matcher = Callable[[str], bool]


class _Pattern(NamedTuple):
    """One line of an ignore file."""

    negated: bool
    directory_only: bool
    anchored: bool
    segments: tuple[_Matcher | None, ...]
    """One for each path segment; ``None`` is ``**``, any number of segments."""

    def matches(self, path: str, *, directory: bool) -> bool:
        if self.directory_only and not directory:
            return False
        if not self.anchored:
            matcher = self.segments[0]
            return matcher is None or matcher(path.rpartition("/")[2])
        return _match_segments(self.segments, path.split("/"))


def _match_segments(pattern: tuple[_Matcher | None, ...], path: list[str]) -> bool:
    """Match segment by segment; going back to the last ``**`` only is enough, as in any glob."""
    at = place = 0
    retry: tuple[int, int] | None = None
    while place < len(path):
        matcher = pattern[at] if at < len(pattern) else None
        if at < len(pattern) and matcher is None:
            at += 1
            retry = (at, place)
        elif matcher is not None and matcher(path[place]):
            at, place = at + 1, place + 1
        elif retry is not None:
            retry = (retry[0], retry[1] + 1)
            at, place = retry
        else:
            return False
    return all(matcher is None for matcher in pattern[at:])


def _parse(line: str) -> _Pattern | None:
    """Return the pattern of a line; ``None`` for blank lines, comments and what git says never matches."""
    line = _without_trailing_spaces(line.rstrip("\n").removesuffix("\r"))
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    body = line[1:] if negated else line
    directory_only = body.endswith("/")
    body = body.removesuffix("/")
    anchored = "/" in body
    parts = [
        "**" if len(part) > 1 and not part.strip("*") else part for part in body.removeprefix("/").split("/")
    ]
    if anchored and parts[-1] == "**":
        # What is inside, not the directory itself: at least one more segment.
        parts.append("*")
    segments: list[_Matcher | None] = []
    for part in parts:
        matcher = None if part == "**" else _matcher(part)
        if matcher is None and part != "**":
            return None
        segments.append(matcher)
    return _Pattern(negated, directory_only, anchored, tuple(segments))


def _without_trailing_spaces(line: str) -> str:
    bare = line.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if bare != line and escapes % 2 else bare


def _matcher(segment: str) -> _Matcher | None:
    """Return what tells whether a name matches one segment of a pattern; ``None`` when nothing can."""
    if not segment:
        return None
    if not any(special in segment for special in "*?[\\"):
        return segment.__eq__
    pieces = _pieces(segment)
    if pieces is None:
        return None
    first, *rest = pieces
    if not rest:
        return _full(first)
    # Each piece at its first place, never reconsidered, as in CPython's fnmatch: linear, not exponential.
    middle = "".join(f"(?>.*?{piece})" for piece in rest[:-1] if piece)
    return _full(f"{first}{middle}.*{rest[-1]}")


def _full(expression: str) -> _Matcher | None:
    try:
        compiled = re.compile(expression, re.DOTALL)
    except re.error:
        return None
    return lambda name: compiled.fullmatch(name) is not None


def _pieces(segment: str) -> list[str] | None:
    """Return the regular expressions between the stars of a segment; ``None`` when it is not valid."""
    pieces = [""]
    position = 0
    while position < len(segment):
        character = segment[position]
        position += 1
        if character == "*":
            pieces.append("")
        elif character == "?":
            pieces[-1] += "."
        elif character == "[":
            found = _character_class(segment, position)
            if found is None:
                return None
            expression, position = found
            pieces[-1] += expression
        elif character == "\\":
            if position == len(segment):
                return None
            pieces[-1] += re.escape(segment[position])
            position += 1
        else:
            pieces[-1] += re.escape(character)
    return pieces


_NAMED = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "\\x21-\\x7e", "lower": "a-z", "print": "\\x20-\\x7e", "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r", "upper": "A-Z", "xdigit": "0-9a-fA-F",
}  # fmt: skip
_CLASS_ITEM = pattern(r"\[:([a-z]*):\]|(?:\\(.)|([^\\]))(?:-(?:\\(.)|([^\]\\])))?", re.DOTALL)


def _character_class(segment: str, position: int) -> tuple[str, int] | None:
    """Return the regular expression of a class whose ``[`` was just read, and where it ends."""
    negated = segment[position : position + 1] in ("!", "^")
    position += negated
    items = ""
    first = True
    while first or segment[position : position + 1] != "]":
        first = False
        match = _CLASS_ITEM.match(segment, position)
        if match is None:
            return None
        name, escaped, plain, escaped_end, plain_end = match.groups()
        if name is not None:
            if name not in _NAMED:
                return None
            items += _NAMED[name]
        else:
            start = escaped or plain
            end = escaped_end or plain_end or start
            if start <= end:
                items += f"{re.escape(start)}-{re.escape(end)}"
        position = match.end()
    if not items:
        return (".", position + 1) if negated else None
    return f"[{'^' if negated else ''}{items}]", position + 1


# --- policies -----------------------------------------------------------------------------------------


class IgnorePolicy:
    """Keeps what no pattern of an ignore file matches; an ignored directory hides everything below it."""

    def __init__(self, lines: Iterable[str], *, negation: bool = True) -> None:
        """Take pattern lines; without ``negation``, as in ``.slugignore``, lines with ``!`` are dropped."""
        self.problems: tuple[str, ...] = ()
        """What of the patterns is not applied, with the reason."""
        self._directories: dict[str, bool] = {"": True}
        patterns: list[_Pattern] = []
        for line in lines:
            if len(patterns) >= PATTERN_LIMIT:
                self.problems += (f"only the first {PATTERN_LIMIT} patterns are read",)
                break
            if len(line) > LENGTH_LIMIT:
                self.problems += (f"a pattern has more than {LENGTH_LIMIT} characters",)
                continue
            pattern = _parse(line)
            if pattern is not None and (negation or not pattern.negated):
                patterns.append(pattern)
        # The last pattern that matches decides.
        self._patterns = tuple(reversed(patterns))

    def keeps(self, path: str, *, directory: bool) -> bool:
        """Return whether the host receives this path (relative, forward slashes)."""
        if not self._patterns:
            return True
        if directory:
            return self._keeps_directory(path)
        return self._keeps_directory(path.rpartition("/")[0]) and not self._ignored(path, directory=False)

    def _ignored(self, path: str, *, directory: bool) -> bool:
        for known in self._patterns:
            if known.matches(path, directory=directory):
                return not known.negated
        return False

    def _keeps_directory(self, path: str) -> bool:
        # From the top down and in a loop, since the depth is the app's choice.
        todo = []
        while path not in self._directories:
            todo.append(path)
            path = path.rpartition("/")[0]
        kept = self._directories[path]
        for directory in reversed(todo):
            kept = kept and not self._ignored(directory, directory=True)
            self._directories[directory] = kept
        return kept


class GitTracked:
    """Keeps what git tracks."""

    def __init__(self, listing: bytes) -> None:
        """Take the output of ``git ls-files -z``, with paths relative to the app."""
        self._paths = frozenset(os.fsdecode(name) for name in listing.split(b"\0") if name)
        directories: set[str] = set()
        for path in self._paths:
            parent = path.rpartition("/")[0]
            while parent and parent not in directories:
                directories.add(parent)
                parent = parent.rpartition("/")[0]
        self._directories = frozenset(directories)

    def keeps(self, path: str, *, directory: bool) -> bool:
        """Return whether git tracks the path, or anything below a directory."""
        if path in self._paths or (directory and path in self._directories):
            return True
        # A submodule is listed as one path; its files are its own repository's business.
        parent = path.rpartition("/")[0]
        while parent and parent not in self._directories:
            if parent in self._paths:
                return True
            parent = parent.rpartition("/")[0]
        return False


class Both:
    """Keeps what two policies keep."""

    def __init__(self, first: Policy, second: Policy) -> None:
        self._first, self._second = first, second

    def keeps(self, path: str, *, directory: bool) -> bool:
        """Return whether the host receives this path."""
        return self._first.keeps(path, directory=directory) and self._second.keeps(path, directory=directory)


def expand_includes(lines: Iterable[str], read: Callable[[str], str | None]) -> tuple[str, ...]:
    """Return the lines of a ``.gcloudignore`` with ``#!include:FILE`` replaced by that file's lines.

    As with gcloud, included files lie beside it and their own includes are comments; ``read`` returns
    ``None`` for a file that is not there.
    """
    expanded: list[str] = []
    for line in lines:
        match = _INCLUDE.match(line)
        if match is None:
            expanded.append(line)
            continue
        name = match[1].strip()
        included = None if "/" in name else read(name)
        if included is not None:
            expanded.extend(included.splitlines())
    return tuple(expanded)
