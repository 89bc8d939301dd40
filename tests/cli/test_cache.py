"""``predeploy cache``: what is where, and that nothing but ours is ever removed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from fnmatch import fnmatch
from pathlib import Path

import pytest

import predeploy
from predeploy.env.caches import IN_USE, KINDS, contents, in_use
from predeploy.paths import MARK, MARKER, claim
from support.apps import CliResult, run_cli

CONTENT = {
    "uv/wheels-v5/a.whl": 40_000,
    "pip/http-v2/ab/cd": 9_000,
    "tools/pip-25.1-python3.13/bin/pip": 5_000,
    "tools/.pip-25.1-python3.13.lock": 0,
    "tools/.pip-25.2-python3.13.0123abcd/bin/pip": 700,
    "environments/python3.13.0-1/bin/python": 100,
    "decisions/1.json": 300,
    "profiles/heroku.day": 300,
    "profiles/.heroku.day.4711": 300,
    "python/cpython-3.12/bin/python3": 100,
    "fetch-3.9.failed": 10,
    "interpreters.json": 10,
}
OTHER = {"notes.txt": 10, "photos/one.jpg": 10}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A cache that predeploy made, and in which somebody has put other things too."""
    root = tmp_path / "cache"
    claim(root)
    for name, size in {**CONTENT, **OTHER}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    return root


def cache(root: Path, *argv: str, cwd: Path | None = None) -> CliResult:
    return run_cli("cache", *argv, cwd=cwd or root.parent, env={"PREDEPLOY_CACHE_DIR": str(root)})


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} - {MARKER, IN_USE}


def age(path: Path, days: float) -> float:
    moment = time.time() - days * 86_400
    for each in (path, *path.rglob("*")):
        os.utime(each, (moment, moment))
    return moment


def test_dir(root: Path) -> None:
    assert cache(root, "dir").stdout == f"{root}\n"
    home = run_cli("cache", "dir", cwd=root.parent, env={"PREDEPLOY_CACHE_DIR": None, "HOME": "/home/me"})
    assert home.stdout.strip() in {"/home/me/.cache/predeploy", "/home/me/Library/Caches/predeploy"}


def test_size_by_kind(root: Path) -> None:
    document = json.loads(cache(root, "size", "-f", "json").stdout)
    sizes = {row["kind"]: row["bytes"] for row in document["kinds"]}
    assert set(sizes) == {kind.name for kind in KINDS}
    assert sizes["uv"] >= 40_000 > sizes["decisions"] > 0 == sizes["virtualenv"]
    assert document["bytes"] == sum(sizes.values())
    assert document["others"] == ["notes.txt", "photos"]
    shown = cache(root, "size")
    assert "tools" in shown.stdout
    assert "virtualenv" not in shown.stdout
    assert shown.stderr == "predeploy: not ours, and never removed: notes.txt, photos\n"


def test_a_file_with_two_names_counts_once(root: Path) -> None:
    before = {one.kind.name: one.size for one in contents(root)}
    os.link(root / "uv/wheels-v5/a.whl", root / "environments/python3.13.0-1/a")
    after = {one.kind.name: one.size for one in contents(root)}
    assert after["environments"] - before["environments"] < 40_000
    assert after["uv"] == before["uv"]


def test_clean_removes_ours_only(root: Path) -> None:
    done = cache(root, "clean")
    assert done.exit_code == 0
    assert done.stdout.startswith("removed 9 entries, ")
    assert files(root) == set(OTHER)
    assert cache(root, "clean").stdout == "removed 0 entries, 0 bytes\n"


def test_an_empty_or_missing_directory(tmp_path: Path) -> None:
    for argv in (["size"], ["prune"], ["clean"]):
        assert cache(tmp_path / "absent", *argv).exit_code == 0
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("argv", [["clean"], ["prune", "--days", "0"]])
@pytest.mark.parametrize(
    "marker", [None, b"Signature: 8a477f597d28d172789f06886806bc55\n# of somebody else\n"]
)
def test_a_directory_that_is_not_ours_is_left_alone(
    root: Path, argv: list[str], marker: bytes | None
) -> None:
    (root / MARKER).unlink()
    if marker is not None:
        (root / MARKER).write_bytes(marker)
    before = files(root)
    done = cache(root, *argv)
    assert done.exit_code == 2
    assert "not made by predeploy" in done.stderr
    assert files(root) == before


def test_a_full_directory_is_never_claimed(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    with in_use(tmp_path):
        pass
    assert not (tmp_path / MARKER).exists()
    with in_use(tmp_path / "new"):
        assert (tmp_path / "new" / MARKER).read_bytes() == MARK


def test_links_are_removed_and_not_followed(root: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (root / "virtualenv").symlink_to(elsewhere)
    (root / "tools/linked").symlink_to(elsewhere)
    assert cache(root, "clean").exit_code == 0
    assert (elsewhere / "precious").exists()
    assert not (root / "virtualenv").is_symlink()


@pytest.mark.parametrize("argv", [["clean"], ["prune", "--days", "0"]])
def test_nothing_is_removed_while_a_run_is_there(root: Path, argv: list[str]) -> None:
    before = files(root)
    with in_use(root), in_use(root):
        done = cache(root, *argv)
        assert done.exit_code == 2
        assert f"{root}: a run is using it" in done.stderr
        assert files(root) == before
    assert cache(root, *argv).exit_code == 0


def test_a_killed_run_holds_nothing(root: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from predeploy.env.caches import in_use\n"
        "with in_use(Path(sys.argv[1])):\n    print('here', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert cache(root, "clean").exit_code == 2
        run.kill()
    assert cache(root, "clean").exit_code == 0


def test_prune_takes_what_is_unused_or_unfinished(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from predeploy.env import caches

    # Every file here has just been made, and its time of change cannot be set back: look from later on.
    moment = time.time() + 40 * 86_400
    for used in ("tools/pip-25.1-python3.13", "uv", "pip/http-v2/ab/cd"):
        for path in (root / used, *(root / used).rglob("*")):
            os.utime(path, (moment, moment))
    monkeypatch.setattr(caches, "_pruned_by_uv", lambda root: 0)
    removed = caches.prune({"PREDEPLOY_CACHE_DIR": str(root)}, 30, moment)
    assert removed.left == ()
    assert files(root) - {name for name in files(root) if name.startswith("uv/")} == {
        *OTHER,
        "pip/http-v2/ab/cd",
        "tools/pip-25.1-python3.13/bin/pip",
    }
    assert (root / "uv/wheels-v5").is_dir()


def test_prune_of_fresh_things_takes_only_what_killed_runs_left(root: Path) -> None:
    assert cache(root, "prune").exit_code == 0
    gone = {"tools/.pip-25.2-python3.13.0123abcd/bin/pip", "profiles/.heroku.day.4711"}
    assert {name for name in CONTENT if not name.startswith("uv/")} - files(root) == gone


def test_a_build_marks_its_cache_and_can_be_cleaned_after(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/requirements.txt").write_text("flask\n")
    root = tmp_path / "cache"
    run_cli("check", "app", "-p", "heroku", cwd=tmp_path, env={"PREDEPLOY_CACHE_DIR": str(root)})
    assert (root / "profiles/heroku.day").exists()
    assert cache(root, "clean").stdout.startswith("removed 1 entry, ")
    assert files(root) == set()


def test_prune_lets_uv_look_after_its_own(root: Path) -> None:
    old = root / "uv/wheels-v0/of-an-older-uv.whl"
    old.parent.mkdir()
    old.write_bytes(b"x" * 9_000)
    assert cache(root, "prune").exit_code == 0
    assert not old.exists()


def test_every_place_in_the_cache_has_a_row() -> None:
    package = Path(predeploy.__file__).parent
    used = {
        name.split("{")[0]
        for path in package.rglob("*.py")
        for name in re.findall(r'\bcache(?:_root\(\S+\))? / f?"([^"/]+)"', path.read_text(encoding="utf-8"))
        if path.name not in {"caches.py", "conda_worker.py"}  # conda's is a directory of the run
    }
    assert {"uv", "tools", "python", "fetch-"} <= used
    for name in used:
        assert any(fnmatch(name, kind.entry) for kind in KINDS), f"env/caches.py has no row for {name}"
