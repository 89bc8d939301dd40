"""Credentials, made unreadable before anything is shown or stored."""

from __future__ import annotations

from collections.abc import Iterable

from predeploy.lazy import pattern

MASK = "***"
SHORTEST = 6
"""Characters from which a value given by ``--env`` is masked wherever it appears; shorter ones are words."""

_USERINFO = pattern(r"([A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s/?#'\"<>]{1,1000}@")
"""Greedy, so that a password holding an ``@`` goes as a whole; bounded, since hostile programs print it."""


def mask_credentials(text: str) -> str:
    """Return ``text`` with ``scheme://user:pass@`` and ``scheme://token@`` as ``scheme://***@``."""
    return _USERINFO.sub(rf"\1{MASK}@", text) if "://" in text else text


class Redactor:
    """Masks credentials in URLs, and the values that were given as secrets, in any text."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        # The longest first, so that a value that holds another goes as a whole.
        # Output is redacted line by line, so that each line of a key is a secret of its own.
        pieces = {piece for value in values for piece in (value, *value.splitlines())}
        known = {piece for piece in pieces if len(piece) >= SHORTEST}
        self._values = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return ``text`` without what must not be seen."""
        for value in self._values:
            text = text.replace(value, MASK)
        return mask_credentials(text)
