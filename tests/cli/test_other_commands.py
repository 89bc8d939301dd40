"""``plan``, ``explain``, ``platforms`` and ``schema`` from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import predeploy
from predeploy.cli.quick import COMMANDS
from support.apps import run_cli, write_tree

ROOT = Path(__file__).resolve().parent.parent.parent
FLASK = {"requirements.txt": "flask\n", ".python-version": "3.13\n", "Procfile": "web: gunicorn app:app\n"}


def test_help_lists_every_command_and_exit_code(tmp_path: Path) -> None:
    printed = run_cli("--help", cwd=tmp_path).stdout
    for name in COMMANDS:
        assert f"  {name} " in printed
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "75 ", "130 "):
        assert code in printed.partition("Exit codes")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tmp_path: Path, name: str) -> None:
    result = run_cli(name, "--help", cwd=tmp_path)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: predeploy")


def test_version(tmp_path: Path) -> None:
    assert run_cli("--version", cwd=tmp_path).stdout == f"predeploy, version {predeploy.__version__}\n"


def test_the_plan_gives_each_command_with_its_reason(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", FLASK)
    printed = run_cli("plan", "-p", "heroku", cwd=app).stdout
    assert "$ pip install -r requirements.txt --exists-action=w" in printed
    assert "because requirements.txt is the package manager file of the root" in printed
    assert "pip 26.2.1, the version this host uses" in printed
    assert "$ gunicorn app:app" in printed


def test_the_plan_as_json_follows_its_schema(tmp_path: Path) -> None:
    from pydantic import TypeAdapter

    from predeploy.model.decisions import BuildPlan

    app = write_tree(tmp_path / "app", FLASK)
    document = json.loads(run_cli("plan", "-p", "heroku", "-f", "json", cwd=app).stdout)
    plan = TypeAdapter(BuildPlan).validate_python(document["platforms"][0]["plan"])
    assert plan.environment.seeds == {"pip": "26.2.1"}


def test_a_refused_app_has_no_plan_and_exit_1(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"app.py": ""})
    result = run_cli("plan", "-p", "heroku", cwd=app)
    assert result.exit_code == 1
    assert "no plan: No dependency file that Heroku installs from" in result.stdout


def test_the_script_is_valid_shell_even_for_hostile_names(tmp_path: Path) -> None:
    files = {**FLASK, "Procfile": "web: echo '; touch pwned; $(touch pwned) `touch pwned` \"\n"}
    app = write_tree(tmp_path / "a b'$(touch pwned)", files)
    script = run_cli("plan", "-p", "heroku", "-f", "sh", cwd=app, env={}).stdout
    checked = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert str(app).replace("'", "'\"'\"'") in script


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("heroku", "Pinned tools"),
        ("heroku/multiple-package-managers", "from 2025-12-10: reject changelog v325"),
        ("package-manager::multiple-found", "heroku/multiple-package-managers"),
        ("missing-import", "Decided in verify"),
    ],
)
def test_explain(tmp_path: Path, identity: str, expected: str) -> None:
    result = run_cli("explain", identity, cwd=tmp_path)
    assert result.exit_code == 0
    assert expected in result.stdout


def test_explain_as_json(tmp_path: Path) -> None:
    (rule,) = json.loads(run_cli("explain", "heroku/setup-py-only", "-f", "json", cwd=tmp_path).stdout)
    assert [change["verdict"] for change in rule["timeline"]] == ["accept", "warn", "reject"]


def test_every_rule_can_be_explained(tmp_path: Path) -> None:
    from predeploy.report.explain import rule_text
    from support.cases import registry

    for name in registry().ids():
        profile = registry().profile(name)
        for rule in profile.rules:
            text = rule_text(profile, rule, width=80, colour=False)
            assert rule.headline in text
            assert all(len(line) <= 80 or " " not in line.strip() for line in text.splitlines())


def test_platforms_list_and_show(tmp_path: Path) -> None:
    listed = json.loads(run_cli("platforms", "list", "-f", "json", cwd=tmp_path).stdout)
    ids = {row["id"] for row in listed}
    assert {"heroku", "cloud-functions", "platformsh", "streamlit-cloud"} <= ids
    assert "base" not in ids
    assert all(row["error"] is None for row in listed)
    shown = json.loads(run_cli("platforms", "show", "heroku", "-f", "json", cwd=tmp_path).stdout)
    assert shown["covers_from"] == "2012-03-24"


def test_a_broken_profile_is_one_line_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("id: [\n")
    result = run_cli("platforms", "list", "--platform-dir", str(tmp_path), cwd=tmp_path)
    assert result.exit_code == 0
    assert "broken.yaml:" in result.stdout
    assert "Heroku" in result.stdout


def test_lint_names_every_problem_and_says_2(tmp_path: Path) -> None:
    assert run_cli("platforms", "lint", cwd=tmp_path).exit_code == 0
    (tmp_path / "mine.yaml").write_text("schema_version: 1\nid: mine\nextends: heroku\nnmae: x\nrulse: []\n")
    result = run_cli("platforms", "lint", "mine.yaml", cwd=tmp_path)
    assert result.exit_code == 2
    assert [line.rpartition(": ")[0] for line in result.stdout.splitlines()] == [
        "mine.yaml:4",
        "mine.yaml:5",
    ] or (
        "mine.yaml:4: unknown key 'nmae'" in result.stdout
        and "mine.yaml:5: unknown key 'rulse'" in result.stdout
    )


@pytest.mark.parametrize("what", ["result", "profile", "plan", "forecast"])
def test_schemas(tmp_path: Path, what: str) -> None:
    schema = json.loads(run_cli("schema", what, cwd=tmp_path).stdout)
    assert schema["type"] == "object"
    assert schema["properties"]


def test_an_unexpected_error_is_a_bug_with_a_log_and_exit_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from predeploy.cli import main

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("predeploy.pipeline.static.check", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main.run(["check", str(tmp_path)]) == 4
    message = capsys.readouterr().err
    assert message.startswith("predeploy: bug: RuntimeError: boom (the traceback is in ")
    log = Path(message.rpartition("is in ")[2].strip().rstrip(")"))
    assert "RuntimeError: boom" in log.read_text()


def test_the_readme_shows_the_real_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"predeploy {name}" in text


def test_module_and_script_are_the_same(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "predeploy", "--version"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.startswith("predeploy, version")


@pytest.mark.parametrize("form", ["text", "json", "sh"])
def test_a_value_given_by_env_and_a_password_in_a_url_are_not_shown(tmp_path: Path, form: str) -> None:
    files = {**FLASK, "Procfile": "web: serve https://user:canary-password@host/x\n"}
    app = write_tree(tmp_path / "app", files)
    result = run_cli("plan", "-p", "heroku", "--env", "TOKEN=canary-value", "-f", form, cwd=app)
    assert "canary" not in result.stdout
    if form == "sh":
        assert 'TOKEN="${TOKEN:?' in result.stdout
        assert "${SECRET_1:?" in result.stdout


def test_check_masks_what_build_masks(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {**FLASK, "Procfile": "web: serve canary-value http://a:canary@h/\n"})
    for form in ("text", "json"):
        result = run_cli("check", "-p", "heroku", "--env", "TOKEN=canary-value", "-f", form, cwd=app)
        assert "canary" not in result.stdout


def test_a_day_of_which_too_little_is_known_is_judged_but_not_built(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"setup.py": "", "Procfile": "web: x\n"})
    argv = (str(app), "-p", "heroku", "--as-of", "2013-05-01", "-f", "json")
    checked = json.loads(run_cli("check", *argv, cwd=tmp_path).stdout)["platforms"][0]
    built = json.loads(run_cli("build", *argv, cwd=tmp_path).stdout)["platforms"][0]
    assert (checked["status"], checked["python"]["host_resolves"]) == ("accept", None)
    assert (built["status"], built["reason"]["rule"]) == ("unknown", "heroku/python-patch-not-recorded")
    assert "not recorded" in run_cli("plan", *argv[:-2], cwd=tmp_path).stdout
