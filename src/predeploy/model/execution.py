"""What really happened: steps, interpreters, installed distributions, the start."""

from __future__ import annotations

from typing import Literal

from predeploy.model import Phase
from predeploy.record import record

BootStatus = Literal[
    "ok",
    "crashed",
    "exited",
    "timeout",
    "over-limit",
    "cut-off",
    "wrong-port",
    "loopback-only",
    "unhealthy",
    "interrupted",
    "not-run",
]
StepStatus = Literal["ok", "failed", "timeout", "ignored", "skipped", "interrupted", "transient"]


@record
class StepResult:
    """One command that was run."""

    id: str
    """The step's id."""
    phase: Phase
    """The step's phase."""
    status: StepStatus
    """``ignored``: failed, which the host does not mind."""
    argv: tuple[str, ...] = ()
    """The command as run."""
    shell: str | None = None
    """The script, for a shell step."""
    returncode: int | None = None
    """Exit status; negative for a signal; ``None`` when it did not end by itself."""
    seconds: float = 0.0
    """Wall time."""
    started: float | None = None
    """Seconds from the beginning of the run to its start; ``None`` when it was not run."""
    log: str | None = None
    """Path of the whole output."""
    tail: str = ""
    """Last lines of the output."""
    reason: str = ""
    """What the installer says went wrong, in a sentence; empty where its output says nothing known."""
    lacking: str = ""
    """The line that says which compiler or system library this machine lacks, when that ended an install."""
    no_upload_times: str = ""
    """The line that says that an index gives no upload times, when a past day's packages were wanted."""
    output: str = ""
    """The end of the whole output of a step that failed, bounded: what a rule may search."""
    limit: str = ""
    """The limit that it went over and that ended it, such as ``memory of 512 MiB``."""
    unnoticed: tuple[str, ...] = ()
    """Commands of a script that failed without ending it, as the shell ran them."""
    way: str = ""
    """How it was carried out where that is not, or not only, the host's own command."""


@record
class LocalPython:
    """The interpreter used here in place of the host's."""

    version: str
    """Full version."""
    path: str
    """Its executable."""
    match: Literal["exact", "minor", "none"]
    """How close it is to the host's."""


@record
class ForeignResolution:
    """The install resolved, without installing, for the host's own Python and Linux."""

    status: Literal["resolved", "source-builds", "unsatisfiable", "unavailable"]
    """``source-builds``: only with distributions that have no wheel for it; ``unavailable``: not decided."""
    detail: str = ""
    """The resolver's reason."""


@record
class Installed:
    """A distribution in the environment after the install."""

    name: str
    version: str
    size_bytes: int | None = None
    """Bytes of its files, as its own record says; ``None`` without a record."""


@record
class MissingImport:
    """An import of the app that nothing in the environment provides."""

    module: str
    """Top-level name."""
    path: str
    """The importing file."""
    line: int
    """Line of the import."""
    certain: bool
    """Whether it runs whenever the app starts: module level, unguarded, reachable from the entry point."""


@record
class MissingLibrary:
    """A system library that an installed shared object needs, and nothing is known to bring."""

    library: str
    """Its soname, such as ``libGL.so.1``."""
    path: str
    """The shared object, relative to site-packages."""

    @property
    def module(self) -> str:
        """Return the top-level module or directory of the shared object."""
        return self.path.split("/")[0].split(".")[0]

    @property
    def direct(self) -> bool:
        """Return whether the shared object lies where importing that module itself may load it."""
        return self.path.count("/") <= 1


@record
class Cause:
    """The app's own error behind a failure."""

    text: str
    """The exception, as Python prints it."""
    path: str
    """The app's file nearest to it."""
    line: int
    """Line in that file."""


@record
class CallResult:
    """What the app answered to the plan's call."""

    what: str
    """The call, for people."""
    method: str
    """HTTP method."""
    path: str
    """Path asked."""
    status: int | None = None
    """HTTP status; ``None`` when there was no answer."""
    body: str = ""
    """The beginning of the answer, as text."""
    seconds: float = 0.0
    """How long it took."""


@record
class BootResult:
    """What the start command did."""

    status: BootStatus
    """``ok``: answered; ``cut-off``: ended for want of the network, which the sandbox keeps from it;
    ``exited``: ended with status 0; ``wrong-port``: listens, but elsewhere."""
    port: int | None = None
    """Port that was offered as ``$PORT``; ``None`` for a server on a socket file."""
    seconds: float = 0.0
    """From start to the answer, or to giving up."""
    started: float | None = None
    """Seconds from the beginning of the run to its start."""
    http_status: int | None = None
    """Status of the first answer; of the answer to the plan's call, where it has one."""
    returncode: int | None = None
    """Exit status, when the process ended."""
    listening: tuple[str, ...] = ()
    """Addresses its processes listened on instead; of an app that is reached over IPv6, those of its port."""
    script_status: int | None = None
    """Status of the second probe."""
    log: str | None = None
    """Path of the output."""
    tail: str = ""
    """Last lines of the output, up to the moment it was decided."""
    cause: Cause | None = None
    """The app's own error, where the output shows one."""
    memory_at_rest: int | None = None
    """Bytes its processes held when it had answered and nothing else had happened."""
    memory_peak: int | None = None
    """Bytes they held at most, the second probe included."""
    loaded: frozenset[str] = frozenset()
    """Shared objects of the environment that they had loaded, relative to site-packages."""
    limit: str = ""
    """The limit that it went over and that ended it."""
    call: CallResult | None = None
    """The answer to the plan's call; ``None`` when nothing was called."""


@record
class Sizes:
    """How large the build became."""

    installed_bytes: int
    """The app and its environment as they lie on disk, without Python itself."""
    compressed_estimate_bytes: int
    """What the host's archive of it would take, Python included: an estimate."""
    limit_bytes: int | None = None
    """What the host takes of that archive."""


@record
class SandboxUse:
    """What kept the commands of a run apart from this machine."""

    kind: Literal["bwrap", "none"]
    """``bwrap``: bubblewrap."""
    detail: str = ""
    """Why there is none, or what it leaves open."""
    own_network_at_start: bool = False
    """Whether the app was started without a way out of its own loopback."""
    read_only_at_start: bool = False
    """Whether the host's read-only file system was in force at the start."""
    open_at_start: bool = False
    """Whether the host has a read-only file system at the start that was not in force here."""


@record
class Execution:
    """Everything rules of the later phases can ask about."""

    steps: tuple[StepResult, ...] = ()
    local_python: LocalPython | None = None
    foreign: ForeignResolution | None = None
    installed: tuple[Installed, ...] | None = None
    importable: frozenset[str] | None = None
    """Top-level names that Python, started in the app's root, can import from the app or the environment."""
    conflicts: tuple[str, ...] | None = None
    """What ``conflict-check`` found; ``None`` when it did not run or gave no answer."""
    missing_imports: tuple[MissingImport, ...] | None = None
    missing_libraries: tuple[MissingLibrary, ...] | None = None
    """What the environment needs of the host's image; ``None`` when that is not known, or did not run."""
    sizes: Sizes | None = None
    boot: BootResult | None = None
    sandbox: SandboxUse | None = None
    index_settings: tuple[str, ...] = ()
    packages_as_of: str | None = None
    """Day whose packages were wanted; ``None``: today's."""
    undated: tuple[str, ...] = ()
    """Steps that ran and took today's packages all the same."""
    trouble: str | None = None
    """What this machine could not do, so that the plan could not be carried out."""

    def step(self, step_id: str) -> StepResult | None:
        """Return the result of one step, if it ran."""
        return next((step for step in self.steps if step.id == step_id), None)
