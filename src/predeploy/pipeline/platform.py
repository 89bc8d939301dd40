"""One platform's way through install, verify and boot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from predeploy.errors import ToolError
from predeploy.events import PhaseFinished, PhaseStarted, Remark, Reporter
from predeploy.model import PHASES, Phase
from predeploy.model.decisions import BuildPlan, Detection, Step
from predeploy.model.execution import BootResult, Execution, SandboxUse
from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult
from predeploy.pipeline import boot, install, verify
from predeploy.pipeline.bytecode import bounded
from predeploy.pipeline.detect import outcome_of, settle, status_of
from predeploy.pipeline.libraries import missing_libraries
from predeploy.pipeline.ports import Ports
from predeploy.pipeline.secret_files import copied
from predeploy.pipeline.stage import Interrupted, Stage
from predeploy.pipeline.surroundings import SandboxChoice
from predeploy.rules.case import Case
from predeploy.rules.evaluate import judge

if TYPE_CHECKING:
    from pathlib import Path

    from predeploy.env.commands import Cancellation
    from predeploy.env.work import WorkDirectory
    from predeploy.pipeline.source import AppSource
    from predeploy.settings import RunRequest


NEED_SANDBOX = frozenset({"start-not-confined"})
"""Rules that say what only a sandbox could have shown: a note, but unknown where every answer is wanted."""


class PlatformRun:
    """Runs one plan and judges what happened, phase by phase."""

    def __init__(
        self,
        case: Case,
        detection: Detection,
        static: PlatformResult,
        request: RunRequest,
        source: AppSource,
        reporter: Reporter,
        cancellation: Cancellation,
        ports: Ports,
        sandbox: SandboxChoice,
    ) -> None:
        self.case = case
        self.plan = detection.plan
        self.request = request
        self.source = source
        self.reporter = reporter
        self.cancellation = cancellation
        self.ports = ports
        self.sandbox = sandbox
        self.findings: tuple[Finding, ...] = static.findings
        self.static = static
        self.execution = Execution()
        self.seconds = dict(static.seconds)
        self.phases: list[tuple[Phase, str]] = list(static.phases)
        self.interrupted = False
        self.work_dir: str | None = None

    def run(self) -> PlatformResult:
        """Return the platform's answer; never raise for anything the app or a tool does."""
        if self.plan is None or self.cancellation.requested:
            self.interrupted = self.cancellation.requested
            self._without_plan()
            return self._result()
        from predeploy.env.work import WorkDirectory

        try:
            work = WorkDirectory.create(self.request.work_dir, self.plan.platform)
        except ToolError as error:
            self._give_up(str(error))
            return self._result()
        stage = None
        try:
            stage = self._stage(self.plan, work)
            self._phases(stage)
        except Interrupted:
            self.interrupted = True
        except ToolError as error:
            self._give_up(str(error))
        finally:
            if stage is not None and stage.bytecode is not None:
                bounded(stage.bytecode)
            self._tidy(work)
        return self._result()

    def _without_plan(self) -> None:
        """Say what was missing for a plan, where the static phases did not: no build is no green."""
        if self.interrupted or any(finding.decisive for finding in self.findings):
            return
        self.seconds["install"] = 0.0
        self._judge("install")
        if not any(finding.decisive for finding in self.findings):
            self._give_up("no plan could be made")

    def _stage(self, plan: BuildPlan, work: WorkDirectory) -> Stage:
        from predeploy.env.environment import build_environment
        from predeploy.env.index import IndexSettings
        from predeploy.env.runner import ProcessRunner
        from predeploy.paths import cache_root
        from predeploy.pipeline.surroundings import make_sandbox

        index = IndexSettings.read(self.request.environ, self.request.home)
        cache = self._cache(cache_root(self.request.environ), work)
        sandbox = make_sandbox(
            self.sandbox.kind,
            snapshot=self.case.snapshot,
            app_name=self.source.name,
            work=work,
            cache=cache,
            shown=(*index.local_paths(), *self.request.expose),
            root=plan.root,
            kept=self._kept(plan, cache),
        )
        for value in copied(plan, self.source.directory, work.home):
            self.request.secrets.value(value)
        self._now(index_settings=index.described(), sandbox=self._sandbox_use(plan))
        places = sandbox.places()
        return Stage(
            case=self.case,
            plan=plan,
            request=self.request,
            work=work,
            runner=ProcessRunner(self.cancellation, redact=self.request.secrets),
            cancellation=self.cancellation,
            reporter=self.reporter,
            base_env=build_environment(
                home=places["home"],
                temp=places["temp"],
                path=(places["bin"],),
                index=index,
                # half to two thirds of what pip does is bytecode, which the first start makes as it needs it
                extra={} if self.request.exact else {"PIP_NO_COMPILE": "1"},
            ),
            outer_env=build_environment(home=str(work.home), temp=str(work.root), path=(), index=index),
            places=places,
            cache=cache,
            sandbox=sandbox,
            use=self.execution.sandbox,
            ports=self.ports,
        )

    def _kept(self, plan: BuildPlan, cache: Path) -> Path | None:
        """Return the directory that only builds of this app on this platform see."""
        from predeploy.env.work import kept_directory

        if plan.keeps is None:
            return None
        return kept_directory(cache, plan.platform, str(self.source.directory.resolve()), plan.keeps)

    def _cache(self, root: Path, work: WorkDirectory) -> Path:
        """Return the user's cache, or the run's own where that cannot be written, which is said."""
        try:
            root.mkdir(parents=True, exist_ok=True)
            if os.access(root, os.W_OK):
                return root
            why = "it cannot be written"
        except OSError as error:
            why = (error.strerror or "it cannot be made").lower()
        self.reporter.emit(Remark(self.case.snapshot.id, f"no cache at {root}: {why}"))
        return work.cache

    def _sandbox_use(self, plan: BuildPlan) -> SandboxUse:
        confined = self.sandbox.kind != "none"
        start = plan.boot.step if plan.boot is not None else None
        narrowed = start is not None and (start.writable is not None or bool(start.mounts))
        return SandboxUse(
            kind=self.sandbox.kind,
            detail=self.sandbox.detail,
            own_network_at_start=confined and self.request.network != "host" and not self._reaches(start),
            read_only_at_start=confined and narrowed,
            open_at_start=not confined and narrowed,
        )

    def _reaches(self, start: Step | None) -> bool:
        """Return whether the start has this machine's network, for the sake of the services given."""
        return start is not None and start.services and self.request.network != "none"

    def _phases(self, stage: Stage) -> None:
        wanted = PHASES[: PHASES.index(self.request.until) + 1]
        actions = {"install": self._install, "verify": self._verify, "boot": self._boot}
        for phase in ("install", "verify", "boot"):
            if phase not in wanted:
                return
            with self._phase(phase, stage):
                actions[phase](stage)
            self._judge(phase)
            if any(finding.decisive for finding in self.findings):
                return

    @contextmanager
    def _phase(self, phase: Phase, stage: Stage) -> Iterator[None]:
        self.reporter.emit(PhaseStarted(self.case.snapshot.id, phase))
        begun = perf_counter()
        try:
            yield
        except (ToolError, OSError) as error:
            if self.cancellation.requested:
                raise Interrupted from None
            self._now(trouble=str(error))
        finally:
            self.seconds[phase] = perf_counter() - begun
            self._now(steps=tuple(stage.results))

    def _install(self, stage: Stage) -> None:
        stage.work.copy_app(self.case.tree, self.source.directory / self.case.root)
        if stage.plan.environment.made_by_step:
            from predeploy.pipeline import conda

            ran = conda.run_steps(stage)
            self._now(local_python=conda.interpreter(stage))
        else:
            local, python = install.choose_interpreter(stage)
            self._now(local_python=local)
            if local.match == "none":
                self._now(foreign=install.resolve_for_host(stage))
            ran = install.prepare(stage, python) and install.run_steps(stage)
        self._now(packages_as_of=stage.plan.packages_as_of, undated=install.undated(stage))
        if ran:
            self._now(installed=verify.installed(*stage.prefixes()))

    def _verify(self, stage: Stage) -> None:
        self._now(conflicts=verify.run_steps(stage), missing_imports=verify.missing_imports(stage))
        self._now(importable=verify.importable(stage), sizes=verify.sizes(stage))
        self._now(missing_libraries=missing_libraries(stage))

    def _boot(self, stage: Stage) -> None:
        if stage.plan.boot is None:
            self._now(boot=BootResult(status="not-run"))
            return
        install.run_hooks(stage, after_start=False)
        result = boot.boot(stage, stage.plan.boot, limit=self.request.boot_timeout)
        self._now(boot=result)
        if result.status == "interrupted":
            raise Interrupted
        install.run_hooks(stage, after_start=True)

    def _judge(self, phase: Phase) -> None:
        self.case.execution = self.execution
        if self.execution.trouble is not None:
            found: tuple[Finding, ...] = (self._trouble(phase, self.execution.trouble),)
        else:
            found = self._softened(judge(self.case, (phase,)))
        self.findings = settle((*self.findings, *found))
        outcome = outcome_of(self.findings, phase)
        if phase == "boot" and self.execution.boot and self.execution.boot.status == "not-run":
            outcome = "skipped" if outcome == "ok" else outcome
        self.phases.append((phase, outcome))
        self.reporter.emit(PhaseFinished(self.case.snapshot.id, phase, outcome, self.seconds[phase]))

    def _softened(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """Turn an install failure into ``unknown`` where the host may well have fared better."""
        if self.request.strict:
            findings = tuple(
                replace(f, severity="unknown") if f.rule.partition("/")[2] in NEED_SANDBOX else f
                for f in findings
            )
        note = self._doubt()
        if not note:
            return findings
        return tuple(
            replace(f, severity="unknown", message=f.message + note, confidence="heuristic")
            if f.phase == "install" and f.severity == "fail"
            else f
            for f in findings
        )

    def _doubt(self) -> str:
        """Return why a failed install may say nothing about the host, empty when it does."""
        execution = self.execution
        if any(step.no_upload_times for step in execution.steps):
            return " The index does not say when packages came, so those of the day could not be chosen."
        if execution.undated:
            return f" It failed with today's packages, not with those of {execution.packages_as_of}."
        local, foreign = execution.local_python, execution.foreign
        if local is None or local.match != "none" or foreign is None or foreign.status != "resolved":
            return ""
        return f" It failed on Python {local.version}; for the host's own the dependencies do resolve."

    def _trouble(self, phase: Phase, text: str) -> Finding:
        """Return the finding for a phase that this machine could not carry out.

        No rule of the host is asked then: a step that failed for want of disk says nothing about the app, and
        one that never ran would pass for one that succeeded.
        """
        return Finding(
            rule=f"{self.case.snapshot.id}/machine-trouble",
            phase=phase,
            severity="unknown",
            headline="This machine could not carry out the plan",
            message=text,
            source="predeploy",
        )

    def _give_up(self, text: str) -> None:
        """Answer for a machine that could not even begin."""
        self._now(trouble=text)
        self.seconds.setdefault("install", 0.0)
        self._judge("install")

    def _now(self, **facts: object) -> None:
        self.execution = replace(self.execution, **facts)  # type: ignore[arg-type]

    def _tidy(self, work: WorkDirectory) -> None:
        """Remove the work directory, unless something failed and its logs are worth reading."""
        failed = any(f.decisive for f in self.findings) and not self.interrupted
        if self.request.keep or failed:
            self._scrub(work)
            work.keep()
            self.work_dir = str(work.root)
            self.reporter.emit(Remark(self.case.snapshot.id, f"kept {work.root}"))
        else:
            work.remove()
            self._forget_logs()

    def _scrub(self, work: WorkDirectory) -> None:
        """Take the secrets out of what is kept: the app's manifests and its tools write them down."""
        if not self.request.secrets:
            return
        from predeploy.env.scrub import scrub

        for path in scrub(work.root, self.request.secrets, published=work.venv):
            self.reporter.emit(Remark(self.case.snapshot.id, f"{path}: not looked through for secrets"))

    def _forget_logs(self) -> None:
        """Do not point at logs that went with the work directory."""
        steps = tuple(replace(step, log=None) for step in self.execution.steps)
        boot_result = self.execution.boot
        self._now(steps=steps, boot=replace(boot_result, log=None) if boot_result else None)

    def _result(self) -> PlatformResult:
        decisive = next((finding for finding in self.findings if finding.decisive), None)
        status = status_of(self.findings)
        if self.interrupted and decisive is None:
            status = "unknown"
        ran = self.plan is not None and (self.execution.steps or self.execution.trouble)
        return replace(
            self.static,
            status=status,
            phase=decisive.phase if decisive else self.phases[-1][0],
            findings=self.findings,
            execution=self.execution if ran else None,
            seconds=self.seconds,
            phases=tuple(self.phases),
            work_dir=self.work_dir,
            transient=any(step.status == "transient" for step in self.execution.steps),
            interrupted=self.interrupted,
        )
