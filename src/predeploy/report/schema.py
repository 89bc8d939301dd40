"""JSON schemas, made from the models; the result's from the document it describes."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from predeploy.model import Confidence, Phase, Severity, Status
from predeploy.model.decisions import BuildPlan
from predeploy.model.execution import BootStatus, StepStatus
from predeploy.model.forecast import Certainty
from predeploy.model.profile import Profile
from predeploy.option import Option
from predeploy.options import OPTIONS
from predeploy.profiles.schema import json_schema


class Evidence(TypedDict):
    """A place that shows why a rule fired."""

    path: str
    line: int | None
    text: str | None


class Finding(TypedDict):
    """One thing a host refuses, warns about, or that could not be decided."""

    rule: str
    upstream_id: str | None
    phase: Phase
    severity: Severity
    decisive: bool
    headline: str
    message: str
    hint: str
    evidence: list[Evidence]
    since: str | None
    until: str | None
    source: str
    confidence: Confidence


class Reason(TypedDict):
    """What decided a refusal, a failure, or an unknown."""

    rule: str
    upstream_id: str | None


class Python(TypedDict, total=False):
    """The Python asked for, the host's, and the one used here."""

    requested: str | None
    origin: str
    host_resolves: str | None
    local: str
    match: Literal["exact", "minor", "none"]


class Step(TypedDict):
    """One command that was run."""

    id: str
    phase: Phase
    argv: list[str]
    shell: str | None
    status: StepStatus
    returncode: int | None
    seconds: float
    log: str | None
    limit: NotRequired[str | None]
    way: NotRequired[str | None]
    started: NotRequired[float | None]
    tail: NotRequired[str]
    reason: NotRequired[str]


class Distribution(TypedDict):
    """An installed distribution."""

    name: str
    version: str


class Call(TypedDict):
    """What the app answered to the request that the host's first traffic would be."""

    what: str
    method: str
    path: str
    status: int | None
    body: str
    seconds: float


class Cause(TypedDict):
    """The app's own error behind a failed start, and where it happened."""

    text: str
    path: str
    line: int


class Boot(TypedDict):
    """What the start command did; ``call`` is there where the plan has one and the app answered."""

    status: BootStatus
    port: int | None
    seconds: float
    http_status: int | None
    returncode: int | None
    listening: list[str]
    script_status: int | None
    log: str | None
    limit: NotRequired[str | None]
    memory_at_rest: NotRequired[int | None]
    memory_peak: NotRequired[int | None]
    started: NotRequired[float | None]
    tail: NotRequired[str]
    cause: NotRequired[Cause | None]
    call: NotRequired[Call]


class Resolution(TypedDict):
    """The install resolved for the host's own Python."""

    status: Literal["resolved", "source-builds", "unsatisfiable", "unavailable"]
    detail: str


class Sizes(TypedDict):
    """How large the build became: on disk, and an estimate of the host's archive of it."""

    installed_bytes: int
    compressed_estimate_bytes: int
    limit_bytes: NotRequired[int | None]


class PythonRequest(TypedDict):
    """Where the Python asked for stands, and what is wrong with the request."""

    problem: str | None
    evidence: list[Evidence]


class Sandbox(TypedDict):
    """What kept the commands of a run apart from this machine."""

    kind: Literal["bwrap", "none"]
    detail: str
    own_network_at_start: bool
    read_only_at_start: bool


class Selection(TypedDict):
    """How the manifest was chosen."""

    candidates: list[str]
    reason: str
    problem: str | None


class _PlatformAlways(TypedDict):
    platform: str
    name: str
    status: Status
    phase: Phase
    reason: Reason | None
    manifest: str | None
    ignored_manifests: list[str]
    installer: str | None
    python: Python
    findings: list[Finding]
    processes: dict[str, str]
    phases: dict[str, str]
    interrupted: bool
    not_simulated: list[str]
    seconds: dict[str, float]


class Platform(_PlatformAlways, total=False):
    """The answer for one platform; fields of phases that did not run are absent."""

    steps: list[Step]
    installed: list[Distribution]
    sizes: Sizes
    host_resolution: Resolution
    sandbox: Sandbox
    boot: Boot
    index_settings: list[str]
    work_dir: str
    selection: Selection
    python_request: PythonRequest
    package_bytes: dict[str, int | None]
    start_reason: str
    transient: bool


class Result(TypedDict):
    """The document of ``check`` and ``build`` with ``--format json``."""

    schema_version: Literal[1]
    tool_version: str
    as_of: str
    app: str
    exit_code: int
    strict: bool
    interrupted: bool
    platforms: list[Platform]
    seconds: float


class Results(TypedDict):
    """Several results in one document: ``matrix``, and ``report`` of several files."""

    schema_version: Literal[1]
    tool_version: str
    exit_code: int
    results: list[Result]


class Situation(TypedDict):
    """What a platform does with the app on one day."""

    status: Status
    reason: Reason | None
    manifest: str | None
    installer: str | None
    python: str | None


class Change(TypedDict):
    """A day on which a platform's answer changes."""

    day: str
    certainty: Certainty
    changed: list[Literal["status", "reason", "findings", "manifest", "installer", "python"]]
    before: Situation
    after: Situation
    new_findings: list[Finding]
    gone_findings: list[Finding]
    sources: list[str]


class PlatformForecast(Situation):
    """One platform: its answer on the day asked for, and what changes after it."""

    platform: str
    name: str
    verified_on: str
    changes: list[Change]


class Forecast(TypedDict):
    """The document of ``forecast`` with ``--format json``."""

    schema_version: Literal[1]
    tool_version: str
    as_of: str
    until: str | None
    app: str
    platforms: list[PlatformForecast]


DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(what: str) -> dict[str, Any]:
    """Return the JSON schema called ``result``, ``config``, ``profile``, ``plan`` or ``forecast``."""
    if what == "config":
        return {"$schema": DIALECT, **config_schema()}
    models: dict[str, Any] = {"result": Result, "profile": Profile, "plan": BuildPlan, "forecast": Forecast}
    schema = json_schema(models[what])
    return {"$schema": DIALECT, **schema}


TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "choice": {"type": "string"},
    "path": {"type": "string"},
    "day": {"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2}|today)$"},
    "switch": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "paths": {"type": "array", "items": {"type": "string"}},
}


def config_schema() -> dict[str, Any]:
    """Return the schema of ``[tool.predeploy]`` and predeploy.toml, made from the table of options."""
    value = {"type": ["string", "integer", "number", "boolean"]}
    table = {"type": "object", "additionalProperties": value}
    keys: dict[str, Any] = {
        option.config_key: _property(option) for option in OPTIONS if option.config_key is not None
    }
    keys["apps"] = {**TYPES["texts"], "description": "Apps of matrix and of the pytest plugin."}
    keys["env"] = {**table, "description": "Config vars and build variables of the app."}
    keys["platform"] = {
        "type": "object",
        "additionalProperties": table,
        "description": "Per platform, what the host keeps outside the tree.",
    }
    return {"title": "predeploy", "type": "object", "properties": keys, "additionalProperties": False}


def _property(option: Option) -> dict[str, Any]:
    schema: dict[str, Any] = {**TYPES[option.kind], "description": option.help}
    if option.choices:
        schema["enum"] = list(option.choices)
    if option.minimum is not None:
        schema["minimum"] = option.minimum
    if option.default is not None:
        schema["default"] = option.default
    return schema
