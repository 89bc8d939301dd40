"""Streamlit Community Cloud: packages.txt as xargs and apt-get read it."""

from __future__ import annotations

from itertools import islice
from typing import Literal

from predeploy.app.text import decode
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import search_directories
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.record import positional
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

FILE = "packages.txt"

NAME_LIMIT = 200
"""Names looked up; longer files are made to keep us busy."""

_NAME = pattern(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?(?:[=/][A-Za-z0-9.+:~-]+)?")


@positional
class Word:
    """One argument that apt-get gets."""

    text: str
    line: int
    carriage_return: bool = False
    """Whether a CR sticks to its end, as xargs leaves it."""


@positional
class Split:
    """What xargs makes of a text, or the line on which it gives up."""

    words: tuple[Word, ...] = ()
    unbalanced: int | None = None


def split_words(text: str) -> Split:
    """Return the words of a text by xargs' rules: blanks and line ends divide, quotes end on their line."""
    found: list[Word] = []
    for number, line in enumerate(text.split("\n"), start=1):
        pieces = _line_words(line)
        if pieces is None:
            return Split(tuple(found), number)
        found += [Word(piece.removesuffix("\r"), number, piece.endswith("\r")) for piece in pieces]
    return Split(tuple(word for word in found if word.text))


def _line_words(line: str) -> list[str] | None:
    words: list[str] = []
    current: list[str] | None = None
    quote = ""
    characters = iter(line)
    for character in characters:
        if quote:
            if character == quote:
                quote = ""
            else:
                current = _with(current, character)
        elif character in "'\"":
            quote, current = character, current or []
        elif character in " \t":
            if current is not None:
                words.append("".join(current))
            current = None
        else:
            taken = next(characters, "") if character == "\\" else character
            current = _with(current, taken)
    if quote:
        return None
    return words if current is None else [*words, "".join(current)]


def _with(word: list[str] | None, character: str) -> list[str]:
    word = [] if word is None else word
    word.append(character)
    return word


def apt_split(case: Case) -> Split:
    """Return the split of the root's packages.txt; empty when there is none."""

    def read() -> Split:
        if not case.tree.is_file(FILE):
            return Split()
        try:
            data = case.tree.read(FILE)
        except Unreadable:
            return Split()
        text = decode(data).text
        return split_words("\ufeff" + text if data.startswith(b"\xef\xbb\xbf") else text)

    return case.once("streamlit.apt", read)


def apt_words(case: Case) -> tuple[Word, ...]:
    """Return the arguments that apt-get gets."""
    return apt_split(case).words


def _places(found: list[Word]) -> tuple[Evidence, ...]:
    return tuple(Evidence(path=FILE, line=word.line, text=word.text) for word in found)


def _listed(found: list[Word]) -> Outcome:
    return matched(
        bool(found), *_places(found), detail=", ".join(dict.fromkeys(word.text for word in found[:8]))
    )


@predicate("streamlit.apt_quote")
def apt_quote(case: Case) -> Outcome:
    """Match when a quote in packages.txt is not closed on its line."""
    line = apt_split(case).unbalanced
    return matched(line is not None, Evidence(path=FILE, line=line))


def _is_comment(word: Word) -> bool:
    return word.text.startswith("#")


def _is_file(word: Word) -> bool:
    return word.text.startswith(("/", "./", "../")) or not word.text.isascii()


@predicate("streamlit.apt_comment")
def apt_comment(case: Case) -> Outcome:
    """Match when packages.txt holds a comment, which apt-get takes for names."""
    return _listed([word for word in apt_words(case) if _is_comment(word)])


@predicate("streamlit.apt_file")
def apt_file(case: Case) -> Outcome:
    """Match for words of packages.txt that apt-get takes for files: paths, and what is not ASCII."""
    return _listed([word for word in _plain_words(case) if _is_file(word)])


@predicate("streamlit.apt_not_a_name")
def apt_not_a_name(case: Case) -> Outcome:
    """Match for words of packages.txt that cannot be the name of a Debian package."""
    words = [word for word in _plain_words(case) if not _is_file(word) and not word.text.startswith("-")]
    return _listed([word for word in words if not _NAME.fullmatch(word.text)])


def _plain_words(case: Case) -> list[Word]:
    """Return the words outside of comments: what follows a comment on its line is reported with it."""
    commented: dict[int, int] = {}
    words = apt_words(case)
    for index, word in enumerate(words):
        if _is_comment(word):
            commented.setdefault(word.line, index)
    return [word for index, word in enumerate(words) if index < commented.get(word.line, len(words))]


@predicate("streamlit.apt_in_list")
def apt_in_list(case: Case, *, list: str) -> Outcome:  # noqa: A002 - the word profiles use
    """Match when packages.txt names a package of one of the profile's lists."""
    names = case.snapshot.lists.get(list, ())
    return _listed([word for word in _plain_words(case) if word.text.split(":")[0] in names])


@predicate("streamlit.apt_carriage_return")
def apt_carriage_return(case: Case) -> Outcome:
    """Match when packages.txt has Windows line ends, which xargs leaves at the words."""
    words = [word for word in apt_words(case) if word.carriage_return]
    return matched(bool(words), *_places(words[:1]))


@predicate("streamlit.apt_elsewhere")
def apt_elsewhere(case: Case) -> Outcome:
    """Match when a packages.txt lies beside the entrypoint or one directory down, and none in the root."""
    if case.tree.is_file(FILE):
        return matched(False)
    directories = [*search_directories(case), *(n for n in case.tree.names() if not n.startswith("."))]
    paths = [f"{directory}/{FILE}" for directory in dict.fromkeys(directories) if directory]
    present = [path for path in paths if case.tree.is_file(path)]
    return matched(bool(present), *(Evidence(path=path) for path in present))


# --- names ------------------------------------------------------------------------------------------

Kind = Literal["unknown", "removed", "ambiguous", "leftover", "half", "pattern"]


@predicate("streamlit.apt_name")
def apt_name(case: Case, *, kind: Kind) -> Outcome:
    """Match for names of packages.txt by what the host's Debian release knows of them.

    ``unknown``: no release has it; ``removed``: other releases have it; ``ambiguous``: several packages
    provide it; ``leftover``: only the image's other source has it; ``half``: that source has it under the
    old name; ``pattern``: apt-get takes it for an expression that finds packages.
    """
    hits = [word for word in _names(case) if _kind(case, word.text) == kind]
    shown = ", ".join(dict.fromkeys(word.text + _successor(case, word.text) for word in hits[:8]))
    return matched(bool(hits), *_places(hits), detail=shown)


def _names(case: Case) -> list[Word]:
    """Return the words that can be names; of a file of thousands, the first."""
    named = (word for word in _plain_words(case) if not _is_file(word) and _NAME.fullmatch(word.text))
    return list(islice(named, NAME_LIMIT))


def _kind(case: Case, text: str) -> Kind | None:
    return case.once(f"streamlit.apt:{text}", lambda: _judged(case, text))


def _judged(case: Case, text: str) -> Kind | None:
    from predeploy.hosts.streamlit_debian import is_pattern, look_up, matching

    name, release = _bare(text), str(case.snapshot.values.get("debian-release") or "")
    if name in case.snapshot.lists.get("apt-microsoft", ()):
        return None
    known = look_up(name)
    state = known.state(release)
    left_over = known.state(case.snapshot.values.get("leftover-debian")) == "real"
    if state in {"real", "virtual"}:
        foreign = text.partition(":")[2].partition("=")[0] not in {"", "amd64", "all", "any"}
        if foreign:
            return "unknown"
        return "half" if left_over and state == "virtual" else None
    if state == "ambiguous":
        return "ambiguous"
    if left_over:
        return "leftover"
    if known.ever():
        return "removed"
    return "pattern" if is_pattern(name) and matching(name, release) else "unknown"


def _bare(text: str) -> str:
    """Return a word without architecture, version, release, and the sign that only apt-get reads."""
    from predeploy.hosts.streamlit_debian import look_up

    name = text.split(":")[0].split("=")[0].split("/")[0]
    return name[:-1] if name.endswith(("+", "-")) and not look_up(name).states else name


def _successor(case: Case, text: str) -> str:
    """Return what the name is called now, where that can be told from the name."""
    from predeploy.hosts.streamlit_debian import look_up, matching

    name, release = _bare(text), str(case.snapshot.values.get("debian-release") or "")
    if _kind(case, text) == "pattern":
        return f" (finds {', '.join(matching(name, release, limit=3))})"
    for now in (f"{name}t64", name.removesuffix("-mesa-glx"), name.removesuffix("-mesa")):
        if now != name and look_up(now).state(release) == "real":
            return f" (now {now})"
    return ""


def brought_libraries(case: Case) -> frozenset[str]:
    """Return the library packages of the profile's table that packages.txt brings along."""
    from predeploy.hosts.streamlit_debian import look_up

    if not case.tree.is_file(FILE):
        return frozenset()
    names = {_bare(word.text) for word in _names(case)}
    # An old name of the leftover source is not in the newest release's table: what it says is what it brings.
    renamed = {name.removesuffix("-mesa-glx") for name in names} | {f"{name}t64" for name in names}
    return frozenset().union(*(look_up(name).brings for name in names | renamed))
