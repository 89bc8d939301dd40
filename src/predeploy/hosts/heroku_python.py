"""Which Python Heroku's classic buildpack takes: its version files, byte by byte, and its lockfile.

Source: heroku-buildpack-python v351, lib/python_version.sh; jq 1.6 and file 5.44 as measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from predeploy.app.tree import Tree, Unreadable
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import PythonRequest
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import grammar, predicate

VERSION = pattern(r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?")

# The C library's whitespace in a UTF-8 locale, which is not Python's: no-break spaces, BOM and NEL stay.
BLANKS = " \t\r\v\f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"

UTF8_MARK = b"\xef\xbb\xbf"


@predicate("heroku.python_problem")
def python_problem(case: Case, *, file: str, kinds: Words) -> Outcome:
    """Match when the version came from this file and could not be read, for one of these reasons."""
    choice = case.python
    if choice.origin != file or choice.problem not in words(kinds):
        return matched(False)
    return Match(choice.evidence, choice.detail)


@predicate("heroku.python_minor")
def python_minor(case: Case, *, minor: str) -> Outcome:
    """Match when this minor is taken; whether its patch exists shows only after the warnings."""
    choice = case.python
    later = {None, "unknown-patch", "not-recorded", "patch-not-recorded"}
    taken = choice.minor == minor and choice.problem in later
    return matched(taken, *choice.evidence, detail=choice.requested)


@predicate("heroku.cached_python_ignored")
def cached_python_ignored(case: Case) -> Outcome:
    """Match when the previous build's Python is given in a form that the buildpack passes over."""
    value = case.setting("cached_python")
    return matched(value is not None and not _is_full(value), detail=printable(value or ""))


@grammar("heroku.runtime_txt")
def runtime_txt(case: Case, origin: str) -> PythonRequest | None:
    """Read ``runtime.txt``: ``python-`` and a version, blank lines and (of late) comments aside."""
    data = read_bytes(case.tree, "runtime.txt")
    if data is None:
        return None
    values = case.snapshot.values
    lines = version_lines(data, comments=bool(values.get("runtime-txt-comments")))
    whole = "\n".join(text for _, text in lines)
    version = whole.removeprefix("python-")
    line = lines[0][0] if lines else None
    wanted = _is_full if values.get("runtime-txt-full-versions") else VERSION.fullmatch
    if whole.startswith("python-") and wanted(version):
        return _request(origin, line, whole, version=version)
    # Before there was a check of the format, the text was the name of an archive to download.
    problem = "invalid-version" if values.get("version-formats-checked", True) else "archive-name"
    return _request(origin, line, whole, problem=problem, detail=whole or "no version")


@grammar("heroku.python_version_file")
def python_version_file(case: Case, origin: str) -> PythonRequest | None:
    """Read ``.python-version``: one line that is exactly a version."""
    data = read_bytes(case.tree, ".python-version")
    if data is None:
        return None
    lines = version_lines(data)
    bad = next(((number, text) for number, text in lines if not VERSION.fullmatch(text)), None)
    if bad is not None:
        told_apart = case.snapshot.values.get("version-file-encodings")
        encoding = unusable_encoding(data) if told_apart else None
        if encoding:
            return _request(origin, *bad, problem="invalid-encoding", detail=encoding)
        return _request(origin, *bad, problem="invalid-version", detail=bad[1])
    if not lines:
        return _request(origin, None, "", problem="no-version", detail=".python-version")
    if len(lines) > 1:
        versions = ",".join(text for _, text in lines)
        return _request(origin, lines[1][0], versions, problem="multiple-versions", detail=versions)
    return _request(origin, *lines[0], version=lines[0][1])


@grammar("heroku.pipfile_lock")
def pipfile_lock(case: Case, origin: str) -> PythonRequest | None:
    """Read the Python that ``Pipfile.lock`` requires; only with Pipenv, and the full version first."""
    data = read_bytes(case.tree, "Pipfile.lock")
    if data is None or case.selection.installer != "pipenv":
        return None
    text = data.removeprefix(UTF8_MARK).decode("utf-8", "replace")
    try:
        documents = list(json_documents(text))
        if len(documents) != 1:
            several = "several JSON documents" if documents else "an empty file"
            return _request(origin, None, "", problem="invalid-version", detail=several)
        required = required_python(documents[0])
    except RecursionError:
        return _request(origin, None, "", problem="invalid-json", detail="It nests deeper than we read")
    except ValueError as error:
        return _request(origin, getattr(error, "lineno", None), "", problem="invalid-json", detail=str(error))
    if required is None:
        return None
    key, version = required
    line = text.count("\n", 0, max(0, text.find(f'"{key}"'))) + 1
    checked = case.snapshot.values.get("version-formats-checked", True)
    if VERSION.fullmatch(version):
        offered = ".".join(version.split(".")[:2]) in case.snapshot.releases
        problem = None if checked or offered else "not-recorded"
        return _request(origin, line, version, version=version, problem=problem, detail=version)
    if not checked:  # a version that could not be read was passed over
        return None
    return _request(origin, line, version, problem="invalid-version", detail=version or "an empty value")


def json_documents(text: str) -> Iterator[Any]:
    """Yield every JSON document of a text, as jq reads them; a number is the text that stands there.

    Raise ``ValueError`` for what is not JSON.
    """
    from json import JSONDecoder

    decoder = JSONDecoder(parse_float=str, parse_int=str)
    content = re.compile(r"[^ \t\r\n]")
    position = 0
    while (start := content.search(text, position)) is not None:
        document, position = decoder.raw_decode(text, start.start())
        yield document


def required_python(document: Any) -> tuple[str, str] | None:
    """Return which field of a lockfile asks for which Python, as text; ``None`` when none does.

    Raise ``ValueError`` when something else stands where an object must be.
    """
    for key in ("_meta", "requires"):
        if document is None:
            return None
        if not isinstance(document, dict):
            raise ValueError(f"An object is expected around {key!r}")
        document = document.get(key)
    if document is not None and not isinstance(document, dict):
        raise ValueError("An object is expected under _meta.requires")
    for key in ("python_full_version", "python_version"):
        value = (document or {}).get(key)
        if value is not None and value is not False:
            from json import dumps

            # The shell that takes jq's answer drops line ends behind it.
            return key, (value if isinstance(value, str) else dumps(value)).rstrip("\n")
    return None


@grammar("heroku.cached")
def cached(case: Case, origin: str) -> PythonRequest | None:
    """Keep the minor version of the previous build, as it was once kept with its patch."""
    value = case.setting("cached_python")
    if value is None or not _is_full(value):
        return None
    whole = case.snapshot.values.get("sticky-version") == "patch"
    return PythonRequest(origin=origin, version=_bounded(value if whole else value.rpartition(".")[0]))


def version_lines(data: bytes, *, comments: bool = True) -> list[tuple[int, str]]:
    """Return the numbered lines that say something: blanks stripped, empty lines and ``comments`` dropped."""
    text = data.decode("utf-8", "surrogateescape")
    stripped = [(number, line.strip(BLANKS)) for number, line in enumerate(text.split("\n"), start=1)]
    return [(number, line) for number, line in stripped if line and not (comments and line[0] == "#")]


# Bytes that make the ``file`` tool (5.44, measured) say "data", or something else than ISO-8859.
_BINARY = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_NOT_ISO = re.compile(rb"[\x80-\x84\x86-\x9f]")
_MARKS = (
    (b"\xff\xfe\x00\x00", "Unicode text, UTF-32, little-endian"),
    (b"\x00\x00\xfe\xff", "Unicode text, UTF-32, big-endian"),
    (b"\xff\xfe", "Unicode text, UTF-16, little-endian"),
    (b"\xfe\xff", "Unicode text, UTF-16, big-endian"),
)


def unusable_encoding(data: bytes) -> str | None:
    """Return how the ``file`` tool would call an encoding the buildpack refuses; ``None`` for the others."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if _BINARY.search(data):
        return None
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None if _NOT_ISO.search(data) else "ISO-8859 text"
    # A mark with nothing behind it is an ordinary character to the tool.
    return "Unicode text, UTF-8 (with BOM)" if len(data) > 3 and data.startswith(UTF8_MARK) else None


def read_bytes(tree: Tree, path: str) -> bytes | None:
    """Return a file's bytes; one that cannot be read makes the answer unknown by a rule of its own."""
    if not tree.is_file(path):
        return None
    try:
        return tree.read(path)
    except Unreadable:
        return None


def _is_full(version: str) -> bool:
    return VERSION.fullmatch(version) is not None and version.count(".") == 2


def _bounded(version: str) -> str:
    # No Python has such numbers, and the interpreter refuses to read very long ones.
    return ".".join(part[:18] for part in version.split("."))


def printable(text: str) -> str:
    """Return the first 100 characters of a text, with escapes for what would not show."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:100])
    return "".join(shown).replace("\\udc", "\\x")


def _request(
    origin: str,
    line: int | None,
    text: str,
    *,
    version: str | None = None,
    problem: str | None = None,
    detail: str | None = None,
) -> PythonRequest:
    """Return what the file ``origin`` says, with the place as evidence."""
    return PythonRequest(
        origin=origin,
        version=_bounded(version) if version else None,
        problem=problem,
        detail=printable(detail) if detail is not None else None,
        evidence=(Evidence(path=origin, line=line, text=printable(text) or None),),
    )
