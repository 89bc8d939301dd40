"""Regular expressions that are compiled when they are first used.

A run of ``check`` imports the parsers of every file it might meet and uses few of them; compiling all their
expressions took a tenth of its time.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Lazy:
    """Stands in for a compiled pattern until something is asked of it."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self._source, self._flags)
        # What was looked up stays on the instance, so that __getattr__ is asked once a name.
        value = getattr(compiled, name)
        setattr(self, name, value)
        return value


def pattern(source: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that compiles itself on first use."""
    return cast("re.Pattern[str]", _Lazy(source, flags))
