"""JSON schemas, made from the models; the result's from the document it describes."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from predeploy.model import Confidence, Phase, Severity, Status
from predeploy.model.decisions import BuildPlan
from predeploy.model.execution import BootStatus, StepStatus
from predeploy.model.forecast import Certainty
from predeploy.model.profile import Profile
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


class Distribution(TypedDict):
    """An installed distribution."""

    name: str
    version: str


class Memory(TypedDict):
    """What the app's processes held, in bytes."""

    at_rest_bytes: int
    peak_bytes: int


class Boot(TypedDict):
    """What the start command did."""

    status: BootStatus
    port: int | None
    seconds: float
    http_status: int | None
    returncode: int | None
    listening: list[str]
    script_status: int | None
    memory: Memory | None
    log: str | None


class Resolution(TypedDict):
    """The install resolved for the host's own Python."""

    status: Literal["resolved", "source-builds", "unsatisfiable", "unavailable"]
    detail: str


class Sizes(TypedDict):
    """How large the build became: on disk, and an estimate of the host's archive of it."""

    installed_bytes: int
    compressed_estimate_bytes: int


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
    boot: Boot
    index_settings: list[str]
    work_dir: str


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


def schema_of(what: str) -> dict[str, Any]:
    """Return the JSON schema called ``result``, ``profile``, ``plan`` or ``forecast``."""
    models: dict[str, Any] = {"result": Result, "profile": Profile, "plan": BuildPlan, "forecast": Forecast}
    schema = json_schema(models[what])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
