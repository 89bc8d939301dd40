from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

RUN = """
import os, signal, sys, threading, time
from pathlib import Path
from predeploy.env.commands import Cancellation, Command
from predeploy.env.runner import ProcessRunner

runner = ProcessRunner(Cancellation())
script = sys.argv[1]
command = Command(argv=("sh", "-c", script), cwd=Path.cwd(), env=dict(os.environ), log=Path("log"), timeout_seconds=60)
if "end" in sys.argv:
    print(runner.run(command).status, os.getpid())
else:
    child = runner.start(command)
    while not Path("ready").exists():
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)
"""
LEFT = {
    "plain": "echo $$ > pids; touch ready; sleep 300",
    "daemon": "setsid sh -c 'echo $$ > pids; touch ready; sleep 300' & sleep 300",
    "without variables": "env -i setsid sh -c 'echo $$ > pids; touch ready; sleep 300' & sleep 300",
    "deaf": "trap '' TERM INT HUP; echo $$ > pids; touch ready; sleep 300; sleep 300",
}


@pytest.mark.parametrize("kind", LEFT)
def test_the_commands_of_a_killed_run_end(tmp_path: Path, kind: str) -> None:
    argv = [sys.executable, "-c", RUN, LEFT[kind]]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert pids
    for pid in pids:
        gone(pid)


def gone(pid: int) -> None:
    """Wait for the end of somebody else's child."""
    try:
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait(timeout=20)
    except psutil.NoSuchProcess:
        pass


def test_a_run_that_ends_leaves_no_watchdog(tmp_path: Path) -> None:
    look = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; echo; done 2> /dev/null"
    argv = [sys.executable, "-c", RUN, f"({look}) | grep '[w]atchdog_program' > dogs; true", "end"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    status, pid = done.stdout.split()
    assert status == "ok"
    assert not done.stderr
    marker = f"PREDEPLOY_RUN={int(pid):x}-"
    assert marker in (tmp_path / "dogs").read_text()
    for process in psutil.process_iter(["cmdline"]):
        assert not any(word.startswith(marker) for word in process.info["cmdline"] or [])
