"""Bytes to text the way build tools read it, and the place of a defect in a file."""

from __future__ import annotations

import codecs
from typing import Literal

from predeploy.record import record

Encoding = Literal["ascii", "utf-8", "utf-8-bom", "utf-16", "utf-32", "latin-1", "binary"]

# UTF-32 first: its little-endian mark starts with the one of UTF-16.
_MARKS: tuple[tuple[bytes, Encoding, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-bom", "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)


@record
class Problem:
    """A defect of one of the app's files, as a value."""

    path: str
    """File, relative to the app."""
    reason: str
    """What is wrong, in a few words that continue a sentence about the file or line."""
    line: int | None = None
    """Line, counted from 1; ``None`` for the file as a whole."""
    text: str = ""
    """What stands there; may hold credentials, so redact before showing."""


@record
class Decoded:
    """The text of a file and how it was encoded."""

    text: str
    """The text, without byte-order mark."""
    encoding: Encoding
    """``binary``: not text, ``text`` then holds one character per byte."""
    bom: bool = False
    """Whether the file starts with a byte-order mark."""


def decode(data: bytes) -> Decoded:
    """Return the text of a file; a byte-order mark decides, then UTF-8, then Latin-1. Never fails."""
    for mark, name, codec in _MARKS:
        if data.startswith(mark):
            return _marked(data, mark, name, codec)
    if b"\0" in data:
        return Decoded(text=data.decode("latin-1"), encoding="binary")
    if data.isascii():
        return Decoded(text=data.decode("ascii"), encoding="ascii")
    try:
        return Decoded(text=data.decode("utf-8"), encoding="utf-8")
    except UnicodeDecodeError:
        return Decoded(text=data.decode("latin-1"), encoding="latin-1")


def _marked(data: bytes, mark: bytes, name: Encoding, codec: str) -> Decoded:
    body = data[len(mark) :]
    try:
        return Decoded(text=body.decode(codec), encoding=name, bom=True)
    except UnicodeDecodeError:
        return Decoded(text=body.decode("latin-1"), encoding="binary", bom=True)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, split at LF only, each without one trailing CR.

    A final LF does not open another line.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line[:-1] if line.endswith("\r") else line for line in lines]
