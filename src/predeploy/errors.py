"""Exit codes, and the exceptions for what is not the app's fault.

What is wrong with an *app* is a finding, never an exception. Exceptions are for a wrong call, an invalid
profile or configuration, and trouble of this machine.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to its caller; :data:`PRECEDENCE` decides when several apply."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNKNOWN = 3
    BUG = 4
    TRANSIENT = 75
    INTERRUPTED = 130


EXIT_MEANING: dict[ExitCode, str] = {
    ExitCode.OK: "every platform would take the app",
    ExitCode.REFUSED: "at least one platform would not",
    ExitCode.USAGE: "wrong usage, configuration or profile",
    ExitCode.UNKNOWN: "something could not be decided (only under --strict, which is on when CI is set)",
    ExitCode.BUG: "a bug in predeploy",
    ExitCode.TRANSIENT: "an index or a download was out of reach: trying again may change the answer",
    ExitCode.INTERRUPTED: "interrupted; what was finished is written",
}

PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.BUG,
    ExitCode.REFUSED,
    ExitCode.TRANSIENT,
    ExitCode.UNKNOWN,
    ExitCode.OK,
)


class PredeployError(Exception):
    """Anything that ends a run with one clear line instead of a report."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(PredeployError):
    """The call itself is wrong: no such directory, platform, setting or rule."""


class ConfigError(PredeployError):
    """A configuration file of the user is wrong; the message starts with ``file:line``."""


class ProfileError(PredeployError):
    """A platform profile is wrong; the message starts with ``file:line``."""


class ToolError(PredeployError):
    """The machine at hand cannot do what a build needs: no interpreter, no disk, no tool."""


class TransientError(PredeployError):
    """An index or a download did not answer; trying again may help."""

    exit_code = ExitCode.TRANSIENT


def at(path: object, line: int | None, problem: str) -> str:
    """Return ``path:line: problem``, the form every message about a file has."""
    return f"{path}:{line}: {problem}" if line else f"{path}: {problem}"


def suggestion(word: str, known: object) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of ``known`` names, else an empty string."""
    from difflib import get_close_matches

    names = [str(name) for name in known]  # type: ignore[attr-defined]
    near = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""
