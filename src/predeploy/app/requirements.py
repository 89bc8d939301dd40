"""Requirements files by pip's own grammar, line by line, the bad lines kept.

Differences from pip are on purpose: ``${VARIABLE}`` stays as it is, nothing is fetched, and a bad line does
not end the reading. ``text`` and ``url`` are as written and may hold credentials.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from predeploy.app.requirement import ARCHIVES, VARIABLE, Parsed, parse_editable, parse_line, plain
from predeploy.app.text import Problem, decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.lazy import pattern
from predeploy.record import record

LOGICAL_LIMIT = 200_000
"""Requirements and options read, included files counted in."""

PHYSICAL_LIMIT = 1_000_000
"""Lines read, blank ones and comments counted in."""

LENGTH_LIMIT = 200_000
"""Characters of one line with its continuations; a release has some hundred hashes of 80."""

BYTES_LIMIT = 64 * 1024 * 1024
"""Bytes read, a file counted each time it is included."""

FILES_LIMIT = 1000
"""Files read in all, one that is included twice counted twice."""
INCLUDE_LIMIT = 30
"""Files including one another; pip has no limit of its own."""

# The line ends of str.splitlines, by which pip counts.
_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_PHYSICAL = pattern(rf"([^{_ENDS}]*+)(?:\r\n|[{_ENDS}]|\Z)")
_COMMENT = pattern(r"(?:^|\s)#")
_REMOTE = pattern(r"(?:http|https|file):", re.IGNORECASE)

_VALUED = frozenset({
    "--index-url", "--pypi-url", "--extra-index-url", "--constraint", "--requirement", "--editable",
    "--find-links", "--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--hash",
    "--config-setting", "--config-settings", "--global-option", "--all-releases", "--only-final",
})  # fmt: skip
_FLAGS = frozenset({"--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-require-hashes"})
_SHORT = {
    "-i": "--index-url", "-r": "--requirement", "-c": "--constraint", "-e": "--editable",
    "-f": "--find-links", "-C": "--config-settings",
}  # fmt: skip


@record
class RequirementLine:
    """One requirement that pip would take."""

    path: str
    """File it stands in."""
    line: int
    """First line of it."""
    text: str
    """As written, continuations joined and comments removed; may hold credentials."""
    name: str | None
    """Canonical name; ``None`` where only a build would tell, as for ``-e .``."""
    specifier: str = ""
    """Version specifiers, sorted, without blanks."""
    extras: tuple[str, ...] = ()
    """Extras, sorted."""
    marker: str | None = None
    """Environment marker in normal form."""
    url: str | None = None
    """URL or local path it comes from."""
    editable: bool = False
    """Whether it is installed with ``-e``."""
    constraint: bool = False
    """Whether it only limits versions (from a ``-c`` file)."""
    hashes: tuple[str, ...] = ()
    """Values of ``--hash``."""


@record
class Option:
    """A line that sets an option; includes count, also the ones of URLs that are not followed."""

    path: str
    line: int
    name: str
    """Long form, as ``--index-url``."""
    value: str
    """Empty for a flag; may hold credentials."""


@record
class Requirements:
    """A requirements file with the files it includes."""

    path: str
    lines: tuple[RequirementLine, ...] = ()
    """Requirements and constraints, in pip's order."""
    options: tuple[Option, ...] = ()
    """Options, in order."""
    problems: tuple[Problem, ...] = ()
    """What pip would refuse, and what we could not read."""
    files: tuple[str, ...] = ()
    """Files that were read, each once."""

    def names(self) -> frozenset[str]:
        """Return the canonical names of what is to be installed, whatever the markers."""
        return frozenset(line.name for line in self.lines if line.name and not line.constraint)

    def find(self, name: str) -> RequirementLine | None:
        """Return the first requirement with a canonical name."""
        return next((line for line in self.lines if line.name == name and not line.constraint), None)


def read_requirements(tree: Tree, path: str) -> Requirements:
    """Return a requirements file and what it includes; a missing file is a problem of the result."""
    reader = _Reader(tree)
    reader.include(path, _Line(path, 0, "", constraint=False), constraint=False)
    return Requirements(
        path=path,
        lines=tuple(reader.lines),
        options=tuple(reader.options),
        problems=tuple(reader.problems),
        files=tuple(reader.files),
    )


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield pip's logical lines, stripped and without comments, with the number of their first line.

    Blank ones come as empty strings; one longer than :data:`LENGTH_LIMIT` comes cut, one character longer.
    """
    joined: list[str] = []
    length = first = 0
    for number, match in enumerate(_PHYSICAL.finditer(text), start=1):
        line = match[1]
        comment = "#" in line and line.lstrip().startswith("#")
        first = first if joined else number
        if line.endswith("\\") and not comment:
            if length <= LENGTH_LIMIT:
                joined.append(line.strip("\\"))
                length += len(joined[-1]) + 1
        elif joined:
            yield first, _without_comment("".join([*joined, f" {line}" if comment else line]))
            joined, length = [], 0
        else:
            yield first, _without_comment(line)
    if joined:
        yield first, _without_comment("".join(joined))


def _without_comment(line: str) -> str:
    if len(line) > LENGTH_LIMIT:
        return "" if line.lstrip().startswith("#") else line[: LENGTH_LIMIT + 1]
    if "#" in line and (match := _COMMENT.search(line)):
        line = line[: match.start()]
    return line.strip()


class _BadOption(Exception):  # noqa: N818 - never leaves this module
    """An option pip refuses, with the reason."""


def parse_options(words: list[str]) -> list[tuple[str, str]]:
    """Return long names and values of a line's options; other words are skipped, as pip does."""
    found: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            name = _long_name(name)
            if name in _FLAGS and equals:
                raise _BadOption(f"gives a value to {name}, which takes none")
            if name in _VALUED and not equals:
                value = _value(rest, name)
            found.append((name, value))
        elif word.startswith("-") and len(word) > 1:
            short = _SHORT.get(word[:2])
            if short is None:
                raise _BadOption(f"has the option {word[:2]}, which requirements files do not have")
            found.append((short, word[2:] or _value(rest, short)))
    return found


def _long_name(name: str) -> str:
    if name not in _VALUED and name not in _FLAGS:
        near = [known for known in (*_VALUED, *_FLAGS) if known.startswith(name)]
        if len(near) != 1:
            raise _BadOption(f"has the option {name[:60]}, which requirements files do not have")
        name = near[0]
    return {"--pypi-url": "--index-url", "--config-setting": "--config-settings"}.get(name, name)


def _value(words: Iterator[str], name: str) -> str:
    value = next(words, None)
    if value is None:
        raise _BadOption(f"gives no value to {name}")
    return value


class _Line(NamedTuple):
    """A logical line and where it stands."""

    path: str
    number: int
    text: str
    constraint: bool


_Options = list[tuple[str, str]]


class _Reader:
    """Reads one file and its includes within shared limits."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.lines: list[RequirementLine] = []
        self.options: list[Option] = []
        self.problems: list[Problem] = []
        self.files: dict[str, None] = {}
        self.stack: list[str] = []
        self.logical = self.physical = self.bytes = self.included = 0
        self.full = False

    def problem(self, at: _Line, reason: str) -> None:
        """Note what is wrong with a line; number 0 is the file as a whole."""
        self.problems.append(Problem(path=at.path, line=at.number or None, text=at.text[:500], reason=reason))

    def include(self, path: str, origin: _Line, *, constraint: bool) -> None:
        """Read one file, which ``origin`` names."""
        self.included += 1
        if self.included > FILES_LIMIT:  # files that include each other twice over would be read without end
            self.full = True
            self.problem(origin, f"includes more files than we read ({FILES_LIMIT})")
            return
        try:
            data = self.tree.read(path)
        except Unreadable as error:
            self.problem(origin, f"includes {path}: {error.reason}" if self.stack else error.reason)
            return
        self.bytes += len(data)
        if self.bytes > BYTES_LIMIT:
            self.problem(origin, f"includes more than we read ({BYTES_LIMIT >> 20} MB)")
            return
        decoded = decode(data)
        whole = _Line(path, 0, "", constraint)
        if decoded.encoding == "binary":
            self.problem(whole, "is not text")
            return
        self.files[path] = None
        self.stack.append(path)
        self._content(whole, decoded.text)
        self.stack.pop()

    def _content(self, whole: _Line, text: str) -> None:
        before = 0
        for number, line in logical_lines(text):
            if self.full:
                return
            self.physical += number - before
            before = number
            self.logical += bool(line)
            at = whole._replace(number=number, text=line)
            if self.logical > LOGICAL_LIMIT or self.physical > PHYSICAL_LIMIT:
                self.full = True
                limits = f"{LOGICAL_LIMIT} requirements, {PHYSICAL_LIMIT} lines"
                self.problem(at, f"is larger than we read ({limits})")
            elif len(line) > LENGTH_LIMIT:
                self.problem(at, f"is longer than we read ({LENGTH_LIMIT} characters)")
            elif line:
                self._line(at)

    def _line(self, at: _Line) -> None:
        if " -" not in at.text and not at.text.startswith("-"):
            self._requirement(at, at.text, [])
            return
        words = at.text.split(" ")
        cut = next((index for index, word in enumerate(words) if word.startswith("-")), len(words))
        try:
            options = parse_options(_split(" ".join(words[cut:])))
        except _BadOption as error:
            self.problem(at, str(error))
            return
        requirement = " ".join(words[:cut])
        if requirement:
            self._requirement(at, requirement, options)
        else:
            self._options(at, options)

    def _options(self, at: _Line, options: _Options) -> None:
        first = dict(reversed(options))
        if "--editable" in first:
            found = parse_editable(self.tree, first["--editable"])
            if at.constraint:
                found = Parsed(problem="is editable, which constraints cannot be")
            self._keep(at, found, options, editable=True)
            return
        for wanted in ("--requirement", "--constraint"):
            if wanted in first:
                self.options.append(Option(path=at.path, line=at.number, name=wanted, value=first[wanted]))
                self._follow(at, first[wanted], constraint=wanted == "--constraint")
                return
        for name, value in options:
            self.options.append(Option(path=at.path, line=at.number, name=name, value=value))

    def _follow(self, at: _Line, value: str, *, constraint: bool) -> None:
        if _REMOTE.match(value) or VARIABLE.search(value):
            return
        target = posixpath.normpath(posixpath.join(posixpath.dirname(at.path), value))
        if target.startswith("/") or target.split("/")[0] == "..":
            self.problem(at, f"includes {value}, which is outside of the app")
        elif target in self.stack:
            self.problem(at, f"includes {target}, which includes this file")
        elif len(self.stack) >= INCLUDE_LIMIT:
            self.problem(at, f"includes files deeper than we read ({INCLUDE_LIMIT})")
        else:
            self.include(target, at, constraint=constraint)

    def _requirement(self, at: _Line, requirement: str, options: _Options) -> None:
        found = None if requirement.lower().endswith(ARCHIVES) else plain(requirement)
        if found is None:
            found = parse_line(self.tree, requirement)
        if at.constraint and not found.problem and (found.extras or not found.name):
            what = "has extras" if found.extras else "has no name"
            found = Parsed(problem=f"{what}, which pip refuses in constraints")
        self._keep(at, found, options, editable=False)

    def _keep(self, at: _Line, found: Parsed, options: _Options, *, editable: bool) -> None:
        if found.problem:
            self.problem(at, found.problem)
            return
        self.lines.append(
            RequirementLine(
                path=at.path,
                line=at.number,
                text=at.text,
                name=found.name,
                specifier=found.specifier,
                extras=found.extras,
                marker=found.marker,
                url=found.url,
                editable=editable,
                constraint=at.constraint,
                hashes=tuple(value for name, value in options if name == "--hash"),
            )
        )


def _split(text: str) -> list[str]:
    # shlex reads character by character in Python: too slow for files full of hashes.
    if not any(character in text for character in "'\"\\"):
        return text.split()
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        raise _BadOption("has an unclosed quote") from None
