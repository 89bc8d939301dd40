"""What a rule found, and where."""

from __future__ import annotations

from predeploy.model import Confidence, Phase, Severity
from predeploy.record import record


@record
class Evidence:
    """A place in the uploaded tree (or in a log) that shows why a rule fired."""

    path: str
    """Path relative to the app, with forward slashes; a variable's name for evidence from settings."""
    line: int | None = None
    """Line in that file, counted from 1."""
    text: str | None = None
    """What stands there, shortened."""

    def __str__(self) -> str:
        """Return ``path:line``."""
        return f"{self.path}:{self.line}" if self.line else self.path


@record
class Finding:
    """One thing a host refuses, warns about, or that could not be decided."""

    rule: str
    """``platform/rule``, the address ``predeploy explain`` takes."""
    phase: Phase
    """Phase in which the host decides it."""
    severity: Severity
    """``reject`` a host rule refuses; ``fail`` a step, check or start failed; ``unknown`` undecided."""
    headline: str
    """The defect in at most 60 characters."""
    message: str = ""
    """What was found and why this host cares."""
    hint: str = ""
    """What to do."""
    upstream_id: str | None = None
    """The host's own reason id, where it has one."""
    decisive: bool = False
    """Whether this finding decides the platform's status: the first refusal in the host's order."""
    evidence: tuple[Evidence, ...] = ()
    """Where it was seen."""
    since: str | None = None
    """Day from which the host does this."""
    until: str | None = None
    """Day on which that verdict changes, if known."""
    source: str = ""
    """Where this rule is documented or was observed."""
    confidence: Confidence = "exact"
    """``exact`` the host's own logic; ``modelled`` derived from its documentation; ``heuristic`` a guess."""
