"""An ordinary call of ``check`` is read without click; nobody must be able to tell."""

from __future__ import annotations

import re
from contextlib import chdir
from pathlib import Path

import pytest

from predeploy.cli.check import command
from predeploy.cli.main import main
from predeploy.cli.quick import ordinary_check
from support.apps import run_cli

ORDINARY = [
    [],
    ["."],
    ["-p", "heroku"],
    ["-p", "heroku", "--platform", "cloud-run", "."],
    [".", "--platform=heroku", "--as-of", "2027-01-06"],
    ["--strict"],
    ["-f", "json", "-o", "out.json"],
    ["--format=sarif", "--format", "text"],
    ["--set", "heroku.stack=heroku-24", "--env", "A=b=c", "--env-file", "x.env"],
    ["--report", "json:a.json", "--report", "html:b.html", "--platform-dir", "d"],
    ["--cached-python", "3.12.1"],
]

FOR_CLICK = [
    ["--help"],
    ["-h"],
    ["--version"],
    ["check", "--help"],
    ["plan", "."],
    ["explain"],
    ["no-such-place"],
    [".", "."],
    ["-pheroku"],
    ["-p"],
    ["-p=heroku"],
    ["-p", "--strict"],
    ["--no-strict"],
    ["--strict=yes"],
    ["--format", "yaml"],
    ["--form", "json"],
    ["--", "."],
    ["-"],
    ["--platform="],
    ["--jobs", "2"],
    ["--nonsense"],
]


@pytest.mark.parametrize("words", ORDINARY, ids=" ".join)
def test_both_read_the_same(words: list[str]) -> None:
    # with the settings of the program, since click keeps the help option it made first
    expected = command.make_context("check", list(words), **main.context_settings).params
    assert ordinary_check(["check", *words]) == expected
    assert ordinary_check(words) == expected


@pytest.mark.parametrize("words", FOR_CLICK, ids=" ".join)
def test_what_is_not_ordinary_is_left_to_click(words: list[str]) -> None:
    assert ordinary_check(words) is None


def test_a_directory_may_be_named_like_a_command(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "app").mkdir()
    with chdir(tmp_path):
        assert ordinary_check(["plan"]) is None
        assert ordinary_check(["./plan"]) is not None
        assert (
            ordinary_check(["app"]) == ordinary_check(["check", "app"]) != ordinary_check(["check", "plan"])
        )


def test_completion_is_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_PREDEPLOY_COMPLETE", "bash_complete")
    assert ordinary_check(["check"]) is None


def test_both_ways_answer_the_same(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    quick, by_click = (
        run_cli("check", *words, cwd=tmp_path) for words in ([".", "-p", "heroku"], ["-pheroku", "."])
    )
    assert (quick.exit_code, quick.stderr) == (by_click.exit_code, by_click.stderr)
    assert re.sub(r"\d+ ms", "", quick.stdout) == re.sub(r"\d+ ms", "", by_click.stdout)
    wrong = [run_cli("check", *words, cwd=tmp_path) for words in (["-p", "herok"], ["-pherok"])]
    assert wrong[0] == wrong[1]
    assert wrong[0].exit_code == 2
