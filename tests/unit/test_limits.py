"""Limits as they are written, and as they are watched over."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from predeploy.config import read_config
from predeploy.env.limits import Watch, usage, used_memory
from predeploy.env.processes import tree
from predeploy.errors import ConfigError, UsageError
from predeploy.limits import parse_limits
from predeploy.model.limits import Limits, bytes_text
from support.apps import write_tree

MEBIBYTE = 1024**2


@pytest.mark.parametrize(
    ("pair", "phase", "limits"),
    [
        ("memory=2G", "all", Limits(memory=2 * 1024**3)),
        ("boot.memory=512M", "boot", Limits(memory=512 * MEBIBYTE)),
        ("boot.memory=512MiB", "boot", Limits(memory=512 * MEBIBYTE)),
        ("install.time=1.5", "install", Limits(time=1.5)),
        ("time=90s", "all", Limits(time=90.0)),
        ("verify.processes=20", "verify", Limits(processes=20)),
        ("disk=1.5g", "all", Limits(disk=1536 * MEBIBYTE)),
        ("output=4096", "all", Limits(output=4096)),
    ],
)
def test_a_limit_as_written(pair: str, phase: str, limits: Limits) -> None:
    assert parse_limits((pair,)) == {phase: limits}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("memory", "expected [PHASE.]KIND=VALUE"),
        ("memry=2G", "did you mean 'memory'"),
        ("plan.memory=2G", "the phase is install, verify or boot"),
        ("memory=lots", "expected a size"),
        ("memory=0", "expected a size"),
        ("time=5M", "expected seconds"),
        ("processes=1.5", "expected a number"),
        ("processes=-1", "expected a number"),
        ("memory=" + "9" * 400, "expected a size"),
    ],
)
def test_a_limit_that_is_none(pair: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_limits((pair,))
    assert said in str(error.value)


def test_several_limits_are_merged_and_the_stronger_wins() -> None:
    merged = parse_limits(("memory=2G", "boot.disk=1G", "memory=1G", "boot.time=5"))
    assert merged == {"all": Limits(memory=1024**3), "boot": Limits(disk=1024**3, time=5.0)}
    assert Limits(memory=5, time=1.0).under(Limits(memory=6)) == Limits(memory=6, time=1.0)


@pytest.mark.parametrize("key", ["sandbox", "network", "expose", "limit"])
def test_an_app_cannot_loosen_what_protects_from_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_config(write_tree(tmp_path, {"predeploy.toml": f"{key} = 'none'\n"}))
    assert f"predeploy.toml:1: unknown key '{key}'" in str(error.value)
    assert f"only --{key} and PREDEPLOY_{key.upper()} say it" in str(error.value)


@pytest.mark.parametrize(
    ("size", "text"), [(512 * MEBIBYTE, "512 MiB"), (1.5 * 1024**3, "1.5 GiB"), (9, "9 bytes")]
)
def test_a_size_for_people(size: float, text: str) -> None:
    assert bytes_text(size) == text


def watched(limits: Limits, root: Path, pids: tuple[int, ...] = ()) -> str:
    killed: list[bool] = []
    watch = Watch(limits, (root,), members=lambda: pids, kill=lambda: killed.append(True))
    while not killed:
        time.sleep(0.02)
    watch.stop()
    return watch.exceeded


def test_each_kind_is_found(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 300_000)
    own = (os.getpid(),)
    assert watched(Limits(memory=1024 * 1024), tmp_path, own) == "memory of 1 MiB"
    assert watched(Limits(processes=1), tmp_path, own * 2) == "1 processes"
    watch = Watch(Limits(disk=200_000), (tmp_path,), members=tuple, kill=lambda: None)
    (tmp_path / "more").write_bytes(b"x" * 300_000)
    watch.stop()  # what grew since the last look is still found
    assert watch.exceeded in {"", "disk of 195.3 KiB"}
    assert usage((tmp_path,)) >= 600_000


def test_nothing_is_watched_without_limits(tmp_path: Path) -> None:
    watch = Watch(Limits(time=5, output=5), (tmp_path,), members=tuple, kill=lambda: None)
    watch.stop()
    assert watch.exceeded == ""


def test_memory_and_the_tree_of_a_process() -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 30 & sleep 30 & wait"])
    try:
        while len(tree(child.pid, 100)) < 2:
            time.sleep(0.01)
        assert len(tree(child.pid, 100)) == 2
        assert len(tree(child.pid, 0)) >= 1
        assert used_memory(tree(child.pid, 100), 0) < used_memory((os.getpid(),), 10**12)
    finally:
        for pid in (*tree(child.pid, 100), child.pid):
            os.kill(pid, 9)
        child.wait()


def test_freed_space_of_others_hides_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(Limits(disk=200_000), (tmp_path,), members=tuple, kill=lambda: None)
    monkeypatch.setattr("predeploy.env.limits._free", lambda root: 1 << 60)
    (tmp_path / "big").write_bytes(bytes(400_000))
    watch.stop(failed=True)
    assert watch.exceeded == "disk of 195.3 KiB"
