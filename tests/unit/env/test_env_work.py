from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from predeploy.app.tree import Tree
from predeploy.env.work import WorkDirectory, remove_tree
from predeploy.errors import ToolError


class NoLogs:
    def keeps(self, path: str, *, directory: bool) -> bool:
        return not path.endswith(".log") and path != "ignored"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "bin").mkdir(parents=True)
    (root / "ignored").mkdir()
    (root / "ignored/x.py").write_text("")
    (root / "app.py").write_text("print()")
    (root / "debug.log").write_text("")
    (root / "bin/run").write_text("#!/bin/sh\n")
    (root / "bin/run").chmod(0o755)
    os.utime(root / "app.py", (1_600_000_000, 1_600_000_000))
    for name, target in {
        "link.py": "app.py",
        "bin/up.py": "../app.py",
        "tools": "bin",
        "outside": "../../secret",
        "absolute": "/etc/passwd",
        "dangling": "nowhere",
        "to-ignored": "debug.log",
    }.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe")
    return root


def copied(work: WorkDirectory) -> dict[str, str]:
    return {
        str(path.relative_to(work.app)): f"-> {path.readlink()}"
        if path.is_symlink()
        else oct(path.stat().st_mode & 0o777)
        for path in sorted(work.app.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_the_copy_is_what_the_host_receives(tmp_path: Path, source: Path) -> None:
    work = WorkDirectory.create(tmp_path / "base", "heroku")
    work.copy_app(Tree.on_disk(source, NoLogs()), source)
    assert copied(work) == {
        "app.py": "0o644",
        "bin/run": "0o755",
        "bin/up.py": "-> ../app.py",
        "link.py": "-> app.py",
        "tools": "-> bin",
    }
    assert (work.app / "app.py").stat().st_mtime == 1_600_000_000
    assert (work.app / "tools/run").is_file()


def test_a_work_directory_is_private_and_has_its_places(tmp_path: Path) -> None:
    work = WorkDirectory.create(tmp_path / "base", "cloud run/é")
    assert work.root.parent == tmp_path / "base"
    assert work.root.name.startswith("predeploy-cloud-run-")
    assert stat.S_IMODE(work.root.stat().st_mode) == 0o700
    assert all(place.is_dir() for place in (work.home, work.temp, work.logs, work.cache))
    assert not work.app.exists()
    assert not work.venv.exists()
    assert (
        WorkDirectory.create(tmp_path / "base", "x").root != WorkDirectory.create(tmp_path / "base", "x").root
    )


def test_a_file_that_vanished_is_named(tmp_path: Path, source: Path) -> None:
    tree = Tree.on_disk(source)
    assert tree.names()
    (source / "app.py").unlink()
    work = WorkDirectory.create(tmp_path, "x")
    with pytest.raises(ToolError, match=r"app\.py: cannot be copied: no such file"):
        work.copy_app(tree, source)


def test_a_base_that_is_a_file_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="no work directory"):
        WorkDirectory.create(tmp_path / "file", "x")


def test_read_only_things_are_removed_and_links_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("")
    kept.chmod(0o500)
    work = WorkDirectory.create(tmp_path, "x")
    deep = work.home / "go/pkg/mod"
    deep.mkdir(parents=True)
    (deep / "file").write_text("")
    (deep / "file").chmod(0o400)
    (work.home / "link").symlink_to(kept)
    for directory in (deep, deep.parent, work.home):
        directory.chmod(0o000)
    assert work.remove()
    assert not work.root.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o500
    assert (kept / "file").exists()
    assert remove_tree(work.root), "already gone"
