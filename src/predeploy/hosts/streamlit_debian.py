"""Streamlit Community Cloud: the package names of the host's Debian releases, for packages.txt.

The names are data beside this module, made by ``scripts/debian_packages.py`` out of Debian's own lists.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

from predeploy.record import positional

DATA = Path(__file__).with_name("streamlit_debian.gz")

STATES = {"real": "r", "virtual": "v", "ambiguous": "w", "mentioned": "m", "absent": "-"}
"""What a release knows of a name: a package, a name that one or several provide, or a mention only."""

_LETTERS = {letter: state for state, letter in STATES.items()}
LONGEST = 100
"""Characters of a word that is looked for inside of names; Debian's longest name is shorter."""

_PLAIN = re.compile(r"[a-z0-9.-]+")


@positional
class Name:
    """What Debian's releases know of one name."""

    states: dict[str, str]
    """Release to a key of :data:`STATES`."""
    brings: frozenset[str]
    """Library packages of the profile's table that come along, in the newest release."""

    def state(self, release: str | None) -> str:
        """Return the name's state in a release; ``absent`` for none."""
        return self.states.get(release or "", "absent")

    def ever(self) -> bool:
        """Return whether some release has, or had, a package of this name."""
        return "real" in self.states.values()


@positional
class _Lists:
    releases: tuple[str, ...]
    libraries: tuple[str, ...]
    text: bytes


@cache
def _lists() -> _Lists:
    text = gzip.decompress(DATA.read_bytes())
    head, _, _ = text.partition(b"\n\n")
    releases, libraries = (line.split()[1:] for line in head.decode().split("\n"))
    return _Lists(tuple(releases), tuple(libraries), text)


def look_up(name: str) -> Name:
    """Return what is known of a name; one that no release has is absent everywhere."""
    lists = _lists()
    try:
        needle = b"\n" + name.encode("ascii") + b"\t"
    except UnicodeEncodeError:
        return Name({}, frozenset())
    start = lists.text.find(needle)
    if start < 0:
        return Name({}, frozenset())
    start += len(needle)
    letters, _, mask = lists.text[start : lists.text.index(b"\n", start)].decode().partition("\t")
    states = {key: _LETTERS[letter] for key, letter in zip(lists.releases, letters, strict=True)}
    bits = int(mask or "0", 16)
    brings = (library for bit, library in enumerate(lists.libraries) if bits >> bit & 1)
    return Name(states, frozenset(brings))


def is_pattern(word: str) -> bool:
    """Return whether apt-get, which has no package of this name, takes it for a regular expression.

    Only the dot is looked at: other characters that mean something there are in no name people write.
    """
    return "." in word


def matching(word: str, release: str, *, limit: int = 5) -> tuple[str, ...]:
    """Return the first packages of a release in whose name the word is found, a dot being any character."""
    lists = _lists()
    if release not in lists.releases or len(word) > LONGEST or _PLAIN.fullmatch(word) is None:
        return ()
    return tuple(islice(_found(re.escape(word).replace(r"\.", "[^\t\n]").encode(), release), limit))


def _found(inside: bytes, release: str) -> Iterator[str]:
    """Yield the packages of a release in whose name the expression is found."""
    text, place = _lists().text, _lists().releases.index(release)
    real, last = STATES["real"].encode(), -1
    for match in re.finditer(inside, text):
        start = text.rfind(b"\n", 0, match.start()) + 1
        end = text.find(b"\t", start)
        letter = end + 1 + place
        if start != last and match.end() <= end and text[letter : letter + 1] == real:
            last = start
            yield text[start:end].decode()
