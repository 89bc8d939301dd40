"""The forms in which a secret is printed, and one search for all of them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator

from predeploy.lazy import pattern

MASK = "***"
_MASK = MASK.encode()

SEGMENT = 64
"""Bytes of the pieces into which a longer form is cut, so that each can be found alone."""

_LOOK_BACK = 4096
"""Bytes in which a form with its gaps has room."""

_ENCODED_FROM = 6
"""Characters of base64 that are searched for; fewer would be found everywhere."""

_BESIDE = rb"[A-Za-z0-9_]"
"""What may not stand beside a short secret: inside of a word it would be a coincidence."""

_BAR = rb"(?:\||\xe2\x94\x82)"
_COLOUR = rb"\x1b\[[0-9;]{0,20}m"
_INDENT = rb"(?:[ \t]|" + _BAR + b"|" + _COLOUR + rb")*+"
_GAP = re.compile(
    b"|".join(
        (
            rb"\n" + _INDENT,
            rb"\r\n" + _INDENT,
            *(
                # Every branch begins with a byte of its own, which is what makes the search fast.
                rb"%b(?:[ \t]|%b){0,4}\r?\n%b" % (border, _COLOUR, _INDENT)
                for border in (rb"\|", rb"\xe2\x94\x82", rb"\ \|", rb"\ \xe2\x94\x82")
            ),
            _COLOUR,
        )
    )
)
"""What a program that breaks or colours long words puts inside of them."""

_SQUEEZED = b"\r\n\t |\xe2\x94\x82"
"""What gaps are made of, colours apart."""

_SHELL_WORD = pattern(r"([^\w@%+=:,./-])", re.ASCII)


def forms(value: str) -> set[bytes]:
    """Return the ways programs print a value: as it is, escaped, percent-encoded, in base64."""
    written = {value, *_escaped(value), *_percent(value)}
    found = {_joined(text.encode("utf-8", "surrogatepass")) for text in written}
    found |= set(_base64(value.encode("utf-8", "surrogatepass")))
    return {piece for form in found if form for piece in _segments(form)}


def _escaped(value: str) -> Iterator[str]:
    import json

    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield text
        yield text.replace("/", "\\/")
    yield repr(value)[1:-1]
    yield repr(value.encode("utf-8", "surrogatepass"))[2:-1]
    yield value.replace("'", "'\"'\"'")
    yield value.replace("'", "'\\''")
    yield _SHELL_WORD.sub(r"\\\1", value)
    yield re.sub(r'([$`"\\])', r"\\\1", value)
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield text
    for double, single in (("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&apos;"), ("&quot;", "'")):
        yield text.replace('"', double).replace("'", single)


def _percent(value: str) -> Iterator[str]:
    from urllib.parse import quote, quote_plus

    data = value.encode("utf-8", "surrogatepass")
    for text in (*(quote(data, safe=safe) for safe in ("", "/", "!$&'()*+,;=", ":")), quote_plus(data)):
        yield text
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


def _base64(data: bytes) -> Iterator[bytes]:
    """Yield what of the encoding does not depend on the bytes around, at each of the three alignments.

    The last character does, unless nothing follows: both forms are given.
    """
    from base64 import b64encode

    for before, skipped in enumerate((0, 2, 3)):
        whole = b64encode(bytes(before) + data)[skipped:].rstrip(b"=")
        for text in (whole, whole[: (before + len(data)) * 8 // 6 - skipped]):
            if len(text) >= _ENCODED_FROM:
                yield text
                yield text.replace(b"+", b"-").replace(b"/", b"_")
                yield text.replace(b"+", b"%2B").replace(b"/", b"%2F")


def _joined(data: bytes) -> bytes:
    return b"".join(_GAP.split(data))


def _segments(form: bytes) -> Iterator[bytes]:
    if len(form) < 2 * SEGMENT:
        yield form
        return
    last = len(form) - SEGMENT
    yield from (form[at : at + SEGMENT] for at in (*range(0, last, SEGMENT), last))


class Matcher:
    """Finds every form of many secrets in one pass, also where it is broken over lines or coloured.

    ``loose`` forms are found anywhere, ``bounded`` ones only where they are words of their own.
    """

    def __init__(self, loose: Collection[bytes], bounded: Collection[bytes]) -> None:
        self._loose = re.compile(_alternation(loose), re.DOTALL) if loose else None
        squeezed = {form.translate(None, _SQUEEZED) for form in loose}
        useful = squeezed and b"" not in squeezed
        self._squeezed = re.compile(_alternation(squeezed), re.DOTALL) if useful else None
        self._bounded = (
            re.compile(b"(?<!%b)(?:%b)(?!%b)" % (_BESIDE, _alternation(bounded), _BESIDE), re.DOTALL)
            if bounded
            else None
        )
        self._begun: dict[int, tuple[bytes, ...]] = {}
        begun: dict[int, set[bytes]] = {}
        for form in (*loose, *bounded):
            for length in range(1, len(form)):
                begun.setdefault(form[length - 1], set()).add(form[:length])
        for last, prefixes in begun.items():
            self._begun[last] = tuple(sorted(prefixes, key=len, reverse=True))

    def redact(self, data: bytes, *, before: bytes = b"", same_length: bool = False) -> bytes:
        """Return ``data`` masked; ``before`` is what was passed on already and may hold a beginning."""
        if self._loose is None and self._bounded is None:
            return data
        whole = before + data
        spans = self._spans(whole)
        if not spans:
            return data
        done: list[bytes] = []
        position = len(before)
        for start, end in spans:
            if end <= position:
                continue
            start = max(start, position)
            done.append(whole[position:start])
            hidden = whole[start:end]
            done.append(b"*" * len(hidden) if same_length else b"\n".join(_MASK for _ in hidden.split(b"\n")))
            position = end
        done.append(whole[position:])
        return b"".join(done)

    def pieces(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield ``data`` in pieces, each with whether it is a secret."""
        position = 0
        for start, end in self._spans(data):
            yield data[position:start], False
            yield data[start:end], True
            position = end
        yield data[position:], False

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        return _merged([*self._found_loose(data), *self._found(self._bounded, data)])

    def _found_loose(self, data: bytes) -> Iterator[tuple[int, int]]:
        if self._loose is None or not self._may_hold(data):
            return
        pieces = _GAP.split(data)
        if len(pieces) == 1:
            yield from self._found(self._loose, data)
            return
        joined = b"".join(pieces)
        if self._loose.search(joined) is None:
            return
        places, removed = _gaps(data)
        for start, end in self._found(self._loose, joined):
            first, last = bisect_right(places, start), bisect_left(places, end)
            yield start + removed[first], end + removed[last]

    def _may_hold(self, data: bytes) -> bool:
        """Return whether it is worth to look for gaps, which takes most of the time."""
        if self._squeezed is None or b"\x1b" in data:
            return True
        return self._squeezed.search(data.translate(None, _SQUEEZED)) is not None

    @staticmethod
    def _found(expression: re.Pattern[bytes] | None, data: bytes) -> Iterator[tuple[int, int]]:
        """Yield the matches, overlapping ones too: one secret may begin inside of another."""
        match = expression.search(data) if expression is not None else None
        while expression is not None and match is not None:
            yield match.span()
            match = expression.search(data, match.start() + 1)

    def ending(self, data: bytes, length: int) -> bytes:
        """Return the last bytes of ``data`` without the gaps between them, and the end of its last line."""
        if not self._begun:
            return b""
        return _joined(data[-_LOOK_BACK:])[-length:] + (b"\n" if data.endswith(b"\n") else b"")

    def begun(self, data: bytes, *, least: int) -> int:
        """Return how many bytes from the end of ``data`` may be the beginning of a secret."""
        if not self._begun:
            return 0
        data = data[-_LOOK_BACK:]
        joined = _joined(data)
        if not joined:
            return 0
        for prefix in self._begun.get(joined[-1], ()):
            if len(prefix) < least:
                return 0
            if joined.endswith(prefix):
                places, removed = _gaps(data)
                start = len(joined) - len(prefix)
                return len(data) - start - removed[bisect_right(places, start)]
        return 0


def _gaps(data: bytes) -> tuple[list[int], list[int]]:
    """Return where in the joined text the gaps were, and how much was removed before each, and in all."""
    places: list[int] = []
    removed = [0]
    for gap in _GAP.finditer(data):
        places.append(gap.start() - removed[-1])
        removed.append(removed[-1] + gap.end() - gap.start())
    return places, removed


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _alternation(words: Collection[bytes], depth: int = 0) -> bytes:
    """Return an expression for any of the words, the longest first; their first bytes are looked at once."""
    if len(words) == 1 or depth == 3:
        return b"|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    by_first: dict[bytes, set[bytes]] = {}
    for word in words:
        by_first.setdefault(word[:1], set()).add(word[1:])
    ended = by_first.pop(b"", None)
    branches = [
        re.escape(first) + (b"(?:%b)" % _alternation(rest, depth + 1) if len(rest) > 1 else re.escape(*rest))
        for first, rest in sorted(by_first.items())
    ]
    return b"|".join([*branches, b""] if ended is not None else branches)
