"""Every option of a run, declared once.

A row here becomes a flag, an environment variable, a key of ``[tool.predeploy]``, a property of the
configuration's JSON schema and a line of the reference. An option whose ``name`` is a field of
:class:`predeploy.settings.RunRequest` arrives there without further code.
"""

from __future__ import annotations

import os
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

JUDGES = frozenset({"check", "plan", "build", "forecast", "matrix"})
"""Commands that choose apps, platforms and days."""
RUNS = frozenset({"build", "matrix"})
"""Commands that run a build."""
ANSWERS = frozenset({"check", "build", "matrix"})
"""Commands whose answer is a result document."""


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


OPTIONS: tuple[Option, ...] = (
    Option(
        name="platforms",
        flag="--platform",
        short="-p",
        kind="texts",
        metavar="ID",
        key="platforms",
        commands=JUDGES,
        help="Platform to judge; repeatable. Default: all built-in ones.",
    ),
    Option(
        name="platform_directories",
        flag="--platform-dir",
        kind="paths",
        metavar="DIR",
        key="platform-dirs",
        variable="PREDEPLOY_PLATFORM_PATH",
        separator=os.pathsep,
        commands=JUDGES,
        help="Directory with further profiles; one may override a built-in.",
    ),
    Option(
        name="as_of",
        flag="--as-of",
        kind="day",
        metavar="DAY",
        commands=JUDGES - {"matrix"},
        help="Day to answer for, such as 2027-01-06 (default: today).",
    ),
    Option(
        name="build",
        flag="--build",
        kind="switch",
        default=False,
        configurable=False,  # looking at apps must not run them because one of them says so
        commands=frozenset({"matrix"}),
        help="Build the apps, up to --until, instead of judging them statically.",
    ),
    Option(
        name="days",
        flag="--day",
        kind="texts",
        metavar="DAY",
        key="days",
        commands=frozenset({"matrix"}),
        help="Day to answer for; repeatable (default: today).",
    ),
    Option(
        name="sets",
        flag="--set",
        kind="texts",
        metavar="PLATFORM.KEY=VALUE",
        tabular=True,
        commands=JUDGES,
        help="What the host keeps outside the tree; [tool.predeploy.platform.PLATFORM] in the configuration.",
    ),
    Option(
        name="cached_python",
        flag="--cached-python",
        metavar="X.Y.Z",
        commands=JUDGES,
        help="Python of the previous build, which some hosts keep; as --set PLATFORM.cached_python=X.Y.Z.",
    ),
    Option(
        name="env_pairs",
        flag="--env",
        kind="texts",
        metavar="NAME=VALUE",
        tabular=True,
        commands=JUDGES,
        help="A config var of the app; [tool.predeploy.env] in the configuration.",
    ),
    Option(
        name="env_files",
        flag="--env-file",
        kind="paths",
        metavar="FILE",
        key="env-files",
        separator=os.pathsep,
        commands=JUDGES,
        help="File of NAME=VALUE lines; repeatable.",
    ),
    Option(
        name="current_packages",
        flag="--current-packages",
        kind="switch",
        default=False,
        commands=frozenset({"plan", "build", "matrix"}),
        help="With --as-of in the past, install the packages of today all the same.",
    ),
    Option(
        name="strict",
        flag="--strict",
        kind="switch",
        negative=True,
        commands=ANSWERS | {"report"},
        help="Exit 3 when something is unknown (default: when CI is set).",
    ),
    Option(
        name="until",
        flag="--until",
        kind="choice",
        choices=("install", "verify", "boot"),
        default="boot",
        commands=RUNS,
        help="Last phase to run (default: boot).",
    ),
    Option(
        name="jobs",
        flag="--jobs",
        short="-j",
        kind="integer",
        minimum=1,
        metavar="N",
        commands=RUNS,
        help="Platforms at the same time (default: cores).",
    ),
    Option(
        name="keep",
        flag="--keep",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Keep the work directories of successful builds too.",
    ),
    Option(
        name="work_dir",
        flag="--work-dir",
        kind="path",
        metavar="DIR",
        configurable=False,
        commands=RUNS,
        help="Where to make the work directories (default: the system's temporary directory).",
    ),
    Option(
        name="sandbox",
        flag="--sandbox",
        kind="choice",
        choices=("auto", "bwrap", "none"),
        default="auto",
        configurable=False,  # it is there to protect from the app
        commands=RUNS,
        help="What keeps the build apart from this machine (default: auto, bubblewrap where it works).",
    ),
    Option(
        name="network",
        flag="--network",
        kind="choice",
        choices=("auto", "host", "none"),
        default="auto",
        configurable=False,
        commands=RUNS,
        help="Network of the build (default: auto, this machine's for the install and the app's own loopback "
        "after it; host: this machine's all along).",
    ),
    Option(
        name="expose",
        flag="--expose",
        kind="paths",
        metavar="PATH",
        separator=os.pathsep,
        configurable=False,
        commands=RUNS,
        help="File or directory of this machine that the sandbox shows too, read-only: a local repository, "
        "say, that the app installs from.",
    ),
    Option(
        name="limits",
        flag="--limit",
        kind="texts",
        metavar="[PHASE.]KIND=VALUE",
        configurable=False,
        commands=RUNS,
        help="Most that a step may use: time=600, memory=2G, processes=200, output=64M, disk=5G; of one "
        "phase with install., verify. or boot. in front. Repeatable.",
    ),
    Option(
        name="boot_timeout",
        flag="--boot-timeout",
        kind="number",
        minimum=0.1,
        metavar="SECONDS",
        commands=RUNS,
        help="Give up on a start earlier than the host would.",
    ),
    Option(
        name="fetch_python",
        flag="--fetch-python",
        kind="switch",
        negative=True,
        default=True,
        commands=RUNS,
        help="Ask uv for a Python that is not here (default: yes).",
    ),
    Option(
        name="quiet",
        flag="--quiet",
        short="-q",
        kind="switch",
        default=False,
        commands=RUNS,
        help="No progress, only the answer.",
    ),
    Option(
        name="verbose",
        flag="--verbose",
        short="-v",
        kind="switch",
        default=False,
        commands=RUNS,
        help="Show what every step prints.",
    ),
    Option(
        name="output_format",
        flag="--format",
        short="-f",
        kind="choice",
        choices=FORMATS,
        commands=ANSWERS | {"report"},
        help="Form of the answer (default: text; github in GitHub Actions).",
    ),
    Option(
        name="reports",
        flag="--report",
        kind="texts",
        metavar="FORMAT:FILE",
        key="reports",
        commands=ANSWERS | {"report"},
        help="Write the answer in a further form to FILE; repeatable. Configured files lie below the app.",
    ),
    Option(
        name="output_file",
        flag="--output-file",
        short="-o",
        kind="path",
        metavar="FILE",
        configurable=False,
        commands=ANSWERS | {"plan", "forecast", "report"},
        help="Write the answer there instead of to stdout.",
    ),
)


def options_of(command: str) -> tuple[Option, ...]:
    """Return the options a command has, in the order of the table."""
    return tuple(option for option in OPTIONS if command in option.commands)


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
