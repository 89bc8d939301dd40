"""TOML files of the app, with the line of a defect and of a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from predeploy.app.text import Problem, decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.lazy import pattern
from predeploy.record import field, record

SIZE_LIMIT = 8 * 1024 * 1024
"""Characters; lock files of large apps stay below 3 MB."""

LINES_LIMIT = 500_000
"""Lines; tomllib takes some microseconds for a blank one."""

# tomllib takes quadratic time in the number of parts of a dotted key, so a long one is refused first.
_LONG = 400
_DEEP_KEY = pattern(r"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){200}""")

_AT_LINE = pattern(r"\(at line (\d+), column (\d+)\)")


@record
class TomlFile:
    """A parsed TOML file, or why it could not be parsed."""

    data: dict[str, Any] = field(default_factory=dict)
    """The content, shared between callers: do not change it. Empty with a problem."""
    problem: Problem | None = None
    """Why there is no data."""
    text: str = ""
    """The text, for :func:`key_line`."""
    bom: bool = False
    """Whether a byte-order mark was skipped, on which ``tomllib`` and so pip and Poetry stumble."""

    def line(self, *path: str) -> int | None:
        """Return the line on which a table or key stands."""
        return key_line(self.text, path)

    def lines_below(self, *path: str) -> dict[str, int]:
        """Return the first line of each key directly below a table."""
        lines: dict[str, int] = {}
        for key, line in _keys(self.text):
            if len(key) > len(path) and key[: len(path)] == path:
                lines.setdefault(key[len(path)], line)
        return lines


def read_toml(tree: Tree, path: str) -> TomlFile:
    """Return a TOML file; a byte-order mark is skipped and said."""
    try:
        data = tree.read(path)
    except Unreadable as error:
        return TomlFile(problem=Problem(path=path, reason=error.reason))
    return _parse(path, data)


@lru_cache(maxsize=16)
def _parse(path: str, data: bytes) -> TomlFile:
    # Cached by content: several platforms read the same file through trees of their own.
    import tomllib

    decoded = decode(data)
    text, bom = decoded.text, decoded.bom

    def bad(reason: str, line: int | None = None) -> TomlFile:
        shown = _line(text, line) if line else ""
        problem = Problem(path=path, line=line, text=shown, reason=reason)
        return TomlFile(problem=problem, text=text, bom=bom)

    if decoded.encoding not in ("ascii", "utf-8", "utf-8-bom"):
        return bad("is not UTF-8", _first_bad_line(data))
    refused = too_large(text)
    if refused:
        return bad(refused)
    try:
        return TomlFile(data=tomllib.loads(text), text=text, bom=bom)
    except tomllib.TOMLDecodeError as error:
        return bad(*_explain(str(error), text))
    except RecursionError:
        return bad("nests deeper than we read")
    except (ValueError, OverflowError):
        # Integers beyond the interpreter's digit limit, and times outside of what datetime can hold.
        return bad("holds a number longer than we read")


def too_large(text: str) -> str:
    """Return why a text would take tomllib too long, empty when it would not."""
    if len(text) > SIZE_LIMIT:
        return f"is larger than we read ({SIZE_LIMIT >> 20} MB)"
    if text.count("\n") > LINES_LIMIT:
        return f"is larger than we read ({LINES_LIMIT} lines)"
    if any(len(line) > _LONG and _DEEP_KEY.search(line) for line in text.split("\n")):
        return "has a key with more parts than we read"
    return ""


def _first_bad_line(data: bytes) -> int | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return data.count(b"\n", 0, data.index(b"\0")) + 1 if b"\0" in data else None


def _explain(message: str, text: str) -> tuple[str, int]:
    found = _AT_LINE.search(message)
    what = message.split(" (at ")[0]
    what = f"is not TOML: {what[:1].lower()}{what[1:]}"
    if found is None:
        return f"{what} (at the end)", max(1, text.rstrip("\n").count("\n") + 1)
    return f"{what} (column {found[2]})", int(found[1])


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number)
    return lines[number - 1].rstrip("\r") if len(lines) >= number else ""


# --- where a key stands -----------------------------------------------------------------------------

_HEADER = pattern(r"[ \t]*\[{1,2}([^\n]*?)\]{1,2}[ \t]*(?:#[^\n]*)?$")
_PART = pattern(r"""[ \t]*(?:"((?:[^"\\\n]|\\.)*+)"|'([^'\n]*+)'|([A-Za-z0-9_-]++))[ \t]*""")

# Everything a value can hide a bracket or a line end in, longest first; anything else is one character.
_TOKEN = pattern(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+"
    r"|[\[{]|[\]}]|\n|[^\"'\#\[{\]}\n]++|.",
    re.DOTALL,
)


def key_line(text: str, dotted_path: tuple[str, ...]) -> int | None:
    """Return the first line on which a table or key stands, ``None`` when it is not found.

    Best effort: keys inside inline tables are found at the line of the key that holds the table.
    """
    for path, line in _keys(text):
        if path[: len(dotted_path)] == dotted_path:
            return line
    return None


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield every header and key with its line, in file order."""
    table: tuple[str, ...] = ()
    position, number = 0, 1
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        header = _HEADER.match(line) if line.lstrip(" \t").startswith("[") else None
        if header:
            table = _parts(header[1])[0]
            yield table, number
        elif line.strip() and not line.lstrip().startswith("#"):
            key, after = _parts(line)
            if key and line[after : after + 1] == "=":
                yield table + key, number
                end = _value_end(text, position + after + 1)
                number += text.count("\n", position, end)
        position, number = end + 1, number + 1


def _parts(source: str) -> tuple[tuple[str, ...], int]:
    """Return the parts of the dotted key a text starts with, and where it ends."""
    parts: list[str] = []
    position = 0
    while match := _PART.match(source, position):
        basic, literal, bare = match.groups()
        parts.append(_unescaped(basic) if basic is not None else literal if literal is not None else bare)
        position = match.end()
        if source[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts), position


def _unescaped(basic: str) -> str:
    return basic.replace('\\"', '"').replace("\\\\", "\\") if "\\" in basic else basic


def _value_end(text: str, position: int) -> int:
    """Return the position of the line end that ends a value, brackets and strings skipped."""
    depth = 0
    while match := _TOKEN.match(text, position):
        piece = match[0]
        if piece == "\n" and depth <= 0:
            return position
        if piece in ('""', "''") and text.startswith(piece[0], match.end()):
            # A multi-line string that never ends: invalid, and searching again and again takes too long.
            break
        if piece in ("[", "{"):
            depth += 1
        elif piece in ("]", "}"):
            depth -= 1
        position = match.end()
    return len(text)
