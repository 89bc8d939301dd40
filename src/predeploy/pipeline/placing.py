"""An install by the host's pip, faster: it decides, or its decision is used again, and uv places the files.

Only what pip chose from an index, as wheels with a hash, is placed. Everything else is done by pip itself;
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
from predeploy.env.decided import Decision, Pin
from predeploy.events import StepFinished, StepStarted
from predeploy.installers import pip_decision
from predeploy.installers.pip import decision_arguments, version_in
from predeploy.model.decisions import Step
from predeploy.model.execution import StepResult

if TYPE_CHECKING:
    from predeploy.env.commands import Command, Completed
    from predeploy.env.confinement import Mount
    from predeploy.pipeline.stage import Stage

FIRST_PIP = (22, 2)
"""The first pip that says what it would install."""

FIRST_PYTHON = (3, 8)
"""The first Python with audit events, which tell what pip read and keep it from starting processes."""

PROGRAM = "/opt/predeploy/bin/pip_decision.py"
DOUBTFUL = ("PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")
"""Variables of the app that send pip elsewhere."""

_VOLATILE = frozenset({"HOME", "TMPDIR", "PATH", "PIP_CACHE_DIR"})
_DECIDING: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Identical installs of several platforms of one run are decided once."""


def install(stage: Stage, step: Step) -> StepResult:
    """Run a step of the plan, the faster way where that comes to the same; return its result."""
    arguments = decision_arguments(step)
    if arguments is None:
        return stage.run(step)
    why = _obstacle(stage, step)
    if not why:
        outcome = _Placing(stage, step, arguments).result()
        if isinstance(outcome, StepResult):
            return outcome
        why = outcome
    result = replace(stage.run(step), way=f"pip alone: {why}")
    stage.results[-1] = result
    return result


def _obstacle(stage: Stage, step: Step) -> str:
    """Return why pip has to do it alone, empty when nothing is known yet."""
    plan = stage.plan
    version = plan.environment.seeds.get("pip") or plan.tools.get("pip") or "0"
    command = stage.command(step)
    doubtful = next((name for name in DOUBTFUL if command.env.get(name)), "")
    if stage.request.exact:
        return "--exact was given"
    if version_in(version) < FIRST_PIP:
        return f"pip {version} cannot say what it would install"
    if version_in(stage.python_version) < FIRST_PYTHON:
        return f"Python {stage.python_version} cannot be watched"
    if stage.request.network == "none":
        return "--network none was given"
    if doubtful:
        return f"{doubtful} is set"
    return "" if stage.untouched else "an earlier step may have changed the environment"


class _Placing:
    """One install of one platform."""

    def __init__(self, stage: Stage, step: Step, arguments: tuple[str, ...]) -> None:
        self.stage = stage
        self.step = step
        self.begun = perf_counter()
        temp = stage.places["temp"]
        self.report, self.noted = f"{temp}/pip-report.json", f"{temp}/pip-noted.json"
        self.host = stage.command(step)
        self.deciding = self._deciding_step(arguments)
        self.kept = stage.cache / "decisions" / f"{self._key()}.json"

    def _deciding_step(self, arguments: tuple[str, ...]) -> Step:
        tool = "{tool:pip}/../lib" if "pip" in self.stage.plan.tools else "{venv}/lib"
        minor = ".".join(self.stage.python_version.split(".")[:2])
        own = {name: value for name, value in self.step.env.items() if name != "PIP_PYTHON"}
        return replace(
            self.step,
            argv=(
                *("{bin}/python", "-I", self._program(), self.noted),
                f"{tool}/python{minor}/site-packages",
                *("install", "--dry-run", "--report", self.report, *arguments),
            ),
            env={**own, "PIP_CACHE_DIR": self._pip_cache()},
            spares_environment=True,
        )

    def _program(self) -> str:
        return PROGRAM if self.stage.sandbox.kind != "none" else pip_decision.__file__

    def _pip_cache(self) -> str:
        inside = f"{self.stage.places['home']}/pip-cache"
        return inside if self.stage.sandbox.kind != "none" else str(self.stage.cache / "pip")

    def _key(self) -> str:
        """Return a name for all that is known before pip runs: the same inputs, the same name."""
        stage, host = self.stage, self.host
        stat = stage.interpreter.stat()
        inputs = {
            "format": decided.FORMAT,
            "argv": self.step.argv,
            "env": {name: value for name, value in sorted(host.env.items()) if name not in _VOLATILE},
            "cwd": str(host.cwd),
            "python": [str(stage.interpreter), stat.st_size, stat.st_mtime_ns, stage.python_version],
            "holds": [sorted(stage.plan.environment.seeds.items()), stage.plan.tools.get("pip")],
            "placed": [result.way for result in stage.results if result.way],
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
                made = self._decide()
                if not isinstance(made, Decision):
                    return made
                decision, origin = made, "decided by pip"
        return self._place(decision, origin)

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
            return decision, f"pip's decision, {origin}"
        from predeploy.env.revalidate import unchanged

        pages = unchanged(decision.pages, self.host.env)
        if pages is None:
            return None, ""
        decided.save(self.kept, decided.renewed(decision, pages))
        return decision, f"pip's decision, {origin}: the index's pages have not changed"

    def _outside(self, path: str) -> Path:
        return self.stage.sandbox.outside(path.replace("{work}", str(self.stage.work.root)))

    def _decide(self) -> Decision | StepResult | str:
        """Let pip decide; return its decision, its failure, or why it has to install by itself."""
        stage = self.stage
        command = stage.command(self.deciding, mounts=self._mounts(), ours=True)
        stage.reporter.emit(StepStarted(stage.platform, "install", self.step.id, " ".join(self.host.argv)))
        completed = stage.runner.run(command, on_line=stage.listener(self.step))
        try:
            noted = json.loads(stage.sandbox.outside(self.noted).read_bytes())
        except (OSError, ValueError):
            noted = None
        if noted is not None and noted["started"]:
            return "something has to be built"
        if completed.status != "ok" or noted is None:
            return self._failed(command, completed)
        try:
            report = stage.sandbox.outside(self.report).read_text("utf-8")
            pins, why = decided.report_of(report)
        except (OSError, ValueError, KeyError, TypeError):
            return "pip's report cannot be read"
        if why:
            return why
        return self._kept(pins, noted)

    def _failed(self, command: Command, completed: Completed) -> StepResult:
        way = "pip alone decided, and there is nothing to place"
        return self.stage.settle(self.step, command, completed, argv=self.host.argv, way=way)

    def _mounts(self) -> tuple[Mount, ...]:
        """Return what the deciding pip sees beside the run: our program, and the cache that outlives it."""
        from predeploy.env.confinement import Mount

        cache = self.stage.cache / "pip"
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
        if self.stage.sandbox.kind == "none":
            return ()
        program = Mount(source=Path(pip_decision.__file__), target=PROGRAM)
        if not cache.is_dir():
            return (program,)
        return program, Mount(source=cache, target=self._pip_cache(), writable=True)

    def _kept(self, pins: tuple[Pin, ...], noted: dict) -> Decision:  # type: ignore[type-arg]
        """Return the decision, kept for later runs where it says all it rests on."""
        pages = decided.pages_of(noted["pages"])
        decision = Decision(pins=pins, files=self._read(noted), pages=pages or (), made_at=time())
        secrets = self.stage.request.secrets
        text = json.dumps([pin.url for pin in pins] + [page.url for page in pages or ()])
        if pages is not None and secrets(text) == text:
            decided.save(self.kept, decision)
        return decision

    def _read(self, noted: dict) -> dict[str, str]:  # type: ignore[type-arg]
        """Return the state of every file and directory that pip read, beside its own and Python's."""
        places = self.stage.places
        own = [places[name] for name in ("venv", "temp", "home", "python") if name in places]
        own += [str(Path(places["python"]).parent.parent), str(self.stage.interpreter.parent.parent)]
        own += [str(self.stage.interpreter.resolve().parent.parent), str(self.stage.cache)]
        own += [place for name, place in places.items() if name.startswith("tool:")]
        ignored = (*(f"{place}/" for place in own), "/etc/", "/usr/", "/proc/", "/dev/", "/opt/predeploy/")
        app = f"{places['app']}/"
        state = {}
        for path in (*noted["files"], *noted["directories"]):
            inside = path if path.startswith("/") else f"{self.host.cwd}/{path}"
            if path.isdigit() or (inside.startswith(ignored) and not inside.startswith(app)):
                continue
            known = decided.state_of(self.stage.sandbox.outside(inside), whole=inside.startswith(app))
            state[inside.replace(str(self.stage.work.root), "{work}")] = known
        return state

    def _place(self, decision: Decision, origin: str) -> StepResult | str:
        """Let uv place what was chosen; return the result, or why pip has to do it alone."""
        from predeploy.pipeline.placed import place_all

        stage = self.stage
        trouble = place_all(stage, decision.pins, self.step.id)
        if trouble:
            with suppress(OSError):
                self.kept.unlink(missing_ok=True)
            return trouble
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
