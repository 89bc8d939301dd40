"""The story on stderr must never cost the answer."""

from __future__ import annotations

import io
import json
import sys

import pytest

from predeploy.events import PlatformFinished, StepOutput, StepStarted
from predeploy.report.lines import EventLines
from predeploy.report.progress import Live, Plain
from predeploy.report.told import Told
from support.results import secrets_of


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
    reporter = Plain(verbose=True, redact=secrets_of("hunter2"))
    reporter.emit(StepStarted("heroku", "boot", "web", "serve --key hunter2 https://me:pw@example.org/"))
    assert capsys.readouterr().err == "heroku: web: $ serve --key *** https://***@example.org/\n"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_live_table_fits_and_shows_step_time_and_what_the_tool_tells(width: int) -> None:
    from rich.console import Console

    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    live = Live(console)
    live.emit(StepStarted("streamlit-cloud", "install", "install-requirements", "uv pip install"))
    live.emit(StepOutput("streamlit-cloud", "install-requirements", "Resolved 43 packages in 1s"))
    live.emit(
        StepOutput(
            "streamlit-cloud", "install-requirements", "Downloading pyarrow (45.1MiB) \x1b[31m" + "x" * 300
        )
    )
    live.emit(PlatformFinished("heroku", "accept", 1.0))
    with console.capture() as captured:
        console.print(live._table())
    lines = captured.get().splitlines()
    assert all(len(line) <= width for line in lines)
    assert "streamlit-cloud" in lines[0]
    assert "install" in lines[0]
    assert "✓ accept" in lines[1]
    if width >= 80:
        assert "43 packages, 47 MB" in lines[0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            ["Collecting flask", "  Downloading flask-3.0-py3-none-any.whl (101 kB)", "Collecting jinja2"],
            "2 packages, 101 kB",
        ),
        (
            ["Resolved 12 packages in 3ms", "Downloading numpy (15.3MiB)", "Installed 12 packages"],
            "12 packages, 16 MB",
        ),
        (["Package operations: 5 installs, 0 updates", "  - Installing six (1.16)"], "5 packages"),
        (["nothing of interest", "(12 kB)"], ""),
        (["Collecting flask"], "1 package"),
    ],
)
def test_counts_are_taken_from_what_package_managers_print(lines: list[str], told: str) -> None:
    heard = Told()
    for line in lines:
        heard.hear(line)
    assert str(heard) == told


def test_events_are_lines_of_json_without_secrets() -> None:
    stream = io.StringIO()
    reporter = EventLines(stream, secrets_of("hunter2"))
    reporter.emit(StepStarted("heroku", "boot", "web", "serve --key hunter2"))
    reporter.emit(PlatformFinished("heroku", "accept", 1.23456))
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {
            "event": "step-started",
            "platform": "heroku",
            "phase": "boot",
            "step": "web",
            "command": "serve --key ***",
        },
        {"event": "platform-finished", "platform": "heroku", "status": "accept", "seconds": 1.235},
    ]
