"""What one platform answers when this machine, not the app, is in the way."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from predeploy.app.tree import Tree
from predeploy.env.commands import Cancellation
from predeploy.errors import ToolError
from predeploy.events import Silent
from predeploy.model import Phase
from predeploy.model.conditions import Unknown
from predeploy.model.decisions import Boot, BuildPlan, Environment, Step
from predeploy.model.execution import Execution, StepResult
from predeploy.pipeline import install
from predeploy.pipeline.detect import detect
from predeploy.pipeline.platform import PlatformRun
from predeploy.pipeline.ports import Ports
from predeploy.pipeline.source import AppSource
from predeploy.pipeline.stage import Stage
from predeploy.pipeline.static import static_result
from predeploy.pipeline.surroundings import SandboxChoice
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from predeploy.rules.outcomes import dependency_conflict
from predeploy.settings import RunRequest
from support.cases import TODAY

PLAN = BuildPlan(
    platform="base",
    as_of=TODAY.isoformat(),
    environment=Environment(python="3.13"),
    boot=Boot(step=Step(id="web", phase="boot", reason="r", argv=("true",)), timeout_seconds=1),
)


@pytest.fixture
def case() -> Case:
    facts = snapshot(Registry(plugins={}).profile("base"), TODAY)
    return Case(snapshot=replace(facts, recipe=None, covered=False), tree=Tree.of({"app.py": ""}))


@pytest.fixture
def run(case: Case, tmp_path: Path) -> PlatformRun:
    """Return a run whose phases do nothing."""
    detection = replace(detect(case), findings=(), plan=PLAN)
    made = PlatformRun(
        case,
        detection,
        static_result(case, detection),
        RunRequest(app=tmp_path, as_of=TODAY, work_dir=tmp_path, home=tmp_path),
        AppSource(tmp_path),
        Silent(),
        Cancellation(),
        Ports(),
        SandboxChoice(kind="none"),
    )
    for phase in ("install", "verify", "boot"):
        setattr(made, f"_{phase}", lambda stage: None)
    return made


def raising(error: Exception, before: Callable[[Stage], object] = bool) -> Callable[[Stage], None]:
    def phase(stage: Stage) -> None:
        before(stage)
        raise error

    return phase


@pytest.mark.parametrize("phase", ["install", "verify", "boot"])
@pytest.mark.parametrize("error", [ToolError("no shell here"), OSError(errno.ENOSPC, "no space left")])
def test_trouble_in_any_phase_is_unknown(run: PlatformRun, phase: Phase, error: Exception) -> None:
    setattr(run, f"_{phase}", raising(error))
    result = run.run()
    assert (result.status, result.phase) == ("unknown", phase)
    assert result.decisive is not None
    assert result.decisive.rule == "base/machine-trouble"
    assert str(error) in result.decisive.message
    assert result.phases[-1] == (phase, "unknown")


def test_a_step_that_failed_with_the_machine_is_not_the_apps(
    run: PlatformRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = StepResult(id="create-environment", phase="install", status="failed", tail="no space left")
    monkeypatch.setattr(
        run, "_install", raising(ToolError("no environment"), lambda stage: stage.results.append(failed))
    )
    result = run.run()
    assert result.status == "unknown"
    assert [finding.rule for finding in result.findings] == ["base/machine-trouble"]


def test_trouble_that_comes_of_an_interruption_is_one(
    run: PlatformRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        run, "_install", raising(ToolError("interrupted"), lambda _: run.cancellation.cancel())
    )
    result = run.run()
    assert result.interrupted
    assert result.findings == ()
    assert not list(tmp_path.glob("predeploy-*"))


def test_resolving_for_the_host_may_take_too_long_without_failing_the_build(tmp_path: Path) -> None:
    late = StepResult(id="resolve-for-host", phase="install", status="timeout")
    results: list[StepResult] = []

    def answer(step: Step) -> StepResult:
        results.append(replace(late, id=step.id))
        return results[-1]

    plan = replace(PLAN, requirement_files=("requirements.txt",))
    facts = SimpleNamespace(snapshot=SimpleNamespace(platform_tag="linux"))
    work = SimpleNamespace(temp=tmp_path)
    stage = cast("Any", SimpleNamespace(plan=plan, case=facts, work=work, run=answer, results=results))
    assert install.resolve_for_host(stage).status == "unavailable"
    assert [result.status for result in results] == ["ignored"]


def test_a_conflict_check_without_an_answer_is_not_the_absence_of_conflicts(case: Case) -> None:
    crashed = StepResult(id="conflict-check", phase="verify", status="ignored", tail="panicked")
    case.execution = Execution(steps=(crashed,), conflicts=None)
    assert isinstance(dependency_conflict(case), Unknown)


def test_a_step_that_found_the_disk_full_is_trouble_of_the_machine(
    run: PlatformRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(stage: Stage) -> None:
        stage.work.app.mkdir()
        script = "echo 'OSError: [Errno 28] No space left on device'; exit 1"
        stage.run(
            Step(id="install-dependencies", phase="install", reason="r", argv=("/bin/sh", "-c", script))
        )

    monkeypatch.setattr(run, "_install", full)
    result = run.run()
    assert result.status == "unknown"
    assert [finding.rule for finding in result.findings] == ["base/machine-trouble"]
    assert result.execution is not None
    assert [step.status for step in result.execution.steps] == ["failed"]
