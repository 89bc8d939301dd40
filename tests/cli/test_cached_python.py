"""``--cached-python``: one flag for every chosen platform that keeps the previous build's Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.apps import CliResult, run_cli, write_tree

FILES = {"requirements.txt": "", "main.py": "def hello(request):\n    return ''\n"}


def run(command: str, tmp_path: Path, *argv: str, files: dict[str, Any] | None = None) -> CliResult:
    app = write_tree(tmp_path / "app", {**FILES, **(files or {})})
    return run_cli(command, str(app), "--as-of", "2026-11-20", "-f", "json", *argv, cwd=tmp_path)


def python_of(result: CliResult) -> dict[str, Any]:
    platforms = json.loads(result.stdout)["platforms"]
    return next(p["python"] for p in platforms if p["platform"] == "heroku")


def test_it_is_the_setting_of_every_platform_that_has_it(tmp_path: Path) -> None:
    given = run("check", tmp_path, "-p", "heroku", "-p", "cloud-functions", "--cached-python", "3.12.4")
    assert python_of(given)["requested"] == "3.12"
    assert python_of(given)["origin"] == "cached"
    same = run("check", tmp_path, "-p", "heroku", "--set", "heroku.cached_python=3.12.4")
    assert python_of(same) == python_of(given)


def test_it_wins_over_the_configuration(tmp_path: Path) -> None:
    config = {"predeploy.toml": '[platform.heroku]\ncached_python = "3.11.1"\nstack = "heroku-22"\n'}
    without = run("check", tmp_path, "-p", "heroku", files=config)
    assert python_of(without)["requested"] == "3.11"
    given = run("check", tmp_path, "-p", "heroku", "--cached-python", "3.12.4", files=config)
    assert python_of(given)["requested"] == "3.12"


def test_plan_takes_it_too(tmp_path: Path) -> None:
    given = run("plan", tmp_path, "-p", "heroku", "--cached-python", "3.12.4")
    (platform,) = json.loads(given.stdout)["platforms"]
    assert platform["plan"]["environment"]["python"].startswith("3.12.")


@pytest.mark.parametrize("command", ["check", "plan"])
def test_without_a_platform_that_has_it_it_is_a_mistake(tmp_path: Path, command: str) -> None:
    given = run(command, tmp_path, "-p", "cloud-functions", "--cached-python", "3.12.4")
    assert given.exit_code == 2
    assert "cached_python" in given.stderr
