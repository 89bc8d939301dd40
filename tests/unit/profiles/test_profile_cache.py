"""The cache of parsed profiles: the same answer as YAML, whatever has become of the files."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from predeploy.profiles import cache
from predeploy.profiles.codec import decode, encode
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot

DAY = date(2026, 11, 20)
EVERY = Registry(plugins={}).ids()


def registry(directory: Path) -> Registry:
    return Registry(cache_directory=directory, plugins={})


@pytest.mark.parametrize("name", EVERY)
def test_what_is_kept_is_what_was_read(name: str, tmp_path: Path) -> None:
    profile = Registry(plugins={}).profile(name)
    expected = snapshot(profile, DAY)
    assert decode(encode(profile)) == profile
    assert decode(encode(expected)) == expected
    assert registry(tmp_path).facts(name, DAY) == expected
    again = registry(tmp_path)
    assert again.facts(name, DAY) == expected
    assert again.cache_problem is None


def test_each_day_has_its_own_answer(tmp_path: Path) -> None:
    for day in (DAY, date(2025, 3, 1), DAY, date(2027, 1, 6)):
        assert registry(tmp_path).facts("heroku", day) == snapshot(
            Registry(plugins={}).profile("heroku"), day
        )


@pytest.mark.parametrize("suffix", [".day", ".profile"])
@pytest.mark.parametrize("harm", ["truncated", "empty", "flipped", "other data", "longer"])
def test_a_damaged_file_is_made_anew_and_said_once(tmp_path: Path, suffix: str, harm: str) -> None:
    expected = registry(tmp_path).facts("heroku", DAY)
    if suffix == ".profile":
        (tmp_path / "heroku.day").unlink()
    (file,) = tmp_path.glob(f"*{suffix}")
    data = file.read_bytes()
    payload = b"anything"
    file.write_bytes(
        {
            "truncated": data[: len(data) // 2],
            "empty": b"",
            "flipped": data[:900] + bytes([data[900] ^ 4]) + data[901:],
            "other data": cache.digest(payload) + payload,
            "longer": data + b"x",
        }[harm]
    )
    found = registry(tmp_path)
    assert found.facts("heroku", DAY) == expected
    assert found.cache_problem == f"{file}: was damaged and is made anew"
    again = registry(tmp_path)
    assert again.facts("heroku", DAY) == expected
    assert again.cache_problem is None


def test_nothing_in_the_cache_is_run(tmp_path: Path) -> None:
    registry(tmp_path).facts("heroku", DAY)
    witness = tmp_path / "witness"
    harmful = b"cposix\nsystem\n(S'touch " + str(witness).encode() + b"'\ntR."
    for file in tmp_path.glob("*.*"):
        file.write_bytes(cache.digest(harmful) + harmful)
    registry(tmp_path).facts("heroku", DAY)
    assert not witness.exists()
    pickle.loads(harmful)  # would have done it
    assert witness.exists()


def test_a_file_that_others_can_write_is_not_read(tmp_path: Path) -> None:
    expected = registry(tmp_path).facts("heroku", DAY)
    forged = cache.Store(tmp_path)
    forged.keep_facts(
        "heroku",
        registry(tmp_path)._key("heroku"),
        snapshot(registry(tmp_path).profile("cloud-run"), DAY),
        None,
    )
    assert registry(tmp_path).facts("heroku", DAY) != expected
    (tmp_path / "heroku.day").chmod(0o666)
    assert registry(tmp_path).facts("heroku", DAY) == expected


def test_a_changed_profile_is_read_again(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    file = mine / "own.yaml"
    text = 'schema_version: 1\nid: own\nname: "{}"\nextends: heroku\n'
    for name in ("First", "Second"):
        file.write_text(text.format(name))
        found = Registry((mine,), cache_directory=tmp_path / "cache", plugins={})
        assert found.facts("own", DAY).name == name


def test_a_directory_that_cannot_be_made_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = registry(tmp_path / "file" / "profiles")
    assert found.facts("heroku", DAY).id == "heroku"
    assert found.cache_problem is not None
    assert "not kept" in found.cache_problem


def test_check_works_with_a_damaged_cache_and_says_so_once(tmp_path: Path) -> None:
    app, home = tmp_path / "app", tmp_path / "cache"
    app.mkdir()
    (app / "requirements.txt").write_text("flask\n")
    argv = [sys.executable, "-m", "predeploy", "check", str(app), "-p", "heroku"]

    def run() -> tuple[str, str]:
        done = subprocess.run(
            argv,
            env={"PREDEPLOY_CACHE_DIR": str(home)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return re.sub(r"\d+ ms", "N ms", done.stdout), done.stderr

    first = run()
    assert first[1] == ""
    (home / "profiles" / "heroku.day").write_bytes(b"rotten")
    assert run() == (first[0], f"predeploy: {home}/profiles/heroku.day: was damaged and is made anew\n")
    assert run() == first
