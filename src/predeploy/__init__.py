"""Would this Python app deploy? Answers for several hosts, before the push."""

from __future__ import annotations

__version__ = "0.1.0"
