"""One platform's build on this machine: its directory, interpreter, variables, and how a step is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.env.places import fill
from predeploy.errors import ToolError
from predeploy.events import Reporter, StepFinished, StepOutput, StepStarted
from predeploy.model.decisions import BuildPlan, Step
from predeploy.model.execution import StepResult, StepStatus
from predeploy.pipeline.cause import cause, read_end
from predeploy.pipeline.ports import Ports
from predeploy.rules.case import Case

if TYPE_CHECKING:
    from predeploy.env.commands import Cancellation, Command, Runner
    from predeploy.env.work import WorkDirectory
    from predeploy.settings import RunRequest


class Interrupted(Exception):  # noqa: N818 - control flow: the run was cancelled
    """The run was cancelled while a step was under way."""


@dataclass(kw_only=True)
class Stage:
    """What the phases of one platform share; results are collected here so that none is lost."""

    case: Case
    plan: BuildPlan
    request: RunRequest
    work: WorkDirectory
    runner: Runner
    cancellation: Cancellation
    reporter: Reporter
    base_env: Mapping[str, str]
    places: dict[str, str]
    ports: Ports
    results: list[StepResult] = field(default_factory=list)

    @property
    def platform(self) -> str:
        """Return the platform's id."""
        return self.plan.platform

    def command(self, step: Step) -> Command:
        """Return the step as a command of this run."""
        from predeploy.env.commands import Command

        argv = (*step.shell_argv, step.shell) if step.shell is not None else step.argv
        filled = {**self.plan.env, **step.env}
        variables = {name: fill(value, self.places) for name, value in filled.items()}
        if step.shell is None:
            argv = tuple(fill(word, self.places) for word in argv)
        path = variables.get("PATH", self.base_env.get("PATH", ""))
        return Command(
            argv=self._program(step, argv, path),
            cwd=Path(fill(step.cwd, self.places)),
            env={**self.base_env, **variables},
            log=self.work.logs / f"{len(self.results) + 1:02}-{step.id}.log",
            timeout_seconds=step.timeout_seconds,
        )

    def _program(self, step: Step, argv: tuple[str, ...], path: str) -> tuple[str, ...]:
        """Return argv with its program looked up in the step's own PATH, not in ours."""
        import shutil

        if "/" in argv[0]:
            return argv
        found = shutil.which(argv[0], path=path)
        if found is None and step.shell is not None:
            raise ToolError(f"the shell {argv[0]} that this host runs scripts with is not installed here")
        return (found, *argv[1:]) if found else argv

    def run(self, step: Step) -> StepResult:
        """Run one step and keep its result; raise :class:`Interrupted` on cancellation."""
        command = self.command(step)
        shown = step.shell if step.shell is not None else " ".join(command.argv)
        self.reporter.emit(StepStarted(self.platform, step.phase, step.id, shown))
        completed = self.runner.run(command, on_line=self._listener(step))
        status = self._status(step, completed.status, completed.tail)
        output = "" if completed.status == "ok" else read_end(command.log) or completed.tail
        reason, lacking = self._said(step, status, output)
        result = StepResult(
            id=step.id,
            phase=step.phase,
            status=status,
            argv=command.argv if step.shell is None else (),
            shell=step.shell,
            returncode=completed.returncode,
            seconds=completed.seconds,
            log=str(command.log),
            tail=completed.tail,
            reason=reason,
            lacking=lacking,
            no_upload_times=self._no_upload_times(status, output),
            output=output,
        )
        self.results.append(result)
        self.reporter.emit(StepFinished(self.platform, step.phase, step.id, result.status, result.seconds))
        if result.status == "interrupted":
            raise Interrupted
        if completed.status == "failed":
            self.require_disk(output)
        return result

    def require_disk(self, output: str) -> None:
        """Raise :class:`ToolError` where a command failed because this machine's disk is full."""
        from predeploy.env.transient import is_disk_full

        if is_disk_full(output):
            raise ToolError(f"{self.work.root}: no space left on device")

    def skip(self, step: Step, why: str) -> None:
        """Keep the result of a step that the host would not run either."""
        self.results.append(StepResult(id=step.id, phase=step.phase, status="skipped", tail=why))

    def _said(self, step: Step, status: StepStatus, output: str) -> tuple[str, str]:
        """Return what the output of a failed step says: the reason, and what this machine lacks."""
        if status == "transient":
            from predeploy.env.transient import transient_line

            return transient_line(output), ""
        if step.phase != "install" or status != "failed":
            return "", ""
        from predeploy.installers.reasons import lacking, reason

        said = reason(output)
        if not said and step.only_if_importable:  # the app's own code ran, not an installer
            own = cause(output, self.work.app)
            said = own.text if own is not None else ""
        return said, lacking(output)

    def _no_upload_times(self, status: StepStatus, output: str) -> str:
        if status != "failed" or self.plan.packages_as_of is None:
            return ""
        from predeploy.installers.uploads import without_upload_times

        return without_upload_times(output)

    def _listener(self, step: Step):  # type: ignore[no-untyped-def]
        def hear(line: str) -> None:
            self.reporter.emit(StepOutput(self.platform, step.id, line))

        return hear

    def _status(self, step: Step, status: StepStatus, output: str) -> StepStatus:
        from predeploy.env.transient import is_transient

        if status != "failed":
            return status
        if step.phase == "install" and is_transient(output):
            return "transient"
        return "ignored" if step.otherwise == "ignore" else "failed"
