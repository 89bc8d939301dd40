"""Hooks that do not behave: each ends with the right answer and leaves nothing, with a sandbox and without."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predeploy.env.bubblewrap import trouble
from support.attack import processes_with
from support.building import MINOR, Build, decisive, log_of, steps

PLAIN: dict[str, str | bytes | None] = {
    "requirements.txt": "",
    ".python-version": MINOR,
    "Procfile": "web: python -m http.server $PORT\n",
}
LEFT = f"600.{os.getpid()}"
"""Seconds that the processes sleep which hooks leave; nobody else sleeps that long, in no other worker either."""

SANDBOXES = [
    pytest.param("bwrap", marks=pytest.mark.skipif(bool(trouble()), reason="needs bubblewrap")),
    "none",
]


def hooked(build: Build, hook: str, sandbox: str, *argv: str) -> dict[str, Any]:
    """Build an app with this post_compile hook up to the install, and return the platform's answer."""
    files = {**PLAIN, "bin/post_compile": f"#!/bin/bash\n{hook}\n"}
    _, platform = build(files, "--sandbox", sandbox, "--until", "install", "--keep", *argv)
    assert processes_with(LEFT) == []
    return platform


@pytest.mark.parametrize("sandbox", SANDBOXES)
@pytest.mark.parametrize(
    "hook",
    [
        pytest.param(f"setsid sleep {LEFT} & disown", id="changes its session"),
        pytest.param(f"(setsid sleep {LEFT} </dev/null >/dev/null 2>&1 &)", id="daemonizes"),
        pytest.param(f"set -m; sleep {LEFT} & sleep {LEFT} &", id="changes its process group"),
        pytest.param("cat; read line; echo 'nothing to read'", id="reads stdin"),
        pytest.param(
            "mkfifo pipe; (sleep 1; :) & python3 -c 'import os; os.open(\"pipe\", os.O_RDWR)'",
            id="leaves a FIFO open",
        ),
        pytest.param("trap '' INT TERM; exec 1>&-; exec 2>&-; exit 0", id="closes its output"),
    ],
)
def test_an_odd_hook_that_succeeds_is_a_success(build: Build, sandbox: str, hook: str) -> None:
    platform = hooked(build, hook, sandbox)
    assert steps(platform)["post-compile"] == "ok"
    assert platform["status"] == "accept"


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_hook_that_ignores_signals_is_ended_in_time(build: Build, sandbox: str) -> None:
    hook = f"trap '' INT TERM HUP; while :; do sleep {LEFT}; done"
    platform = hooked(build, hook, sandbox, "--limit", "install.time=15")
    assert (platform["status"], steps(platform)["post-compile"]) == ("fail", "timeout")
    assert "time of 15 s" in decisive(platform)["message"]


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_hook_that_forks_without_end_is_ended(build: Build, sandbox: str) -> None:
    hook = f"while :; do sleep {LEFT} & sleep 0.01; done"  # not faster: the machine has other guests
    platform = hooked(build, hook, sandbox, "--limit", "install.processes=60")
    assert platform["status"] == "fail"
    assert "60 processes" in decisive(platform)["message"]


@pytest.mark.slow
def test_a_gigabyte_of_output_is_cut_in_the_middle(build: Build) -> None:
    hook = "echo first; head -c 1000000000 /dev/zero | tr '\\0' 'x' | fold -w 100; echo; echo last"
    platform = hooked(build, hook, "none", "--limit", "install.output=1M")
    assert steps(platform)["post-compile"] == "ok"
    log = log_of(platform, "post-compile")
    assert log.startswith("first\n")
    assert log.endswith("last\n")
    assert log.count("[predeploy: ") == 1
    assert len(log) < 1_200_000


def test_two_hundred_findings_are_one_report(build: Build) -> None:
    names = [f"nothing_{number}" for number in range(200)]
    app = "".join(f"import {name}\n" for name in names)
    result, platform = build(
        {**PLAIN, "Procfile": "web: python app.py\n", "app.py": app}, "--until", "verify", "-f", "json"
    )
    assert platform["status"] == "fail"
    assert "and 195 more" in decisive(platform)["message"] or "nothing_199" in decisive(platform)["message"]
    assert len(result.stdout) < 200_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory on a disk of 40 MB."""
    place = tmp_path / "small"
    place.mkdir()
    if (
        os.getuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", place]).returncode
    ):
        pytest.skip("only root can mount a small disk")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_not_the_apps_fault(build: Build, small_disk: Path) -> None:
    files = {**PLAIN, "bin/post_compile": "#!/bin/bash\nhead -c 100000000 /dev/zero > big\n"}
    _, platform = build(files, "--work-dir", str(small_disk), "--until", "install")
    assert platform["status"] == "unknown"
    assert (
        "No space left" in decisive(platform)["message"] or "no space left" in decisive(platform)["message"]
    )


def test_a_full_cache_is_not_the_apps_fault_and_is_right_afterwards(build: Build, small_disk: Path) -> None:
    filler = small_disk / "filler"
    cache = small_disk / "cache"
    with filler.open("wb") as file:
        file.write(b"x" * 39_500_000)
    files = {**PLAIN}
    _, first = build(files, "--until", "install", env={"PREDEPLOY_CACHE_DIR": str(cache)})
    assert first["status"] in {"unknown", "accept"}  # accept, where nothing had to be kept
    filler.unlink()
    _, second = build(files, "--until", "install", env={"PREDEPLOY_CACHE_DIR": str(cache)})
    assert second["status"] == "accept", decisive(second)


def test_a_clock_that_was_in_the_future_does_not_matter(build: Build, worker_cache: Path) -> None:
    memory = worker_cache / "fetch-3.99.failed"
    memory.write_text('{"3.99": 99999999999}')
    files: dict[str, str | bytes | None] = {**PLAIN, "app.py": "x = 1\n"}
    _, platform = build(files, "--until", "verify")
    assert platform["status"] == "accept"
