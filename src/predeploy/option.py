"""What an option is, and the values it takes as text, in a variable and in a configuration file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Literal

from predeploy.errors import UsageError, suggestion
from predeploy.model import PHASES, Phase
from predeploy.record import record

Kind = Literal["text", "switch", "choice", "integer", "number", "path", "day", "texts", "paths"]

FORMATS = (
    *("text", "concise", "json", "json-lines", "junit", "sarif"),
    *("github", "gitlab", "markdown", "html"),
)
"""Forms of the answer of ``check``, ``build``, ``report`` and ``matrix``."""


@record
class Option:
    """One option: what it is called everywhere, and which values it takes."""

    name: str
    """Name in Python."""
    flag: str
    help: str
    kind: Kind = "text"
    commands: frozenset[str]
    short: str | None = None
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    default: Any = None
    """What holds when nothing is given; ``None`` is decided by whoever uses it."""
    negative: bool = False
    """Whether a switch has a ``--no-`` form."""
    key: str | None = None
    """Key in the configuration, when it is not the flag's name."""
    variable: str | None = None
    """Environment variable, when it is not ``PREDEPLOY_`` and the flag's name."""
    separator: str = ","
    """What separates the members of a list in the variable."""
    configurable: bool = True
    """Whether the app's configuration may say it; not, where a foreign app could harm its reader."""
    tabular: bool = False
    """Whether the configuration has a table of its own for it, and no key or variable."""

    @property
    def config_key(self) -> str | None:
        """Return the key in ``[tool.predeploy]``, if there is one."""
        if not self.configurable or self.tabular:
            return None
        return self.key or self.flag.removeprefix("--")

    @property
    def environment_variable(self) -> str | None:
        """Return the variable that says the same, if there is one."""
        if self.tabular:
            return None
        return self.variable or "PREDEPLOY_" + self.flag.removeprefix("--").upper().replace("-", "_")

    @property
    def repeatable(self) -> bool:
        """Return whether it is a list."""
        return self.kind in {"texts", "paths"}


def from_text(option: Option, text: str, named: str) -> Any:
    """Return a value written as text, as in a variable; ``named`` is what an error calls it."""
    if option.repeatable:
        return tuple(part.strip() for part in text.split(option.separator) if part.strip())
    if option.kind == "switch":
        return truth(text)
    if option.kind in {"integer", "number"}:
        try:
            number = int(text) if option.kind == "integer" else float(text)
        except ValueError:
            raise UsageError(f"{named} {text}: expected {EXPECTED[option.kind]}") from None
        return checked(option, number, named)
    return checked(option, text, named)


EXPECTED: dict[str, str] = {
    "switch": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "texts": "a list of texts",
    "paths": "a list of paths",
}


def checked(option: Option, value: Any, named: str) -> Any:
    """Return a value of the right type, or raise :class:`UsageError` where the option does not take it."""
    if option.kind == "day":
        parse_day(value, option=named)
    if option.choices and value not in option.choices:
        listed = ", ".join(option.choices[:-1]) + f" or {option.choices[-1]}"
        raise UsageError(f"{named} {value}: expected {listed}{suggestion(value, option.choices)}")
    if option.minimum is not None and not value >= option.minimum:
        raise UsageError(f"{named} {value}: expected at least {option.minimum:g}")
    return value


def has_kind(option: Option, value: object) -> bool:
    """Return whether a value of a configuration file has the option's type."""
    if option.repeatable:
        return isinstance(value, list) and all(isinstance(member, str) for member in value)
    if option.kind == "switch":
        return isinstance(value, bool)
    if option.kind in {"integer", "number"}:
        numbers = int if option.kind == "integer" else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if option.kind == "day":
        return isinstance(value, (str, date))
    return isinstance(value, str)


def truth(word: str) -> bool:
    """Return what the value of a variable such as ``CI`` says."""
    return word.strip().lower() not in {"", "0", "false", "no", "off"}


def parse_day(text: str, *, option: str = "--as-of") -> date:
    """Return a day written as ``2026-11-20``, or ``today`` as the UTC day."""
    from datetime import UTC, datetime

    if text == "today":
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: expected a day such as 2026-11-20") from None


def parse_phase(text: str) -> Phase:
    """Return the name of a phase that a build can end with."""
    for phase in PHASES:
        if text == phase and phase not in {"detect", "plan"}:
            return phase
    raise UsageError(f"until {text}: expected install, verify or boot{suggestion(text, PHASES)}")


def parse_reports(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return ``FORMAT:FILE`` words as pairs."""
    pairs = []
    for word in words:
        name, colon, file = word.partition(":")
        if not (colon and file):
            raise UsageError(f"--report {word}: expected FORMAT:FILE, such as junit:predeploy.xml")
        if name not in FORMATS:
            near = suggestion(name, FORMATS)
            raise UsageError(
                f"--report {word}: no such format: {name}{near} (there are: {', '.join(FORMATS)})"
            )
        pairs.append((name, file))
    return tuple(pairs)


Complaint = Callable[[tuple[str, ...], str], Exception]
