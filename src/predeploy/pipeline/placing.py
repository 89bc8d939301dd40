"""An install by the host's tool, faster: it decides, or its decision is used again, and uv places the files.

Only wheels that it chose from an index are placed. Everything else is done by the host's own command alone;
the result of the step says which way was taken, and why.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter, time
from typing import TYPE_CHECKING

from predeploy.env import decided
from predeploy.env.decided import Decision
from predeploy.events import StepFinished, StepStarted
from predeploy.model.execution import StepResult

if TYPE_CHECKING:
    from predeploy.env.commands import Command, Completed
    from predeploy.model.decisions import Step
    from predeploy.pipeline.stage import Stage

_VOLATILE = frozenset({"HOME", "TMPDIR", "PATH", "PIP_CACHE_DIR", "UV_CACHE_DIR"})
_DECIDING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Identical installs of several platforms of one run are decided once."""


def install(stage: Stage, step: Step) -> StepResult:
    """Run a step of the plan, the faster way where that comes to the same; return its result."""
    from predeploy.pipeline.placing_pip import PipPlacing
    from predeploy.pipeline.placing_uv import UvPlacing

    for kind in (PipPlacing, UvPlacing):
        arguments = kind.arguments(step)
        if arguments is None:
            continue
        why = _obstacle(stage) or kind.obstacle(stage, step)
        outcome = why or kind(stage, step, arguments).result()
        if isinstance(outcome, StepResult):
            return outcome
        result = replace(stage.run(step), way=f"{kind.tool} alone: {outcome}")
        stage.results[-1] = result
        return result
    return stage.run(step)


def _obstacle(stage: Stage) -> str:
    """Return why the tool has to do it alone, empty when nothing is known yet."""
    if stage.request.exact:
        return "--exact was given"
    if stage.request.network == "none":
        return "--network none was given"
    if stage.plan.environment.base:
        return "it installs for the user, beside the environment"
    return "" if stage.untouched else "an earlier step may have changed the environment"


class Placing:
    """One install of one platform; a subclass knows how its tool is made to decide and no more."""

    tool = ""
    """The tool's name."""

    def __init__(self, stage: Stage, step: Step, arguments: tuple[str, ...]) -> None:
        self.stage = stage
        self.step = step
        self.given = arguments
        self.begun = perf_counter()
        self.host = stage.command(step)
        self.kept = stage.cache / "decisions" / f"{self._key()}.json"

    @staticmethod
    def arguments(step: Step) -> tuple[str, ...] | None:
        """Return what follows ``install`` in a step that runs this tool, as far as it bears on the choice."""
        raise NotImplementedError

    @staticmethod
    def obstacle(stage: Stage, step: Step) -> str:
        """Return why this tool has to do it alone, empty when nothing is known yet."""
        raise NotImplementedError

    def decide(self) -> Decision | StepResult | str:
        """Let the tool decide; return its decision, its failure, or why it has to install by itself."""
        raise NotImplementedError

    def _key(self) -> str:
        """Return a name for all that is known before pip runs: the same inputs, the same name."""
        stage, host = self.stage, self.host
        stat = stage.interpreter.stat()
        inputs = {
            "format": decided.FORMAT,
            "tool": self.tool,
            "argv": self.step.argv,
            "env": {name: value for name, value in sorted(host.env.items()) if name not in _VOLATILE},
            "cwd": str(host.cwd),
            "python": [str(stage.interpreter), stat.st_size, stat.st_mtime_ns, stage.python_version],
            "holds": [sorted(stage.plan.environment.seeds.items()), sorted(stage.plan.tools.items())],
            "placed": stage.placed,
            "named": [self._named(word) for word in self.step.argv],
        }
        text = json.dumps(inputs).replace(str(stage.work.root), "{work}")
        return hashlib.sha256(stage.request.secrets(text).encode()).hexdigest()[:32]

    def _named(self, word: str) -> str:
        """Return what a file of the app holds that the command line names."""
        if word.startswith(("-", "/", "{")):
            return ""
        return decided.state_of(self.stage.sandbox.outside(f"{self.host.cwd}/{word}"), whole=True)

    def result(self) -> StepResult | str:
        """Return the step's result, or why pip has to do it alone."""
        with _DECIDING[self.kept.name]:
            decision, origin = self._known()
            if decision is None:
                made = self.decide()
                if not isinstance(made, Decision):
                    return made
                decision, origin = made, f"decided by {self.tool}"
        return decision.why or self._place(decision, origin)

    def _known(self) -> tuple[Decision | None, str]:
        """Return the decision of an earlier run that still holds, and how that is known."""
        if self.stage.request.refresh:
            return None, ""
        decision = decided.load(self.kept)
        if decision is None or not decided.is_same(decision, self._outside):
            return None, ""
        minutes = int((time() - decision.made_at) // 60)
        origin = f"replayed from {minutes} min ago" if minutes else "replayed from a moment ago"
        if decided.is_fresh(decision):
            return decision, f"{self.tool}'s decision, {origin}"
        from predeploy.env.revalidate import unchanged

        pages = unchanged(decision.pages, self.host.env)
        if pages is None:
            return None, ""
        decided.save(self.kept, decided.renewed(decision, pages))
        return decision, f"{self.tool}'s decision, {origin}: the index's pages have not changed"

    def _outside(self, path: str) -> Path:
        return self.stage.sandbox.outside(path.replace("{work}", str(self.stage.work.root)))

    def begin(self) -> None:
        """Say that the step begins."""
        stage = self.stage
        stage.reporter.emit(StepStarted(stage.platform, "install", self.step.id, " ".join(self.host.argv)))

    def failed(self, command: Command, completed: Completed) -> StepResult:
        """Return the result of a decision that came to none, which is the host's own failure."""
        way = f"{self.tool} decided, and there is nothing to place"
        return self.stage.settle(self.step, command, completed, argv=self.host.argv, way=way)

    def keep(self, decision: Decision) -> None:
        """Keep a decision for later runs, unless it holds a secret."""
        text = json.dumps([pin.url for pin in decision.pins] + [page.url for page in decision.pages])
        if self.stage.request.secrets(text) == text:
            decided.save(self.kept, decision)

    def must_build(self, why: str, files: dict[str, str]) -> str:
        """Remember that the tool has to install by itself, so that it is not asked in vain; return why."""
        decided.save(self.kept, Decision(pins=(), files=files, pages=(), made_at=time(), why=why))
        return why

    def _place(self, decision: Decision, origin: str) -> StepResult | str:
        """Let uv place what was chosen; return the result, or why pip has to do it alone."""
        from predeploy.pipeline.placed import place_all

        stage = self.stage
        trouble = place_all(stage, decision.pins, self.step.id)
        if trouble:
            with suppress(OSError):
                self.kept.unlink(missing_ok=True)
            return trouble
        stage.placed += [f"{pin.name}=={pin.version}" for pin in decision.pins]
        stage.placed_files += [pin.sha256 or f"{pin.name}=={pin.version}" for pin in decision.pins]
        count = len(decision.pins)
        seconds = perf_counter() - self.begun
        way = f"{origin}; {count} distribution{'s' if count != 1 else ''} placed by uv"
        result = StepResult(
            id=self.step.id,
            phase="install",
            status="ok",
            argv=self.host.argv,
            returncode=0,
            seconds=seconds,
            log=str(self._log(decision, way)),
            way=way,
        )
        stage.results.append(result)
        stage.reporter.emit(StepFinished(stage.platform, "install", self.step.id, "ok", seconds))
        return result

    def _log(self, decision: Decision, way: str) -> Path:
        """Add to the step's log what was done in place of pip's own installing."""
        path = self.host.log
        lines = [f"predeploy: {way}", *(f"  {pin.name}=={pin.version}" for pin in decision.pins)]
        with suppress(OSError), path.open("a", encoding="utf-8") as log:
            log.write("\n".join(lines) + "\n")
        return path
