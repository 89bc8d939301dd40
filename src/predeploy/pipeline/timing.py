"""When each step of a run started, on one axis for all platforms: taken from the events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from time import monotonic

from predeploy.events import Event, Reporter, StepStarted
from predeploy.model.results import PlatformResult


class Stopwatch:
    """A reporter that notes when steps start, and passes every event on."""

    def __init__(self, listener: Reporter) -> None:
        self._listener = listener
        self._begun = monotonic()
        self._started: dict[tuple[str, str, str], float] = {}

    def emit(self, event: Event) -> None:
        """Note the start of a step; called from several threads, each with keys of its own."""
        if isinstance(event, StepStarted):
            self._started[event.platform, event.phase, event.step] = monotonic() - self._begun
        self._listener.emit(event)

    def stamped(self, results: Iterable[PlatformResult]) -> tuple[PlatformResult, ...]:
        """Return the results with the start of each step."""
        return tuple(self._stamp(result) for result in results)

    def _stamp(self, result: PlatformResult) -> PlatformResult:
        run = result.execution
        if run is None:
            return result
        steps = tuple(
            replace(step, started=self._started.get((result.platform, step.phase, step.id)))
            for step in run.steps
        )
        starts = [
            s for (name, phase, _), s in self._started.items() if (name, phase) == (result.platform, "boot")
        ]
        boot = replace(run.boot, started=min(starts, default=None)) if run.boot else None
        return replace(result, execution=replace(run, steps=steps, boot=boot))
