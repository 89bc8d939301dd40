"""Streamlit Community Cloud: packages.txt as xargs and apt-get read it, and the server's own settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from predeploy.app.text import decode
from predeploy.app.toml import read_toml
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import search_directories
from predeploy.lazy import pattern
from predeploy.model.conditions import Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

FILE = "packages.txt"
CONFIG = ".streamlit/config.toml"
OWN_PORT = 8501
"""The port the host asks; a server that listens elsewhere counts as down."""

_NAME = pattern(r"[a-z0-9][a-z0-9+.-]*(?::[a-z0-9-]+)?(?:[=/][A-Za-z0-9.+:~-]+)?")


@dataclass(frozen=True)
class Word:
    """One argument that apt-get gets."""

    text: str
    line: int
    carriage_return: bool = False
    """Whether a CR sticks to its end, as xargs leaves it."""


@dataclass(frozen=True)
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


def _server_option(case: Case, key: str) -> tuple[Any, Evidence]:
    file = read_toml(case.tree, CONFIG) if case.tree.is_file(CONFIG) else None
    server = file.data.get("server") if file else None
    value = server.get(key) if isinstance(server, dict) else None
    line = file.line("server", key) if file else None
    return value, Evidence(path=CONFIG, line=line, text=f"{key} = {value}")


@predicate("streamlit.own_port")
def own_port(case: Case) -> Outcome:
    """Match when the app's config.toml moves the server to another port."""
    value, where = _server_option(case, "port")
    return matched(value is not None and str(value).strip() != str(OWN_PORT), where, detail=str(value))


@predicate("streamlit.own_address")
def own_address(case: Case) -> Outcome:
    """Match when the app's config.toml sets the address the server binds to."""
    value, where = _server_option(case, "address")
    return matched(value is not None, where, detail=str(value))
