"""``predeploy check`` without click, which takes longer to import than an app to judge.

Only a call in which nothing is out of the ordinary is read here. Help, completion, mistakes and every other
command are click's, so that there is one voice for them; both ways end in :func:`checked`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from predeploy.option import Option
from predeploy.options import options_of

COMMANDS: dict[str, str] = {
    "check": "Judge an app statically: detect and plan, nothing of it is run.",
    "plan": "Print the exact recipe of each platform, each line with its reason.",
    "build": "Run the whole pipeline: install, verify, boot.",
    "matrix": "Judge or build many apps on many platforms and days.",
    "forecast": "List the days on which the answer will change, and to what.",
    "report": "Render saved results in another form, and merge them.",
    "explain": "Explain a rule or a platform.",
    "platforms": "List, show and lint platform profiles.",
    "schema": "Print the JSON schema of the result, the configuration, a profile, the plan or the forecast.",
    "cache": "Say where the cache is and how large; remove what is unused, or all of it.",
    "doctor": "Say what this machine can simulate, how exactly, and what to install.",
}

OWN = frozenset({"-h", "--help", "--version"})
"""Options of the program itself."""

SHELL_ASKS = "_PREDEPLOY_COMPLETE"
"""Variable by which a shell asks for completions."""


def is_for_check(word: str) -> bool:
    """Return whether the first word of a call names no command, but an option of ``check`` or an app."""
    if word in COMMANDS or word in OWN:
        return False
    return word.startswith("-") or os.path.exists(word) or os.sep in word  # noqa: PTH110 - cheaper


def ordinary_check(args: Sequence[str]) -> dict[str, Any] | None:
    """Return what ``check`` is given, by option; ``None`` where the call is click's to read."""
    if SHELL_ASKS in os.environ or (args and args[0] != "check" and not is_for_check(args[0])):
        return None
    words = iter(args[1:] if args and args[0] == "check" else args)
    options = options_of("check")
    flags = {flag: option for option in options for flag in (option.flag, option.short) if flag}
    given: dict[str, Any] = {option.name: () if option.repeatable else None for option in options}
    given["app"] = None
    for word in words:
        if not word.startswith("-"):
            if not word or given["app"] is not None:
                return None
            given["app"] = Path(word)
            continue
        flag, equals, value = word.partition("=")
        option = flags.get(flag)
        if option is None or (equals and not flag.startswith("--")):
            return None
        if option.kind == "switch":
            if equals:
                return None
            given[option.name] = True
            continue
        value = value if equals else next(words, "")
        if not _is_ordinary(option, value):
            return None
        given[option.name] = (*given[option.name], value) if option.repeatable else value
    given["app"] = given["app"] or Path()
    return given


def _is_ordinary(option: Option, value: str) -> bool:
    """Return whether click would take a value as it is."""
    if not value or value.startswith("-") or option.kind in {"integer", "number"}:
        return False
    return not option.choices or value in option.choices


def checked(**options: Any) -> int:
    """Judge an app, write the answer, and return the exit code."""
    from predeploy.api import report_of
    from predeploy.cli.answer import answer
    from predeploy.cli.request import registry_for, request_from
    from predeploy.pipeline.static import check

    begun = perf_counter()
    request = request_from("check", **options)
    registry = registry_for(request)
    results = check(request, registry)
    report = report_of(request, results, seconds=perf_counter() - begun)
    answer((report,), request, registry)
    return report.exit_code
