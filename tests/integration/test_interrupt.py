"""Ctrl-C and SIGTERM in every phase: children gone, the result so far written, exit 130."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from support.apps import clean_environ, write_tree
from support.building import MINOR
from support.index import LocalIndex

SLEEPER = "#!/bin/sh\ntouch reached\nsleep 300\n"
BASE = {"requirements.txt": "", ".python-version": MINOR}
TREES = {
    "install": {**BASE, "bin/pre_compile": SLEEPER, "Procfile": "web: true\n"},
    "boot": {**BASE, "Procfile": "web: touch reached; exec sleep 300\n"},
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("phase", TREES)
def test_an_interrupted_run(
    tmp_path: Path, index: LocalIndex, worker_cache: Path, phase: str, number: signal.Signals
) -> None:
    app = write_tree(tmp_path / "app", TREES[phase])
    env = clean_environ(tmp_path / "home", worker_cache) | index.environ() | {"TMPDIR": str(tmp_path)}
    argv = [
        sys.executable,
        "-m",
        "predeploy",
        "build",
        str(app),
        "-p",
        "heroku",
        "-f",
        "json",
        "-o",
        "out.json",
    ]
    process = subprocess.Popen(argv, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    _wait_for(tmp_path, process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    os.kill(process.pid, number)
    _, story = process.communicate(timeout=60)
    assert process.returncode == 130, story
    assert "Traceback" not in story
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["exit_code"] == 130
    assert document["interrupted"] is True
    assert document["platforms"][0]["interrupted"] is True
    assert not list(tmp_path.glob("predeploy-*")), "an interrupted run leaves no work directory"


def _wait_for(tmp_path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if list(tmp_path.glob("predeploy-*/app/reached")):
            return
        assert process.poll() is None
        time.sleep(0.05)
    raise AssertionError("the step was never reached")
