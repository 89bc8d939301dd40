"""JSON lines: one object an event, as they happen, then one a platform and one for the whole run."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import TextIO

from predeploy.events import Event
from predeploy.model.results import Report
from predeploy.report.document import document, platform_document
from predeploy.report.render import Sheet


def rendered(reports: Sequence[Report], sheet: Sheet) -> str:
    """Return the last lines of the stream, which are all there is of a saved result."""
    lines = []
    for report in reports:
        own = {"app": report.app, "as_of": report.as_of}
        lines += [{"event": "platform-result", **own, **platform_document(r)} for r in report.platforms]
        whole = document(report)
        del whole["platforms"]
        statuses = {result.platform: result.status for result in report.platforms}
        lines.append({"event": "result", **whole, "statuses": statuses})
    return "".join(json.dumps(line) + "\n" for line in lines)


SAID = frozenset({"command", "line", "text"})
"""Fields of events that repeat what the app or its tools say."""


class EventLines:
    """A reporter that writes each event to a stream as it happens."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream = stream
        self._redact = redact
        self._lock = threading.Lock()

    def emit(self, event: Event) -> None:
        """Write one line, whole; called from several threads."""
        fields = {name: self._clean(name, value) for name, value in asdict(event).items()}
        text = json.dumps({"event": name_of(event), **fields}) + "\n"
        # A reader may have gone; the run goes on, and the exit code is still the answer's.
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    def _clean(self, name: str, value: object) -> object:
        if isinstance(value, float):
            return round(value, 3)
        return self._redact(value) if isinstance(value, str) and name in SAID else value


def name_of(event: Event) -> str:
    """Return the name of an event: ``StepStarted`` is ``step-started``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()
