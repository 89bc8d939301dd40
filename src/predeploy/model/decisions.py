"""What detect and plan decided: the manifest, Python, and the steps."""

from __future__ import annotations

from typing import Literal

from predeploy.model import STRICT, Phase
from predeploy.model.findings import Evidence, Finding
from predeploy.record import field, record


@record
class Selection:
    """Which manifest and installer won, and what lost."""

    manifest: str | None = None
    """Path of the file that decides what is installed; ``None`` where the host needs none."""
    installer: str | None = None
    """Key of the profile's ``installers``."""
    candidates: tuple[str, ...] = ()
    """Every file the host would have taken, in its order."""
    ignored: tuple[str, ...] = ()
    """Manifests that lie there and do not count."""
    reason: str = ""
    """Why this one won, in one sentence."""
    problem: str | None = None
    """Why nothing could be chosen: a word that rules refer to."""


@record
class PythonRequest:
    """What one source says about Python."""

    origin: str
    """File or setting it came from."""
    version: str | None = None
    """Version as the host understood it, e.g. ``3.12``; ``None`` with a problem."""
    problem: str | None = None
    """Why it could not be read: a word that rules refer to."""
    detail: str | None = None
    """The offending text."""
    evidence: tuple[Evidence, ...] = ()
    """Where it stands."""


@record
class PythonChoice:
    """The Python a host would use."""

    requested: str | None = None
    """Version asked for, or the host's default."""
    origin: str = "default"
    """Where the request came from."""
    resolved: str | None = None
    """Full version the host takes; ``None`` when it has none."""
    problem: str | None = None
    """Why there is none: a word that rules refer to."""
    detail: str | None = None
    """The offending text or version."""
    evidence: tuple[Evidence, ...] = ()
    """Where the request stands."""

    @property
    def minor(self) -> str | None:
        """Return ``X.Y`` of the resolved version, else of the request."""
        version = self.resolved or self.requested
        parts = version.split(".") if version else []
        return ".".join(parts[:2]) if len(parts) >= 2 else None


@record
class Step:
    """One command of a build; words in braces stand for places of the run (see ``env.places``)."""

    __pydantic_config__ = STRICT

    id: str
    """Kebab-case name, unique in its plan."""
    phase: Phase
    """Phase it belongs to."""
    reason: str
    """Why the host runs it."""
    argv: tuple[str, ...] = ()
    """The command; empty for a shell step."""
    shell: str | None = None
    """A script the host gives to a shell, as the app wrote it."""
    shell_argv: tuple[str, ...] = ("sh", "-c")
    """The shell that gets it."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables beside the plan's own."""
    cwd: str = "{app}"
    """Working directory."""
    timeout_seconds: float = 900
    """The host's limit, else ours."""
    otherwise: Literal["fail", "ignore"] = "fail"
    """What a non-zero exit means: the build fails, or nothing."""
    fallback_of: str | None = None
    """Id of an earlier step: this one runs only when that one failed, and then decides in its place."""
    only_if_importable: str | None = None
    """Top-level module: the step runs only when Python, started in the step's directory, can import it."""
    only_if_installed: str | None = None
    """``name==version``: the step runs only when exactly that is in the environment by then."""
    writable: tuple[str, ...] | None = None
    """Directories the host leaves writable for this step; ``null``: all of them."""
    mounts: tuple[str, ...] = ()
    """Directories of the app in whose place the host puts empty writable ones."""
    only_if_program: str | None = None
    """Program of this machine: the step runs only where it is installed."""
    traced: bool = False
    """Whether the shell says which commands fail although the script goes on."""
    services: bool = False
    """Whether it must reach services that run on this machine or from it."""
    after_start: bool = False
    """Of a step of the phase ``boot``: whether it runs after the start, or before."""
    spares_environment: bool = False
    """Whether an install step is known to leave the environment as it is; later phases always are."""


@record
class Environment:
    """The virtualenv a plan runs in, or the interpreter of the run's own in its place."""

    __pydantic_config__ = STRICT

    python: str
    """Version the host uses."""
    seeds: dict[str, str] = field(default_factory=dict)
    """Distributions put in before the first step, with exact versions."""
    made_by_step: bool = False
    """Whether a step makes it, Python and all, as conda does; else it is a virtualenv, made before."""
    base: bool = False
    """Whether it passes for an installed Python, which installs for the user, and not for a virtualenv."""
    path: tuple[str, ...] = ()
    """Directories of programs that come before its own on ``PATH``."""
    sites: tuple[str, ...] = ("{venv}",)
    """Prefixes, with wildcards, whose site-packages the app's distributions may lie in."""


@record
class Call:
    """One request sent to the started app after its health answer, as the host's first traffic would be."""

    __pydantic_config__ = STRICT

    what: str
    """What it is, for people: ``an HTTP request``."""
    method: str = "GET"
    """HTTP method."""
    path: str = "/"
    """Path asked."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers beside the usual ones."""
    body: str = ""
    """Body, sent as UTF-8."""
    timeout_seconds: float = 60
    """How long the host lets a request run."""


@record
class Boot:
    """How the app is started and what counts as started."""

    __pydantic_config__ = STRICT

    step: Step
    """The start command."""
    timeout_seconds: float
    """How long the host waits."""
    preferred_port: int | None = None
    """The host's own port; another is used when it is taken."""
    unix_socket: bool = False
    """Whether the app must listen on ``$SOCKET`` instead of ``$PORT``."""
    public: bool = False
    """Whether the host reaches the app from outside, so that listening on loopback only is not enough."""
    ipv6: bool = False
    """Whether the host reaches the app over IPv6: such a server is asked too, and its addresses are kept."""
    probe: str = "/"
    """Path asked first."""
    expect_body: str | None = None
    """Body that counts as healthy; ``None``: any HTTP answer."""
    script_probe: str | None = None
    """Second path, which must answer 200, asked after the first."""
    script_timeout_seconds: float = 60
    """Limit of the second."""
    call: Call | None = None
    """A request of the app's own kind, sent once after the health answer; its answer is shown."""


@record
class BuildPlan:
    """The complete recipe of one platform; a pure function of snapshot and tree."""

    __pydantic_config__ = STRICT

    platform: str
    """Platform id."""
    as_of: str
    """Day it holds for."""
    environment: Environment
    """The virtualenv."""
    env: dict[str, str] = field(default_factory=dict)
    """Variables of every step."""
    tools: dict[str, str] = field(default_factory=dict)
    """Tools outside the virtualenv, with exact versions."""
    steps: tuple[Step, ...] = ()
    """In the host's order."""
    boot: Boot | None = None
    """How it is started; ``None`` when nothing is."""
    processes: dict[str, str] = field(default_factory=dict)
    """Process types and their commands, as the host shows them."""
    requirement_files: tuple[str, ...] = ()
    """Files in pip's format that the steps install from, to be resolved for the host's own Python."""
    requirements: tuple[str, ...] = ()
    """Requirements the host adds of its own, for the same purpose."""
    entry_modules: tuple[str, ...] = ()
    """Files the start command runs or imports, from which the import scan begins."""
    import_roots: tuple[str, ...] = ("",)
    """Directories of the app that are importable on the host."""
    packages_as_of: str | None = None
    """Day whose packages the steps install; ``None``: today's."""
    undated: tuple[str, ...] = ()
    """Steps whose package manager cannot be held to that day."""
    home_files: dict[str, str] = field(default_factory=dict)
    """TOML files with secrets: place below the run's home, and where it comes from, seen from the app."""
    root: str = ""
    """Directory of the upload that the host puts where apps are: ``{app}`` is this one."""
    keeps: str | None = None
    """Name of the app whose builds share ``{kept}``, on a host that keeps such a directory."""


@record
class Detection:
    """The static answer for one platform."""

    platform: str
    name: str
    selection: Selection
    python: PythonChoice
    findings: tuple[Finding, ...]
    plan: BuildPlan | None
    seconds: dict[str, float]
