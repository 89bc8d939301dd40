"""Results to render: one of every kind, and one that is hostile in every text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from predeploy.env.secrets import Secrets
from predeploy.model.decisions import PythonChoice, Selection
from predeploy.model.execution import (
    BootResult,
    Cause,
    Execution,
    ForeignResolution,
    Installed,
    LocalPython,
    SandboxUse,
    Sizes,
    StepResult,
)
from predeploy.model.findings import Evidence, Finding
from predeploy.model.results import PlatformResult, Report

REJECTED = Finding(
    rule="heroku/multiple-package-managers",
    upstream_id="package-manager::multiple-found",
    phase="plan",
    severity="reject",
    decisive=True,
    headline="Files of more than one package manager",
    message="Heroku wants exactly one; found requirements.txt, poetry.lock.",
    hint="Keep one.",
    evidence=(Evidence(path="requirements.txt", line=3, text="flask==3.0"), Evidence(path="poetry.lock")),
    since="2025-12-10",
    source="changelog v325",
)
WARNED = replace(
    REJECTED,
    rule="heroku/no-python-version",
    severity="warn",
    decisive=False,
    headline="No Python",
    upstream_id=None,
)
NOTED = replace(
    WARNED, rule="heroku/note", severity="note", headline="Worth knowing", evidence=(), confidence="modelled"
)
UNKNOWN = replace(
    REJECTED, rule="streamlit-cloud/machine-trouble", severity="unknown", phase="install", upstream_id=None
)
FAILED = replace(
    REJECTED,
    rule="platformsh/start-crashed",
    severity="fail",
    phase="boot",
    headline="The app ends",
    evidence=(
        Evidence(path="/tmp/x/start.log", text="ImportError"),
        Evidence(path="app.py", line=2, text="x"),
    ),
)


def platform(name: str, status: str, *findings: Finding, run: Execution | None = None) -> PlatformResult:
    phases: tuple[Any, ...] = (("detect", "ok"), ("plan", "warn" if status == "warn" else "ok"))
    if run:
        phases += (("install", "ok"), ("verify", "ok"), ("boot", status if status == "fail" else "ok"))
    return PlatformResult(
        platform=name,
        name=name.title(),
        status=status,  # type: ignore[arg-type]
        phase="plan",
        findings=findings,
        selection=Selection(
            manifest="requirements.txt",
            installer="pip",
            candidates=("requirements.txt", "poetry.lock"),
            ignored=("poetry.lock",),
            reason="it is the first",
        ),
        python=PythonChoice(
            requested="3.13",
            origin=".python-version",
            resolved="3.13.15",
            evidence=(Evidence(path=".python-version", line=1, text="3.13"),),
        ),
        not_simulated=("the router",),
        processes={"web": "gunicorn app:app"},
        start_reason="the web line of the Procfile",
        execution=run,
        seconds={"detect": 0.01, "plan": 0.02},
        phases=phases,
    )


def run(status: str = "ok") -> Execution:
    boot = BootResult(
        status="ok" if status == "ok" else "crashed",
        port=8000,
        seconds=1.5,
        started=3.0,
        http_status=200 if status == "ok" else None,
        listening=("127.0.0.1:8000",),
        tail="Traceback\nImportError: x",
        cause=Cause(text="ImportError: x", path="app.py", line=2),
    )
    steps = (
        StepResult(
            id="install-dependencies",
            phase="install",
            status="ok",
            argv=("pip", "install", "-r", "requirements.txt"),
            returncode=0,
            seconds=2.0,
            started=0.5,
            log="/tmp/w/01.log",
            tail="Collecting flask",
        ),
        StepResult(
            id="hook",
            phase="install",
            status="failed",
            shell="make it",
            returncode=2,
            seconds=0.5,
            started=2.5,
            tail="no rule",
        ),
    )
    return Execution(
        steps=steps,
        local_python=LocalPython(version="3.13.0", path="", match="minor"),
        foreign=ForeignResolution(status="resolved", detail="fine"),
        installed=(Installed(name="flask", version="3.0", size_bytes=1000), Installed(name="x", version="1")),
        sizes=Sizes(installed_bytes=10, compressed_estimate_bytes=600 << 20, limit_bytes=500 << 20),
        boot=boot,
        sandbox=SandboxUse(kind="bwrap", own_network_at_start=True),
        index_settings=("PIP_INDEX_URL",),
    )


def mixed(app: str = "apps/shop", as_of: str = "2026-11-20") -> Report:
    """Return a run with every status."""
    return Report(
        tool_version="0.1.0",
        as_of=as_of,
        app=app,
        exit_code=1,
        seconds=7.0,
        platforms=(
            platform("heroku", "reject", REJECTED, WARNED, NOTED),
            platform("platformsh", "fail", FAILED, run=run("fail")),
            platform("streamlit-cloud", "unknown", UNKNOWN),
            platform("cloud-functions", "accept", run=run()),
        ),
    )


HOSTILE = (
    "\x1b]0;title\x07\x1b[2J\x9b31m\x00\x08\u202eevil\u2066 <script>window.pwned=1</script>"
    "<img src=x onerror=window.pwned=1>\"'`|*_[a](javascript:x)@someone #1 ${{x}} "
    "::error file=x::forged\n::set-output name=a::b\r##[error]forged ##vso[task.x]y %0A::warning::z \ufffe\ud800"
)


def everywhere(value: Any, change: Callable[[str], str]) -> Any:
    """Return records with every free text changed; what is one of a few words, a number or a day stays."""
    fixed = {
        "status",
        "kind",
        "phase",
        "severity",
        "confidence",
        "match",
        "as_of",
        "tool_version",
        "phases",
        "seconds",
    }
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        return tuple(everywhere(item, change) for item in value)
    if isinstance(value, dict):
        return {change(key): everywhere(item, change) for key, item in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {
        f.name: everywhere(getattr(value, f.name), change) for f in fields(value) if f.name not in fixed
    }
    return replace(value, **changed)


def hostile() -> Report:
    """Return the mixed run with hostile text in every place that an app can reach, and more."""
    report: Report = everywhere(mixed(), lambda text: text + HOSTILE)
    return report


def secrets_of(*values: str) -> Secrets:
    """Return a registry that knows these values."""
    secrets = Secrets()
    for value in values:
        secrets.value(value)
    return secrets


def sarif_schema() -> dict[str, Any]:
    """Return the official schema, without the pattern of ``language``, whose brackets do not match."""
    text = (Path(__file__).parent / "sarif-2.1.0.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
