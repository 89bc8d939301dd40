"""One platform's build on this machine: its directory, interpreter, variables, and how a step is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.env.environment import SYSTEM_PATH
from predeploy.env.places import fill
from predeploy.errors import ToolError
from predeploy.events import Reporter, StepFinished, StepOutput, StepStarted
from predeploy.model import Phase
from predeploy.model.decisions import BuildPlan, Step
from predeploy.model.execution import SandboxUse, StepResult, StepStatus
from predeploy.model.limits import Limits
from predeploy.pipeline.bytecode import INSIDE
from predeploy.pipeline.cause import cause, read_end
from predeploy.pipeline.ports import Ports
from predeploy.rules.case import Case

if TYPE_CHECKING:
    from predeploy.env.commands import Cancellation, Command, Completed, Listener, Runner
    from predeploy.env.confinement import Mount
    from predeploy.env.sandbox import Sandbox, View
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
    """Variables of every command, in the sandbox's terms."""
    outer_env: Mapping[str, str]
    """Variables of our own tools, which run outside of the sandbox and touch nothing of the app."""
    places: dict[str, str]
    """What the words of the plan stand for, in the sandbox's terms."""
    cache: Path
    """The user's cache, which outlives the run."""
    sandbox: Sandbox
    ports: Ports
    use: SandboxUse | None = None
    """What the report says of the sandbox."""
    interpreter: Path = Path()
    """The chosen Python, as it lies on this machine."""
    python_version: str = ""
    """Its full version."""
    template: Path = Path()
    """The environment in the cache that this run's own is a copy of."""
    may_link: bool = False
    """Whether files of the environment may be links into the cache: it can be kept from those of others."""
    results: list[StepResult] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    """What was placed into the environment, in order: names with versions."""
    placed_files: list[str] = field(default_factory=list)
    """The hashes of the files it came from, or the names where no hash is known."""
    bytecode: Path | None = None
    """Where commands of the app keep bytecode for later runs."""
    linked: bool = False
    """Whether files of the environment are links into the cache, so that only we may write to them."""
    untouched: bool = True
    """Whether only we have written to the environment so far, and no code of the app or its dependencies."""

    def say(self, text: str) -> None:
        """Tell something worth knowing that is not a step."""
        from predeploy.events import Remark

        self.reporter.emit(Remark(self.platform, text))

    @property
    def platform(self) -> str:
        """Return the platform's id."""
        return self.plan.platform

    @property
    def app(self) -> Path:
        """Return where the app's own directory lies on this machine."""
        return self.work.app / self.plan.root

    def prefixes(self) -> tuple[Path, ...]:
        """Return the prefixes in which the app's distributions may lie, none outside of this run."""
        found: dict[Path, None] = {}
        for site in self.plan.environment.sites:
            top, _, rest = site.partition("/")
            start = self.work.venv if top == "{venv}" else self.app
            for place in sorted(start.glob(rest)) if rest else (start,):
                if place.resolve().is_relative_to(self.work.root.resolve()):
                    found[place] = None
        return tuple(found)

    def command(
        self,
        step: Step,
        *,
        mounts: tuple[Mount, ...] = (),
        ours: bool = False,
        environment: Path | None = None,
    ) -> Command:
        """Return the step as a command of this run, which may see further files of this machine.

        ``environment`` is one that it sees in place of the run's own.
        ``ours``: no code of the app runs in it, so that it keeps the network whatever the app may have.
        """
        from predeploy.env.commands import Command

        argv = (*step.shell_argv, step.shell) if step.shell is not None else step.argv
        bytecode = self._bytecode() if not ours and self.guards(step) else ()
        mounts = (*mounts, *bytecode)
        filled = {**self.plan.env, **step.env, **({"PYTHONPYCACHEPREFIX": INSIDE} if bytecode else {})}
        if step.traced:
            from predeploy.pipeline.trace import PROMPT, traced

            argv, filled["PS4"] = traced(argv), PROMPT
        variables = {name: fill(value, self.places) for name, value in filled.items()}
        if first := self.plan.environment.path:
            variables.setdefault("PATH", ":".join([*first, self.base_env.get("PATH", "")]))
            variables["PATH"] = fill(variables["PATH"], self.places)
        if step.shell is None:
            argv = tuple(fill(word, self.places) for word in argv)
        path = variables.get("PATH", self.base_env.get("PATH", ""))
        limits = Limits() if ours else self.limits(step.phase)
        return Command(
            argv=self._program(step, argv, path),
            cwd=Path(fill(step.cwd, self.places)),
            env={**self.base_env, **variables},
            log=self.work.logs / f"{len(self.results) + 1:02}-{step.id}.log",
            timeout_seconds=min(step.timeout_seconds, limits.time or step.timeout_seconds),
            limits=limits,
            confinement=self.sandbox.confinement(self._view(step, mounts, ours, environment)),
            measured=(self.work.root, *(mount.source for mount in bytecode)),
        )

    def _bytecode(self) -> tuple[Mount, ...]:
        """Return the place of bytecode that commands of the app may write to, where it can be kept."""
        from predeploy.env.confinement import Mount
        from predeploy.pipeline.bytecode import directory

        self.bytecode = place = directory(self)
        return () if place is None else (Mount(source=place, target=INSIDE, writable=True),)

    def limits(self, phase: Phase) -> Limits:
        """Return what a command of a phase may use: what was asked for, else the host's, else ours."""
        given = self.request.limits
        ours = self.case.snapshot.limits.get(phase, Limits())
        return ours.under(given.get("all", Limits())).under(given.get(phase, Limits()))

    def _view(
        self,
        step: Step,
        mounts: tuple[Mount, ...],
        ours: bool,
        environment: Path | None,
    ) -> View:
        from predeploy.env.confinement import Mount
        from predeploy.env.sandbox import View

        venv = self.places["venv"]

        network = self.request.network
        apart = network == "auto" and step.phase != "install" and not step.services
        own = not ours and (network == "none" or apart)
        writable = step.writable
        return View(
            own_network=own,
            writable=None if writable is None else tuple(fill(place, self.places) for place in writable),
            empty=tuple(fill(place, self.places) for place in step.mounts),
            mounts=mounts,
            guarded=(venv,) if environment is None and self.guards(step) else (),
            instead=() if environment is None else (Mount(source=environment, target=venv, writable=True),),
        )

    def guards(self, step: Step) -> bool:
        """Return whether a step finds the environment read-only, though the host would let it write there.

        So it is for steps that do not write there, as long as nobody else has: files of the environment may
        be links into the cache, and the next install may be decided by what the environment holds.
        """
        return self.sandbox.kind != "none" and self.untouched and _spares(step)

    def open_environment(self) -> None:
        """Let anybody write to the environment from now on: it gets files of its own."""
        self.untouched = False
        if self.linked:
            from predeploy.env.environments import own_files

            own_files(self.work.venv)
            self.linked = False

    def _program(self, step: Step, argv: tuple[str, ...], path: str) -> tuple[str, ...]:
        """Return argv with its program looked up in the step's own PATH, not in ours."""
        import shutil

        confined = self.sandbox.kind != "none"
        if "/" in argv[0] or (confined and step.shell is None):
            return argv
        found = shutil.which(argv[0], path=":".join(SYSTEM_PATH) if confined else path)
        if found is None and step.shell is not None:
            raise ToolError(f"the shell {argv[0]} that this host runs scripts with is not installed here")
        return (found, *argv[1:]) if found else argv

    def run(self, step: Step, *, mounts: tuple[Mount, ...] = (), ours: bool = False) -> StepResult:
        """Run one step and keep its result; raise :class:`Interrupted` on cancellation."""
        command = self.command(step, mounts=mounts, ours=ours)
        shown = step.shell if step.shell is not None else " ".join(command.argv)
        self.reporter.emit(StepStarted(self.platform, step.phase, step.id, shown))
        if not ours and not _spares(step):
            self.open_environment()
        completed = self.runner.run(command, on_line=self.listener(step))
        if step.traced:
            from predeploy.pipeline.trace import without_trace

            completed = replace(completed, tail=without_trace(completed.tail))
        if completed.status == "failed" and self.guards(step) and is_read_only(read_end(command.log)):
            self.open_environment()  # it does write there, as it may on the host
            command = self.command(step, mounts=mounts, ours=ours)
            completed = self.runner.run(command, on_line=self.listener(step))
        return self.settle(step, command, completed)

    def settle(
        self,
        step: Step,
        command: Command,
        completed: Completed,
        *,
        argv: tuple[str, ...] | None = None,
        way: str = "",
    ) -> StepResult:
        """Keep the result of a step that was run; raise :class:`Interrupted` on cancellation.

        ``way`` says how it was run where that is not the host's own way, whose command is then ``argv``.
        """
        failures: tuple[str, ...] = ()
        if step.traced:
            from predeploy.pipeline.trace import unnoticed

            failures = unnoticed(command.log)
        status = self._status(step, completed)
        output = "" if completed.status == "ok" else read_end(command.log) or completed.tail
        reason, lacking = self._said(step, status, output, command.timeout_seconds)
        trouble = self._index_trouble(step, status, command, output)
        if trouble:
            status, reason, lacking = "transient", trouble, ""
        result = StepResult(
            id=step.id,
            phase=step.phase,
            status=status,
            argv=(argv or command.argv) if step.shell is None else (),
            shell=step.shell,
            returncode=completed.returncode,
            seconds=completed.seconds,
            log=str(command.log),
            tail=completed.tail,
            reason=reason,
            lacking=lacking,
            no_upload_times=self._no_upload_times(status, output),
            output=output,
            limit=_limit(command, completed),
            unnoticed=failures,
            way=way,
        )
        self.results.append(result)
        self.reporter.emit(StepFinished(self.platform, step.phase, step.id, result.status, result.seconds))
        if result.status == "interrupted":
            raise Interrupted
        if completed.status == "failed" and not completed.exceeded:
            self.require_disk(output)
        return result

    def _index_trouble(self, step: Step, status: StepStatus, command: Command, output: str) -> str:
        """Return what kept pip from an index that it says nothing about, by asking once more, aloud."""
        from predeploy.env.transient import index_was_silent, is_transient, pip_trouble, transient_line

        if status != "failed" or step.phase != "install" or step.shell is not None:
            return ""
        if not index_was_silent(output):
            return ""
        log = command.log.with_suffix(".again.log")
        again = self.runner.run(replace(command, env={**command.env, "PIP_VERBOSE": "3"}, log=log))
        if again.status == "ok":
            return "the index had nothing at first, and has it now"
        said = read_end(log)
        return pip_trouble(said) or (transient_line(said) if is_transient(again.tail) else "")

    def require_disk(self, output: str) -> None:
        """Raise :class:`ToolError` where a command failed because this machine's disk is full."""
        from predeploy.env.transient import is_disk_full

        if is_disk_full(output):
            raise ToolError(f"{self.work.root}: no space left on device")

    def skip(self, step: Step, why: str) -> None:
        """Keep the result of a step that the host would not run either."""
        self.results.append(StepResult(id=step.id, phase=step.phase, status="skipped", tail=why))

    def _said(self, step: Step, status: StepStatus, output: str, limit: float) -> tuple[str, str]:
        """Return what the output of a failed step says: the reason, and what this machine lacks."""
        if status == "transient":
            from predeploy.env.transient import transient_line

            return transient_line(output), ""
        if status == "timeout":
            return f"it did not end within its time of {limit:g} s", ""
        if step.phase != "install" or status != "failed":
            return "", ""
        from predeploy.installers.reasons import lacking, reason

        said = reason(output)
        if not said and step.only_if_importable:  # the app's own code ran, not an installer
            own = cause(output, Path(self.places["app"]))
            said = own.text if own is not None else ""
        return said, lacking(output)

    def _no_upload_times(self, status: StepStatus, output: str) -> str:
        if status != "failed" or self.plan.packages_as_of is None:
            return ""
        from predeploy.installers.uploads import without_upload_times

        return without_upload_times(output)

    def listener(self, step: Step) -> Listener:
        """Return what hears the lines of a step."""

        def hear(line: str) -> None:
            if step.traced and line.startswith("+predeploy:"):
                return
            self.reporter.emit(StepOutput(self.platform, step.id, line))

        return hear

    def _status(self, step: Step, completed: Completed) -> StepStatus:
        from predeploy.env.transient import is_transient

        if completed.status != "failed" or completed.exceeded:
            return completed.status
        if step.phase == "install" and is_transient(completed.tail):
            return "transient"
        return "ignored" if step.otherwise == "ignore" else "failed"


def _spares(step: Step) -> bool:
    return step.phase != "install" or step.spares_environment


def is_read_only(output: str) -> bool:
    """Return whether a command says that it could not write to a read-only file system."""
    return "Read-only file system" in output


def _limit(command: Command, completed: Completed) -> str:
    """Return the limit a command went over, in words."""
    if completed.status == "timeout":
        return f"time of {command.timeout_seconds:g} s"
    return completed.exceeded
