"""YAML with the line of every value, in two tempers.

*Lenient* reads an app's configuration as the hosts do, by YAML 1.1. *Strict* reads our own profiles and
refuses what YAML 1.1 would silently change: ``3.10``, ``yes``, repeated keys.

Nodes are built from the parser's events, since libyaml's own composer recurses on the document's depth.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from predeploy.app.yaml_scalars import UnclearScalar, lenient_value, strict_value
from predeploy.record import field, positional

NODE_LIMIT = 100_000
"""Values of a document, each alias counted as what it stands for."""

DEPTH_LIMIT = 100
TOO_DEEP = f"nests deeper than we read ({DEPTH_LIMIT} levels)"
"""Nesting of lists and mappings."""

Path = tuple[Hashable, ...]
"""Keys and list indices that lead to a value."""

TagFunction = Callable[[Any, int], Any]
"""Takes the data below a custom tag and its line."""

_STANDARD = "tag:yaml.org,2002:"
_MERGE = object()


class YamlProblem(Exception):  # noqa: N818 - callers turn it into a finding or a ProfileError
    """Why a document cannot be read; ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


@positional
class MarkedDocument:
    """Plain data, and where it stands."""

    data: Any
    """Dictionaries, lists and scalars; ``None`` for an empty document."""
    lines: dict[Path, int] = field(default_factory=dict)
    """Line of every value by its path: of the key in a mapping, of the item in a list."""
    duplicates: tuple[tuple[Path, int], ...] = ()
    """Repeated keys, with the line of the repetition; the last one wins."""

    def line(self, path: Path = ()) -> int | None:
        """Return the line of a value, or of the nearest parent that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def load_marked(
    text: str, tags: Mapping[str, TagFunction] | None = None, *, strict: bool = False
) -> MarkedDocument:
    """Return a document with its lines; raise :class:`YamlProblem` when it cannot be read.

    ``tags`` maps a custom tag (``!include``) to the function that makes its value.
    """
    root = _Composer(strict).compose(text.removeprefix("\ufeff"))
    if root is None:
        return MarkedDocument(None)
    builder = _Builder(tags or {}, strict)
    builder.lines[()] = root.line
    data = builder.build(root, (), 0)
    return MarkedDocument(data, builder.lines, tuple(builder.duplicates))


# --- events to nodes --------------------------------------------------------------------------------


class _Node:
    __slots__ = ("column", "items", "kind", "line", "plain", "tag", "text")

    def __init__(
        self, kind: str, line: int, column: int, tag: str | None, text: str = "", plain: bool = False
    ) -> None:
        self.kind, self.line, self.column = kind, line, column
        self.tag, self.text, self.plain = tag, text, plain
        self.items: list[_Node] = []
        """Of a mapping: key, value, key, value …"""

    def problem(self, reason: str) -> YamlProblem:
        return YamlProblem(self.line, self.column, reason)


class _Composer:
    """Makes a tree of nodes, in which aliases are the anchored nodes themselves."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.root: _Node | None = None
        self.open: list[_Node] = []
        self.anchors: dict[str, _Node] = {}
        self.documents = self.nodes = 0

    def compose(self, text: str) -> _Node | None:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            for event in yaml.parse(text, Loader=loader):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            raise _syntax_problem(error, text) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
            raise YamlProblem(line, 1, "holds a character that YAML does not allow") from None
        except UnicodeError:
            raise YamlProblem(1, 1, "holds a character that is not Unicode") from None
        return self.root

    def _take(self, event: Any) -> None:
        name = type(event).__name__
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if name in ("SequenceEndEvent", "MappingEndEvent"):
            self.open.pop()
        elif name == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                raise YamlProblem(line, column, "has a second document, which nothing reads")
        elif name == "AliasEvent":
            self._alias(event.anchor, line, column)
        elif name == "ScalarEvent":
            plain = event.style is None or event.style == ""
            self._add(event, _Node("scalar", line, column, event.tag, event.value, plain))
        elif name in ("SequenceStartEvent", "MappingStartEvent"):
            node = _Node(name[:-10].lower(), line, column, event.tag)
            self._add(event, node)
            self.open.append(node)
            if len(self.open) > DEPTH_LIMIT:
                raise node.problem(TOO_DEEP)

    def _alias(self, anchor: str, line: int, column: int) -> None:
        if self.strict:
            raise YamlProblem(line, column, "uses an alias; write the value out")
        node = self.anchors.get(anchor)
        if node is None:
            raise YamlProblem(line, column, f"refers to an anchor that is not defined before: {anchor[:60]}")
        if node in self.open:
            raise YamlProblem(line, column, f"refers to the anchor {anchor[:60]} inside of itself")
        self._attach(node)

    def _add(self, event: Any, node: _Node) -> None:
        self.nodes += 1
        if self.nodes > NODE_LIMIT:
            raise node.problem(f"holds more values than we read ({NODE_LIMIT})")
        if event.anchor is not None:
            if self.strict:
                raise node.problem("sets an anchor; write the value out where it is needed")
            self.anchors[event.anchor] = node
        self._attach(node)

    def _attach(self, node: _Node) -> None:
        if self.open:
            self.open[-1].items.append(node)
        else:
            self.root = node


def _syntax_problem(error: Any, text: str) -> YamlProblem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    # libyaml places the end of a text without a final line end on a line that is not there.
    line = min(line, text.count("\n") + 1)
    shown = text.split("\n", line)[line - 1]
    indent = shown[: len(shown) - len(shown.lstrip(" \t"))]
    if shown[column - 1 : column] == "\t" or ("\t" in indent and column <= len(indent) + 1):
        return YamlProblem(line, column, "has a tab where YAML takes spaces only")
    what = error.problem or error.context or "cannot be read"
    if "nesting depth" in what:  # the reader's own bound, which it may reach before ours
        return YamlProblem(line, column, TOO_DEEP)
    return YamlProblem(line, column, f"is not YAML: {what}")


# --- nodes to data ----------------------------------------------------------------------------------


class _Builder:
    """Makes plain data of nodes; recursion is bounded by :data:`DEPTH_LIMIT`."""

    def __init__(self, tags: Mapping[str, TagFunction], strict: bool) -> None:
        self.tags = tags
        self.strict = strict
        self.lines: dict[Path, int] = {}
        self.duplicates: list[tuple[Path, int]] = []
        self.count = 0

    def build(self, node: _Node, path: Path, depth: int) -> Any:
        """Return the data of a node that stands at ``path``."""
        self.count += 1
        if self.count > NODE_LIMIT:
            raise node.problem(f"holds more values than we read, aliases written out ({NODE_LIMIT})")
        if depth > DEPTH_LIMIT:
            raise node.problem(TOO_DEEP)
        tag = None if node.tag in (None, "!") else str(node.tag)
        if tag is not None and tag in self.tags:
            return self.tags[tag](self._content(node, path, depth, None), node.line)
        if tag is not None and not tag.startswith(_STANDARD):
            raise node.problem(f"has the tag {tag[:60]}, which is not known")
        return self._content(node, path, depth, tag)

    def _content(self, node: _Node, path: Path, depth: int, tag: str | None) -> Any:
        if node.kind == "scalar":
            return self._scalar(node, tag)
        wanted = "seq" if node.kind == "sequence" else "map"
        if tag not in (None, _STANDARD + wanted):
            raise node.problem(f"has the tag !!{str(tag).removeprefix(_STANDARD)[:60]}, which is not known")
        if node.kind == "mapping":
            return self._mapping(node, path, depth)
        items = []
        for index, item in enumerate(node.items):
            below = (*path, index)
            self.lines[below] = item.line
            items.append(self.build(item, below, depth + 1))
        return items

    def _scalar(self, node: _Node, tag: str | None) -> Any:
        # "!" is YAML's own way to say that a plain value is a string.
        plain = node.plain and node.tag != "!"
        if tag is None and not plain:
            return node.text
        try:
            if self.strict and tag is None:
                return strict_value(node.text)
            return lenient_value(node.text, tag.removeprefix(_STANDARD) if tag else None)
        except UnclearScalar as unclear:
            raise node.problem(str(unclear)) from None

    def _mapping(self, node: _Node, path: Path, depth: int) -> dict[Hashable, Any]:
        keys = [self._key(key) for key in node.items[::2]]
        last = {key: index for index, key in enumerate(keys)}
        merged: dict[Hashable, Any] = {}
        data: dict[Hashable, Any] = {}
        for index in reversed(range(len(keys))):
            if keys[index] is _MERGE:
                self._merge(node.items[2 * index + 1], path, depth, merged, last)
        for index, key in enumerate(keys):
            if key is _MERGE:
                continue
            key_node, value_node = node.items[2 * index : 2 * index + 2]
            below = (*path, key)
            if key in data:
                if self.strict:
                    raise key_node.problem(f"repeats the key {key!r}")
                self.duplicates.append((below, key_node.line))
            kept = self.lines
            if last[key] != index:
                # Replaced further down: it must be readable, but its lines must not show.
                self.lines = {}
            self.lines[below] = key_node.line
            data[key] = self.build(value_node, below, depth + 1)
            self.lines = kept
        return {**merged, **data}

    def _key(self, node: _Node) -> Hashable:
        if node.kind != "scalar":
            raise node.problem("has a key that is not a scalar")
        if node.plain and node.tag is None and node.text == "<<":
            if self.strict:
                raise node.problem("merges a mapping with '<<'; write the keys out")
            return _MERGE
        tag = None if node.tag in (None, "!") else str(node.tag)
        if tag is not None and not tag.startswith(_STANDARD):
            raise node.problem(f"has the tag {tag[:60]} on a key")
        key: Hashable = self._scalar(node, tag)
        if self.strict and not isinstance(key, str):
            raise node.problem(f"has the key {node.text}, which is not a string: quote it")
        return key

    def _merge(
        self,
        node: _Node,
        path: Path,
        depth: int,
        merged: dict[Hashable, Any],
        own: Mapping[Hashable, int],
    ) -> None:
        """Add the keys of a mapping, or of a list of them, that are not there yet."""
        for source in node.items if node.kind == "sequence" else [node]:
            if source.kind != "mapping":
                raise source.problem("merges something that is not a mapping")
            kept, self.lines = self.lines, {}
            found = self.build(source, path, depth + 1)
            inner, self.lines = self.lines, kept
            taken = [key for key in found if key not in merged]
            merged.update((key, found[key]) for key in taken)
            shown = {key for key in taken if key not in own}
            self.lines.update((below, line) for below, line in inner.items() if below[len(path)] in shown)
