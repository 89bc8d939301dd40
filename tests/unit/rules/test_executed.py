"""What the conditions on steps and starts make of an output."""

from __future__ import annotations

from datetime import date

import pytest

from predeploy.app.tree import Tree
from predeploy.model.execution import BootResult, Cause, Execution, StepResult
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from predeploy.rules.evaluate import judge

FILES: dict[str, bytes | str | None] = {"requirements.txt": "old==1\n", ".python-version": "3.13\n"}
LIBPQ = "fatal error: libpq-fe.h: No such file or directory"


def executed(platform: str, *, step: StepResult | None = None, boot: BootResult | None = None) -> Case:
    case = Case(
        snapshot=snapshot(Registry(plugins={}).profile(platform), date(2026, 11, 20)), tree=Tree.of(FILES)
    )
    case.execution = Execution(steps=(step,) if step else (), boot=boot)
    return case


def failed(step_id: str, *, reason: str = "", lacking: str = "") -> StepResult:
    return StepResult(
        id=step_id,
        phase="install",
        status="failed",
        returncode=1,
        tail="the last line",
        log="/logs/1.log",
        reason=reason,
        lacking=lacking,
    )


def test_a_failed_install_says_why() -> None:
    step = failed("install-dependencies", reason="old==1 could not be built")
    (finding,) = judge(executed("heroku", step=step), ("install",))
    assert finding.upstream_id == "install-dependencies::pip"
    assert finding.message == "The build ends when pip does: old==1 could not be built"
    assert [place.text for place in finding.evidence] == ["old==1 could not be built"]


def test_without_a_known_reason_the_step_and_its_last_line_are_shown() -> None:
    (finding,) = judge(executed("heroku", step=failed("install-dependencies")), ("install",))
    assert finding.message == "The build ends when pip does: install-dependencies"
    assert [place.text for place in finding.evidence] == ["the last line"]


@pytest.mark.parametrize(
    ("platform", "step_id"),
    [
        ("heroku", "install-dependencies"),
        ("cloud-functions", "install-requirements"),
        ("platformsh", "build-hook"),
    ],
)
def test_a_library_that_this_machine_lacks_decides_nothing(platform: str, step_id: str) -> None:
    step = failed(step_id, reason="psycopg2 could not be built", lacking=LIBPQ)
    (finding,) = judge(executed(platform, step=step), ("install",))
    assert (finding.rule, finding.severity) == (f"{platform}/system-library-missing", "unknown")
    assert finding.message == f"Could not be decided: psycopg2 could not be built ({LIBPQ})."


def test_a_server_error_shows_the_app_s_own_error() -> None:
    error = Cause(text="sqlite3.OperationalError: no such table: post", path="blog.py", line=3)
    boot = BootResult(status="ok", port=1, http_status=500, cause=error)
    (finding,) = judge(executed("heroku", boot=boot), ("boot",))
    assert finding.message.endswith("with 500: sqlite3.OperationalError: no such table: post.")
    assert [str(place) for place in finding.evidence] == ["blog.py:3"]
