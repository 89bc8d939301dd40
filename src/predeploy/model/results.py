"""The answers: a platform's, and the whole run's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from predeploy.model import Phase, Status
from predeploy.model.decisions import PythonChoice, Selection
from predeploy.model.findings import Finding
from predeploy.record import field, record

if TYPE_CHECKING:
    from predeploy.model.execution import Execution


@record
class PlatformResult:
    """The answer for one platform."""

    platform: str
    name: str
    status: Status
    phase: Phase
    """Where it was decided: the last phase run, when accepted."""
    findings: tuple[Finding, ...]
    selection: Selection
    python: PythonChoice
    not_simulated: tuple[str, ...] = ()
    processes: dict[str, str] = field(default_factory=dict)
    start_reason: str = ""
    """Why the host starts the app as it does, in one sentence."""
    execution: Execution | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    phases: tuple[tuple[Phase, str], ...] = ()
    """What came of each phase that ran: ``ok``, ``warn``, or the status that ended it."""
    work_dir: str | None = None
    """Kept directory of a failed build."""
    transient: bool = False
    """Whether trying again may change the answer."""
    interrupted: bool = False

    @property
    def decisive(self) -> Finding | None:
        """Return the finding that decided the status, for anything but accept and warn."""
        return next((finding for finding in self.findings if finding.decisive), None)


@record
class Report:
    """One run: one app, one day, several platforms."""

    tool_version: str
    as_of: str
    app: str
    platforms: tuple[PlatformResult, ...]
    exit_code: int
    strict: bool = False
    interrupted: bool = False
    seconds: float = 0.0
