"""One requirement of a requirements file, as pip reads it."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache

from predeploy.app.tree import Tree
from predeploy.lazy import pattern
from predeploy.record import record, replace

PARSE_LIMIT = 10_000
"""Characters of one requirement without its options; the longest real ones are URLs below 500."""

VARIABLE = pattern(r"\$\{[A-Z0-9_]+\}")
"""The only form in which pip replaces variables."""

_VERSION = r"\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?"
_CLAUSE = rf"(?:(?:==|!=|<=|>=|<|>)[ \t]*{_VERSION}|[=!]=[ \t]*\d+(?:\.\d+)*\.\*|~=[ \t]*\d+(?:\.\d+)+)"
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
# What nearly every line of a frozen file looks like; packaging takes the same, 20 times slower.
_SIMPLE = pattern(
    rf"({_NAME})[ \t]*(?:\[[ \t]*({_NAME}(?:[ \t]*,[ \t]*{_NAME})*)[ \t]*\][ \t]*)?"
    rf"({_CLAUSE}(?:[ \t]*,[ \t]*{_CLAUSE})*)?",
    re.ASCII,
)

_VCS = ("git", "hg", "svn", "bzr")
_SCHEMES = frozenset({"http", "https", "file", "ftp"})
ARCHIVES = (
    ".zip",
    ".whl",
    ".tar.bz2",
    ".tbz",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".tar.xz",
    ".txz",
    ".tlz",
    ".tar.lz",
)
_EGG = pattern(r"[#&]egg=([^&\[]*)(?:\[([^\]&]*)\])?")
_PATH_EXTRAS = pattern(r"(.+?)(?:\[([^\[\]]*)\])?", re.DOTALL)
_LEADING_NAME = pattern(_NAME, re.ASCII)
_SINGLE_EQUALS = pattern(r"(?<![=!<>~])=(?!=)")


@record
class Parsed:
    """A requirement, or the reason why pip refuses it."""

    name: str | None = None
    """Canonical name; ``None`` where only a build would tell."""
    specifier: str = ""
    """Version specifiers, sorted, without blanks."""
    extras: tuple[str, ...] = ()
    """Extras, sorted."""
    marker: str | None = None
    """Environment marker in normal form."""
    url: str | None = None
    """URL or local path it comes from; may hold credentials."""
    problem: str | None = None
    """Why pip refuses it."""


def canonical(name: str) -> str:
    """Return a distribution's name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def plain(text: str) -> Parsed | None:
    """Return a requirement of the form ``name[extra]==version``, ``None`` when it is anything else."""
    match = _SIMPLE.fullmatch(text)
    if match is None:
        return None
    name, extras, clauses = match.groups()
    specifier = (clauses or "").replace(" ", "").replace("\t", "")
    if "," in specifier:
        specifier = ",".join(sorted(set(specifier.split(","))))
    return Parsed(name=canonical(name), specifier=specifier, extras=_extras(extras) if extras else ())


@lru_cache(maxsize=4096)
def parse_requirement(text: str) -> Parsed:
    """Return a requirement by the rules of PEP 508, never raising."""
    text = text.strip()
    head, _, marker_text = text.partition(";")
    simple = plain(head.rstrip())
    if simple is not None:
        marker = _marker(marker_text.strip()) if marker_text else Parsed()
        if marker.problem is None:
            return replace(simple, marker=marker.marker) if marker.marker else simple
    if not marker_text.strip():
        # pip takes a lone semicolon for no marker.
        text = head.strip()
    if len(text) > PARSE_LIMIT:
        return Parsed(problem=f"is longer than we read ({PARSE_LIMIT} characters)")
    from packaging.requirements import Requirement

    try:
        found = Requirement(text)
        condition = str(found.marker) if found.marker else None
        specifier = str(found.specifier)
    except RecursionError:
        return Parsed(problem="nests deeper than we read")
    except ValueError as error:
        return _refused(text, error)
    return Parsed(
        name=canonical(found.name),
        specifier=specifier,
        extras=tuple(sorted(found.extras)),
        marker=condition,
        url=found.url,
    )


def _refused(text: str, error: ValueError) -> Parsed:
    variable = VARIABLE.search(text)
    if variable:
        # pip puts the variable's value here first, and that is known to the host only.
        name = _LEADING_NAME.match(text)
        known = name and name.end() <= variable.start() and not text.startswith("$", name.end())
        return Parsed(name=canonical(name[0]) if name and known else None)
    if _SINGLE_EQUALS.search(text.split(";")[0]):
        return Parsed(problem="is not a requirement: '=' is no operator, '==' is")
    if "/" in text:
        return Parsed(problem="looks like a path, and is not in the app")
    what = (str(error).splitlines() or [""])[0].strip().rstrip(":.")
    return Parsed(
        problem=f"is not a requirement: {what[:1].lower()}{what[1:]}" if what else "is not a requirement"
    )


def parse_line(tree: Tree, text: str) -> Parsed:
    """Return what pip makes of a requirement line: PEP 508, a URL, an archive or a directory of the app."""
    source, _, marker_text = text.partition("; " if is_url(text) else ";")
    source = source.strip()
    local = None if is_url(source) else _local(tree, source)
    if not is_url(source) and local is None:
        return parse_requirement(text)
    marker = _marker(marker_text.strip())
    if marker.problem:
        return marker
    return replace(local or _from_url(source), marker=marker.marker)


def parse_editable(tree: Tree, text: str) -> Parsed:
    """Return what pip makes of the value of ``-e``: a directory of the app or a version control URL."""
    if "@" in text:
        direct = parse_requirement(text)
        if direct.problem is None and direct.url:
            return direct if _is_vcs(direct.url) or direct.url.startswith("file:") else _not_editable()
    if is_url(text) and not is_vcs_shorthand(text):
        found = _from_url(text)
        if text.lower().startswith("file:"):
            return found
        if not _is_vcs(text):
            return _not_editable()
        return found if found.name else Parsed(problem="does not name what it installs; add '#egg=NAME'")
    if VARIABLE.search(text):
        return Parsed(url=text)
    return _local(tree, text) or Parsed(problem="is neither a directory of the app nor a version control URL")


def is_vcs_shorthand(text: str) -> bool:
    """Return whether a text is ``git:…``, which pip refuses for want of a transport."""
    return text.partition(":")[0].lower() in _VCS


def _not_editable() -> Parsed:
    return Parsed(problem="cannot be editable: only directories and version control URLs can")


def is_url(text: str) -> bool:
    """Return whether pip takes a text for a URL."""
    scheme, colon, _ = text.partition(":")
    return bool(colon) and (scheme.lower() in _SCHEMES or _is_vcs(text))


def _is_vcs(text: str) -> bool:
    scheme = text.partition(":")[0].lower()
    return scheme.partition("+")[0] in _VCS


def _from_url(url: str) -> Parsed:
    egg = _EGG.search(url)
    if egg and _LEADING_NAME.fullmatch(egg[1]):
        return Parsed(name=canonical(egg[1]), extras=_extras(egg[2]), url=url)
    return _wheel(url.partition("#")[0].partition("?")[0], url) or Parsed(url=url)


def _wheel(path: str, url: str) -> Parsed | None:
    pieces = posixpath.basename(path).split("-")
    if not path.endswith(".whl") or len(pieces) not in (5, 6):
        return None
    return Parsed(name=canonical(pieces[0]), specifier=f"=={pieces[1]}", url=url)


def _extras(text: str | None) -> tuple[str, ...]:
    return tuple(sorted({extra.strip() for extra in (text or "").split(",") if extra.strip()}))


def _local(tree: Tree, text: str) -> Parsed | None:
    """Return the archive or directory a text names, ``None`` when it names neither."""
    match = _PATH_EXTRAS.fullmatch(text)
    if match is None:
        return None
    path, extras = match[1], _extras(match[2])
    looks_like_path = "/" in text or text.startswith(".")
    real = posixpath.normpath(path)
    if looks_like_path and not real.startswith("/") and tree.is_dir("" if real == "." else real):
        project = any(tree.is_file(posixpath.join(real, name)) for name in ("pyproject.toml", "setup.py"))
        return Parsed(extras=extras, url=path, problem=None if project else _NO_PROJECT)
    if not path.lower().endswith(ARCHIVES):
        return None
    if "@" in text and "/" not in text.partition("@")[0] and not text.startswith("."):
        return None
    if not tree.is_file(real) and not VARIABLE.search(path):
        return Parsed(url=path, problem="names an archive that is not in the app")
    return _wheel(path, path) or Parsed(extras=extras, url=path)


_NO_PROJECT = "is a directory with neither pyproject.toml nor setup.py"


@lru_cache(maxsize=512)
def _marker(text: str) -> Parsed:
    if not text:
        return Parsed()
    if len(text) > PARSE_LIMIT:
        return Parsed(problem=f"is longer than we read ({PARSE_LIMIT} characters)")
    from packaging.markers import InvalidMarker, Marker

    try:
        return Parsed(marker=str(Marker(text)))
    except RecursionError:
        return Parsed(problem="nests deeper than we read")
    except InvalidMarker:
        return Parsed(problem="has a marker that is not valid")
