from __future__ import annotations

import os
from pathlib import Path

import pytest

from predeploy.app.environment_names import names_in_environment
from predeploy.env.confinement import Confinement, Mount
from predeploy.env.sandbox import Bubblewrapped, View, ordered
from predeploy.env.work import WorkDirectory
from predeploy.pipeline.verify import installed


@pytest.fixture
def box(tmp_path: Path) -> Bubblewrapped:
    work = WorkDirectory.create(tmp_path, "heroku")
    work.app.mkdir()
    (tmp_path / "uv").write_text("")
    paths = {"app": "/app", "venv": "/app/.heroku/python"}
    return Bubblewrapped(work=work, paths=paths, uv=tmp_path / "uv")


def seen(confinement: Confinement) -> dict[str, Mount]:
    return {mount.target: mount for mount in confinement.mounts}


def test_places_are_the_hosts_own(box: Bubblewrapped) -> None:
    places = box.places()
    assert places["app"] == "/app"
    assert places["bin"] == "/app/.heroku/python/bin"
    assert places["temp"] == "/tmp"


def test_only_the_runs_own_directories_are_writable(box: Bubblewrapped) -> None:
    mounts = seen(box.confinement(View()))
    writable = {target for target, mount in mounts.items() if mount.writable}
    assert all(mounts[target].source.is_relative_to(box.work.root) for target in writable)
    assert {"/app", "/tmp", "/app/.heroku/python"} <= writable
    assert not {"/etc", "/root", "/home", "/var"} & mounts.keys()
    assert "/etc/shadow" not in mounts


def test_a_read_only_start_keeps_what_the_host_leaves_writable(box: Bubblewrapped) -> None:
    mounts = seen(box.confinement(View(writable=("/tmp",), empty=("/app/data",))))
    assert {target for target, mount in mounts.items() if mount.writable} == {"/tmp", "/run", "/app/data"}
    assert list((box.work.mounts / "0").iterdir()) == []
    assert (box.work.app / "data").is_dir()


def test_a_mount_point_is_made_a_directory_whatever_the_app_put_there(
    box: Bubblewrapped, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (box.work.app / ".heroku").symlink_to(outside)
    box.confinement(View())
    assert (box.work.app / ".heroku/python").is_dir()
    assert not (box.work.app / ".heroku").is_symlink()
    assert list(outside.iterdir()) == []


def test_a_mount_that_is_seen_already_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "prefix/ssl").mkdir(parents=True)
    outer = Mount(source=tmp_path / "prefix", target="/opt/x")
    inner = Mount(source=tmp_path / "prefix/ssl", target="/opt/x/ssl")
    other = Mount(source=tmp_path, target="/opt/y")
    assert ordered([inner, other, outer], own=tmp_path / "none") == [other, outer]


@pytest.mark.parametrize(
    ("inside", "below"),
    [("/app/src/x.py", "app/src/x.py"), ("/app/.heroku/python/bin/pip", "venv/bin/pip"), ("/tmp", "tmp")],
)
def test_a_path_inside_leads_to_one_outside(box: Bubblewrapped, inside: str, below: str) -> None:
    assert box.outside(inside) == box.work.root / below


def test_a_path_that_nothing_shows_leads_nowhere(box: Bubblewrapped) -> None:
    assert not box.outside("/home/me/.ssh/id").exists()


def test_an_editable_install_inside_the_sandbox_is_found(box: Bubblewrapped) -> None:
    packages = box.work.venv / "lib/python3.13/site-packages"
    packages.mkdir(parents=True)
    (packages / "__editable__.mine.pth").write_text("/app/src\n")
    (box.work.app / "src/mine").mkdir(parents=True)
    assert "mine" in names_in_environment((packages,), box.outside)


def test_pipes_and_links_in_an_environment_are_not_read(tmp_path: Path) -> None:
    packages = tmp_path / "lib/python3.13/site-packages"
    for name in ("good", "pipe", "link"):
        (packages / f"{name}-1.dist-info").mkdir(parents=True)
    (packages / "good-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: good\nVersion: 1\n")
    os.mkfifo(packages / "pipe-1.dist-info/METADATA")
    (packages / "link-1.dist-info/METADATA").symlink_to(packages / "good-1.dist-info/METADATA")
    os.mkfifo(packages / "waits.pth")
    assert [item.name for item in installed(tmp_path)] == ["good"]
    assert isinstance(names_in_environment((packages,)), frozenset)
