"""pip's decision: the host's own pip says what it would install, watched and kept from starting anything."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from predeploy.env import decided
from predeploy.env.decided import Decision
from predeploy.installers import pip_decision
from predeploy.installers.pip import decision_arguments, version_in
from predeploy.pipeline.placing import Placing

if TYPE_CHECKING:
    from predeploy.env.confinement import Mount
    from predeploy.model.decisions import Step
    from predeploy.model.execution import StepResult
    from predeploy.pipeline.stage import Stage

FIRST_PIP = (22, 2)
"""The first pip that says what it would install."""

FIRST_PYTHON = (3, 8)
"""The first Python with audit events, which tell what pip read and keep it from starting processes."""

PROGRAM = "/opt/predeploy/bin/pip_decision.py"
DOUBTFUL = ("PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")
"""Variables of the app that send pip elsewhere."""


class PipPlacing(Placing):
    """See :class:`predeploy.pipeline.placing.Placing`."""

    tool = "pip"

    @staticmethod
    def arguments(step: Step) -> tuple[str, ...] | None:
        """See :class:`Placing`."""
        return decision_arguments(step)

    @staticmethod
    def obstacle(stage: Stage, step: Step) -> str:
        """See :class:`Placing`."""
        plan = stage.plan
        version = plan.environment.seeds.get("pip") or plan.tools.get("pip") or "0"
        env = stage.command(step).env
        doubtful = next((name for name in DOUBTFUL if env.get(name)), "")
        if version_in(version) < FIRST_PIP:
            return f"pip {version} cannot say what it would install"
        if version_in(stage.python_version) < FIRST_PYTHON:
            return f"Python {stage.python_version} cannot be watched"
        return f"{doubtful} is set" if doubtful else ""

    def __init__(self, stage: Stage, step: Step, arguments: tuple[str, ...]) -> None:
        super().__init__(stage, step, arguments)
        temp = stage.places["temp"]
        self.report, self.noted = f"{temp}/pip-report.json", f"{temp}/pip-noted.json"

    def decide(self) -> Decision | StepResult | str:
        """See :class:`Placing`."""
        stage = self.stage
        command = stage.command(self._deciding_step(), mounts=self._mounts(), ours=True)
        self.begin()
        completed = stage.runner.run(command, on_line=stage.listener(self.step))
        try:
            noted = json.loads(stage.sandbox.outside(self.noted).read_bytes())
        except (OSError, ValueError):
            noted = None
        if noted is not None and noted["started"]:
            return self.must_build("something has to be built", self._read(noted))
        if completed.status != "ok" or noted is None:
            return self.failed(command, completed)
        try:
            report = stage.sandbox.outside(self.report).read_text("utf-8")
            pins, why = decided.report_of(report)
        except (OSError, ValueError, KeyError, TypeError):
            return "its report cannot be read"
        if why:
            return self.must_build(why, self._read(noted))
        pages = decided.pages_of(noted["pages"])
        decision = Decision(pins=pins, files=self._read(noted), pages=pages or (), made_at=time())
        if pages is not None:
            self.keep(decision)
        return decision

    def _deciding_step(self) -> Step:
        tool = "{tool:pip}/../lib" if "pip" in self.stage.plan.tools else "{venv}/lib"
        minor = ".".join(self.stage.python_version.split(".")[:2])
        own = {name: value for name, value in self.step.env.items() if name != "PIP_PYTHON"}
        return replace(
            self.step,
            argv=(
                *("{bin}/python", "-I", self._program(), self.noted),
                f"{tool}/python{minor}/site-packages",
                *("install", "--dry-run", "--report", self.report, *self.given),
            ),
            env={**own, "PIP_CACHE_DIR": self._pip_cache()},
            spares_environment=True,
        )

    def _program(self) -> str:
        return PROGRAM if self.stage.sandbox.kind != "none" else pip_decision.__file__

    def _pip_cache(self) -> str:
        inside = f"{self.stage.places['home']}/pip-cache"
        return inside if self.stage.sandbox.kind != "none" else str(self.stage.cache / "pip")

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

    def _read(self, noted: dict[str, Any]) -> dict[str, str]:
        """Return the state of every file and directory that pip read, beside its own and Python's."""
        app, root = self.stage.places["app"], str(self.stage.work.root)
        own = self._own_places()
        state = {}
        for path in (*noted["files"], *noted["directories"]):
            inside = path if path.startswith("/") else f"{self.host.cwd}/{path}"
            nearest = max((place for place in (*own, app) if _is_below(inside, place)), key=len, default="")
            if path.isdigit() or nearest in own:
                continue
            known = decided.state_of(self.stage.sandbox.outside(inside), whole=nearest == app)
            state[inside.replace(root, "{work}")] = known
        return state

    def _own_places(self) -> frozenset[str]:
        """Return the directories of Python, of pip and of what it leaves behind, as the command sees them."""
        places, interpreter = self.stage.places, self.stage.interpreter
        own = [place for name, place in places.items() if name in ("venv", "temp", "home") or ":" in name]
        pythons = (Path(places["python"]), interpreter, interpreter.resolve())
        own += [str(python.parent.parent) for python in pythons]
        return frozenset((*own, str(self.stage.cache), "/etc", "/usr", "/proc", "/dev", "/opt/predeploy"))


def _is_below(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")
