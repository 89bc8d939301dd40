"""A platform profile as its author writes it: facts with dates."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from predeploy.model import STRICT, Confidence, Phase, Severity
from predeploy.model.conditions import Condition
from predeploy.model.limits import Limits
from predeploy.record import field, record

Text = str | int | bool | None


@record
class Dated:
    """A value that holds from one day until the next entry of its timeline."""

    __pydantic_config__ = STRICT

    value: Text | tuple[str, ...]
    """The value; ``null`` says that the host no longer has one."""
    since: date | None = None
    """First day it holds (UTC); absent: since ``covers_from``."""
    source: str = ""
    """Where the change is documented or was observed."""


Timeline = tuple[Dated, ...]


@record
class Window:
    """A list member that holds between two days."""

    __pydantic_config__ = STRICT

    value: str
    """The member."""
    since: date | None = None
    """First day (UTC)."""
    until: date | None = None
    """First day on which it no longer holds."""
    source: str = ""
    """Where that is documented or was observed."""


@record
class Upload:
    """Which files of the working directory the host receives."""

    __pydantic_config__ = STRICT

    policy: Literal["git-tracked", "directory"]
    """``git-tracked``: what git tracks, where there is a repository; ``directory``: everything."""
    ignore_file: str | None = None
    """The host's own ignore file in the app's root, in gitignore syntax."""
    always_ignored: tuple[str, ...] = ()
    """Patterns left out in any case."""
    without_ignore_file: tuple[str, ...] = ()
    """Patterns left out when the ignore file does not exist."""
    root: str | None = None
    """Name of the function that says which directory is uploaded, and without what; ``null``: the app."""


@record
class Setting:
    """Something the host keeps outside the tree, given by ``--set PLATFORM.KEY=VALUE``."""

    __pydantic_config__ = STRICT

    description: str
    """What it is on the host."""
    default: str | None = None
    """Value when nothing is given; ``null`` leaves the choice to the host's own rules."""
    choices: tuple[str, ...] = ()
    """The values the host takes, when they do not depend on the day."""
    pattern: str | None = None
    """A regular expression the whole value must match."""
    variable: str | None = None
    """Build variable of the host that says the same."""


@record
class ManifestFile:
    """A file that can decide what is installed."""

    __pydantic_config__ = STRICT

    file: str
    """Name, case-sensitive."""
    installer: str
    """The installer it leads to, a key of ``installers``."""
    since: date | None = None
    """First day the host reads it."""
    until: date | None = None
    """First day it no longer does."""
    source: str = ""
    """Where that is documented."""


@record
class Manifests:
    """How the host chooses the manifest."""

    __pydantic_config__ = STRICT

    select: str
    """Name of a selector: ``first_match``, or one of the host's module."""
    accept: tuple[ManifestFile, ...] = ()
    """The files, in the order of precedence."""


@record
class PythonSource:
    """One place the host looks for a Python version, in order of precedence."""

    __pydantic_config__ = STRICT

    grammar: str
    """Name of the function that reads it."""
    origin: str
    """How a report names it: a file, ``default``, or the host's word for a setting."""
    since: date | None = None
    """First day the host reads it."""
    until: date | None = None
    """First day it no longer does."""
    source: str = ""
    """Where that is documented."""


@record
class PythonPolicy:
    """Which Pythons the host has, and how it chooses one."""

    __pydantic_config__ = STRICT

    sources: tuple[PythonSource, ...] = ()
    """Tried in order; the first that says something decides."""
    default: Timeline = ()
    """Minor version when nothing is asked for."""
    releases: dict[str, Timeline] = field(default_factory=dict)
    """Newest patch per minor; ``null`` from the day the host removed that minor."""
    archives: dict[str, Timeline] = field(default_factory=dict)
    """Newest patch that can be asked for in full, where the minor alone still leads to an older one."""
    status: dict[str, Timeline] = field(default_factory=dict)
    """The host's own word for a minor (supported, deprecated, retired …), where it has one."""
    platform_tag: str = "x86_64-manylinux_2_28"
    """What wheels must fit, in the words of ``uv --python-platform``."""
    source: str = ""
    """Where the table comes from."""


@record
class DatedCommand:
    """A command line that holds from one day until the next entry."""

    __pydantic_config__ = STRICT

    value: tuple[str, ...] | None
    """The command line; ``null`` says that it is not recorded."""
    since: date | None = None
    """First day it holds (UTC); absent: since ``covers_from``."""
    source: str = ""
    """Where the change is documented."""


@record
class Installer:
    """A command line the host runs to install dependencies; words in braces are filled in."""

    __pydantic_config__ = STRICT

    command: tuple[str, ...] = ()
    """The host's own command line; on a day for which none is recorded, empty."""
    commands: tuple[DatedCommand, ...] = ()
    """The command lines by date, where they changed; takes the place of ``command``."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables the host sets for it."""
    kind: str | None = None
    """The package manager it is, a name of :mod:`predeploy.installers`; absent: its own name."""
    source: str = ""
    """Where the command is documented."""


@record
class Launch:
    """How the host starts the app, and what it then expects."""

    __pydantic_config__ = STRICT

    timeout_seconds: float
    """How long the host waits for the port."""
    port: int | None = None
    """Port the host uses; ``null``: any, told by ``$PORT``."""
    probe: str = "/"
    """Path asked first."""
    expect_body: str | None = None
    """What the answer's body must be; ``null``: any HTTP answer will do."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables the host sets at run time."""
    writable: tuple[str, ...] | None = None
    """Directories that can be written to once the app runs; ``null``: all of them."""
    source: str = ""
    """Where that is documented."""


@record
class PhaseLimits:
    """What a command of one phase may use: the host's own limit where one is known, else ours."""

    __pydantic_config__ = STRICT

    time_seconds: float | None = None
    """A step's own limit holds too when it is shorter."""
    memory_mb: int | None = None
    """MiB of memory of all its processes together."""
    processes: int | None = None
    """Processes at the same time."""
    output_mb: int | None = None
    """MiB of its log, whose middle is left out beyond."""
    disk_mb: int | None = None
    """MiB of the run's directories, and of any one file written."""
    source: str = ""
    """Where the host's own limit is documented."""

    def limits(self) -> Limits:
        """Return them in bytes and seconds."""
        return Limits(
            time=self.time_seconds,
            memory=_mebibytes(self.memory_mb),
            processes=self.processes,
            output=_mebibytes(self.output_mb),
            disk=_mebibytes(self.disk_mb),
        )


def _mebibytes(number: int | None) -> int | None:
    return None if number is None else number * 1024 * 1024


@record
class RuleChange:
    """From one day on, the rule has this verdict."""

    __pydantic_config__ = STRICT

    verdict: Severity | Literal["accept"]
    """What the host does with an app that meets the condition."""
    since: date | None = None
    """First day (UTC); absent: since ``covers_from``."""
    source: str = ""
    """Where the change is documented; absent: the rule's own source."""
    announced: bool = False
    """Whether the day is the host's announcement, not yet an observation."""
    message: str | None = None
    """Replaces the rule's message from that day on."""
    upstream_id: str | None = None
    """The host's reason id while this entry holds, where it was another one; empty: it had none."""


@record
class Rule:
    """One reason a host refuses or warns, with its dates."""

    __pydantic_config__ = STRICT

    id: str
    """Kebab-case noun that names the defect."""
    phase: Phase
    """Phase in which the host decides it."""
    when: Condition
    """The condition; see ``docs/reference/predicates.md``."""
    headline: str
    """The defect in at most 60 characters."""
    source: str
    """Where the rule is documented or was observed."""
    timeline: tuple[RuleChange, ...]
    """Verdicts by date."""
    upstream_id: str | None = None
    """The host's own reason id, exactly."""
    message: str = ""
    """What was found and why the host cares; ``{evidence}`` is replaced."""
    hint: str = ""
    """What to do; names a file or a command."""
    confidence: Confidence = "exact"
    """How sure the rule is."""


@record
class Profile:
    """Everything predeploy knows of one platform."""

    __pydantic_config__ = STRICT

    schema_version: Literal[1]
    """Version of this format."""
    id: str
    """Kebab-case id, as given to ``--platform``."""
    name: str = ""
    """The host's own name."""
    homepage: str = ""
    """The host's documentation."""
    abstract: bool = False
    """Whether the profile only serves to be extended."""
    extends: str | None = None
    """Profile whose facts this one starts from."""
    module: str | None = None
    """Module with the host's own functions (``predeploy.hosts.NAME`` for a bare name)."""
    recipe: str | None = None
    """Name of the function that makes the build plan."""
    covers_from: date = date(2026, 1, 1)
    """Earlier days answer ``unknown``."""
    verified_on: date = date(2026, 1, 1)
    """Day on which somebody last compared the facts with the host."""
    source: str = ""
    """What the profile as a whole rests on."""
    upload: Upload = Upload(policy="directory")
    """Which files reach the host."""
    settings: dict[str, Setting] = field(default_factory=dict)
    """What is kept outside the tree."""
    manifests: Manifests = Manifests(select="first_match")
    """How the manifest is chosen."""
    python: PythonPolicy = PythonPolicy()
    """How Python is chosen."""
    tools: dict[str, Timeline] = field(default_factory=dict)
    """Pinned versions of pip, uv, Poetry …"""
    installers: dict[str, Installer] = field(default_factory=dict)
    """The host's install commands."""
    build_env: dict[str, str] = field(default_factory=dict)
    """Variables every build command of the host sees."""
    lists: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    """Named lists that predicates refer to: stacks, misspelt names …"""
    values: dict[str, Timeline] = field(default_factory=dict)
    """Other dated facts that the host's module or a predicate refers to by name."""
    launch: Launch = Launch(timeout_seconds=60)
    """How the app is started and probed."""
    paths: dict[str, str] = field(default_factory=dict)
    """Where the host has the app, its environment and so on: words of a plan (``env.places``) as paths."""
    limits: dict[Phase, PhaseLimits] = field(default_factory=dict)
    """What the commands of a phase may use."""
    rules: tuple[Rule, ...] = ()
    """In the host's order."""
    not_simulated: tuple[str, ...] = ()
    """What the host does that predeploy does not."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Tables only the host's own module reads."""
