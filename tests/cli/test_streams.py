"""Streams, homes and signals that are not as usual: the answer, its exit code, and no traceback."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from predeploy.cli.build import PATIENCE, _stopped_by_signals
from predeploy.env.commands import Cancellation
from support.apps import clean_environ, run_cli, write_tree

REFUSED = {"requirements.txt": "flask\n", "Procfile": "web: x\n", "poetry.lock": ""}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "app", REFUSED)


def shell(app: Path, redirection: str, *argv: str) -> subprocess.CompletedProcess[str]:
    command = shlex.join([sys.executable, "-P", "-m", "predeploy", *(argv or ("check", "-p", "heroku"))])
    script = f"set -o pipefail; {command} {redirection}"
    env = clean_environ(app.parent / "home")
    return subprocess.run(
        ["bash", "-c", script], cwd=app, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", ">&- 2>&- <&-"])
def test_closed_streams_change_no_verdict(app: Path, closed: str) -> None:
    done = shell(app, closed)
    assert done.returncode == 1, done.stderr


def test_a_reader_that_leaves_early_does_not_turn_a_refusal_green(app: Path) -> None:
    done = shell(app, "| true")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("argv", [(), ("platforms", "list")])
def test_a_full_disk_is_one_line(app: Path, argv: tuple[str, ...]) -> None:
    done = shell(app, ">/dev/full", *argv)
    assert (done.returncode, done.stderr) == (2, "predeploy: stdout: no space left on device\n")


def test_signs_that_cannot_be_shown_have_plain_forms(app: Path) -> None:
    env = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    result = run_cli("check", "-p", "heroku", cwd=app, env=env)
    assert "x reject" in result.stdout
    assert "?" not in result.stdout


@pytest.mark.parametrize("cache", ["/dev/null/cache", "/proc/cache"])
def test_a_cache_that_cannot_be_written_costs_only_time_and_is_said_once(app: Path, cache: str) -> None:
    argv = ("check", "-p", "heroku", "-p", "cloud-run")
    result = run_cli(*argv, cwd=app, env={"PREDEPLOY_CACHE_DIR": cache})
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"predeploy: {cache}/profiles: ")
    assert result.stderr.endswith("; profiles are not kept and are read anew every time\n")


def test_values_of_variables_do_not_tear_the_document(app: Path) -> None:
    argv = (
        "check",
        "-p",
        "heroku",
        "-f",
        "json",
        "--env",
        "A=python",
        "--env",
        "B=heroku",
        "--env",
        "C=reject",
    )
    platform = json.loads(run_cli(*argv, cwd=app).stdout)["platforms"][0]
    assert (platform["platform"], platform["status"]) == ("heroku", "reject")
    assert platform["python"]["origin"] == "default"


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    result = run_cli("check", "a" * 300, cwd=tmp_path)
    assert result.exit_code == 2
    assert result.stderr.endswith(": file name too long\n")


def test_only_an_insistent_signal_breaks_in() -> None:
    cancellation = Cancellation()
    before = signal.getsignal(signal.SIGINT)
    with _stopped_by_signals(cancellation):
        for _ in range(PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)
        assert cancellation.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _stopped_by_signals(Cancellation()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
