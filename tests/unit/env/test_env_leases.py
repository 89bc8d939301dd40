from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.env.leases import Lease, sweep
from predeploy.env.work import WorkDirectory, remove_tree

if TYPE_CHECKING:
    import pytest

KILLED = """
import os, signal, sys
from pathlib import Path
from predeploy.env.work import WorkDirectory
work = WorkDirectory.create(Path(sys.argv[1]), "heroku")
(work.home / "file").write_text("x")
if "keep" in sys.argv:
    work.keep()
print(work.root, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(base: Path, *words: str) -> Path:
    """Return the work directory of a run that was killed in it."""
    argv = [sys.executable, "-c", KILLED, str(base), *words]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -9
    root = Path(done.stdout.strip())
    assert (root / "home/file").exists()
    return root


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    root = killed(tmp_path)
    work = WorkDirectory.create(tmp_path, "other")
    assert not root.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [work.root.name, f".{work.root.name}.lock"]
    )
    assert work.remove()
    assert not list(tmp_path.iterdir())


def test_what_was_kept_on_purpose_stays(tmp_path: Path) -> None:
    root = killed(tmp_path, "keep")
    WorkDirectory.create(tmp_path, "other").remove()
    assert [path.name for path in tmp_path.iterdir()] == [root.name]


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    living = WorkDirectory.create(tmp_path, "living")
    sweep(tmp_path, remove_tree)
    assert living.run.is_dir()


def test_only_what_has_a_lock_of_ours_is_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "predeploy-mine-12345678").mkdir()
    (tmp_path / "predeploy-link").symlink_to(precious)
    (tmp_path / ".predeploy-link.lock").write_text("")
    (tmp_path / ".predeploy-odd.lock").mkdir()
    (tmp_path / ".predeploy-pointer.lock").symlink_to(precious)
    os.mkfifo(tmp_path / ".predeploy-pipe.lock")
    before = {path.name for path in tmp_path.iterdir()}
    sweep(tmp_path, remove_tree)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_run_that_was_killed_before_it_made_its_directory(tmp_path: Path) -> None:
    (tmp_path / ".predeploy-heroku-abcdefgh.lock").write_text("")
    sweep(tmp_path, remove_tree)
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_removed_is_tried_again(tmp_path: Path) -> None:
    killed(tmp_path)
    sweep(tmp_path, lambda _: False)
    assert len(list(tmp_path.iterdir())) == 2
    sweep(tmp_path, remove_tree)
    assert not list(tmp_path.iterdir())


def test_a_lock_that_a_sweep_took_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([False, True])
    monkeypatch.setattr("predeploy.env.leases._locked", lambda descriptor, otherwise: next(taken))
    lease = Lease.take(tmp_path, "x")
    assert lease.path.exists()
    lease.end()
