"""Credentials in URLs, made unreadable before anything is shown or stored."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#'\"<>]+@")
"""Greedy, so that a password holding an ``@`` goes as a whole."""


def mask_credentials(text: str) -> str:
    """Return ``text`` with ``scheme://user:pass@`` and ``scheme://token@`` as ``scheme://***@``."""
    return _USERINFO.sub(r"\1***@", text) if "://" in text else text
