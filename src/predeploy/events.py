"""What happens during a run, as typed events; renderers listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from predeploy.model import Phase


@dataclass(frozen=True)
class PhaseStarted:
    """A platform entered a phase."""

    platform: str
    phase: Phase


@dataclass(frozen=True)
class PhaseFinished:
    """A platform left a phase; ``outcome`` is ``ok``, ``warn``, or the status that ended it."""

    platform: str
    phase: Phase
    outcome: str
    seconds: float


@dataclass(frozen=True)
class StepStarted:
    """A command was started."""

    platform: str
    phase: Phase
    step: str
    command: str


@dataclass(frozen=True)
class StepOutput:
    """A command printed a line."""

    platform: str
    step: str
    line: str


@dataclass(frozen=True)
class StepFinished:
    """A command ended."""

    platform: str
    phase: Phase
    step: str
    status: str
    seconds: float


@dataclass(frozen=True)
class Remark:
    """Something worth saying that is not a step: a fetched interpreter, a kept directory."""

    platform: str
    text: str


@dataclass(frozen=True)
class PlatformFinished:
    """A platform has its answer."""

    platform: str
    status: str
    seconds: float


Event = PhaseStarted | PhaseFinished | StepStarted | StepOutput | StepFinished | Remark | PlatformFinished


class Reporter(Protocol):
    """Anything that listens; called from several threads."""

    def emit(self, event: Event) -> None:
        """Take one event."""


class Silent:
    """A reporter that says nothing."""

    def emit(self, event: Event) -> None:
        """Drop the event."""
