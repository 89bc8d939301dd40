"""The story on stderr must never cost the answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from predeploy.env.secrets import Secrets
from predeploy.events import PlatformFinished, StepStarted
from predeploy.report.progress import Plain

if TYPE_CHECKING:
    import pytest


class Gone:
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_reader_that_has_gone_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Gone())
    Plain().emit(PlatformFinished("heroku", "accept", 1.0))


def test_commands_are_shown_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = Secrets()
    secrets.value("hunter2")
    reporter = Plain(verbose=True, redact=secrets)
    reporter.emit(StepStarted("heroku", "boot", "web", "serve --key hunter2 https://me:pw@example.org/"))
    assert capsys.readouterr().err == "heroku: web: $ serve --key *** https://***@example.org/\n"
