"""``check`` from the outside: answers, formats, exit codes, streams."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.apps import CliResult, run_cli, write_tree

FLASK = {
    "requirements.txt": "flask\n",
    ".python-version": "3.13\n",
    "Procfile": "web: gunicorn app:app\n",
    "app.py": "",
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "app", FLASK)


def cli(*argv: str | Path, cwd: Path, env: dict[str, str | None] | None = None) -> CliResult:
    return run_cli(*map(str, argv), cwd=cwd, env=env)


def test_an_accepted_app(app: Path) -> None:
    result = cli("check", "-p", "heroku", cwd=app)
    assert result.exit_code == 0
    assert "would deploy: heroku" in result.stdout
    assert "pip from requirements.txt" in result.stdout
    assert "3.13.15 (3.13 from .python-version)" in result.stdout
    assert result.stderr == ""


def test_bare_predeploy_is_check(app: Path) -> None:
    bare, named = (cli(*argv, "-p", "heroku", cwd=app).stdout for argv in ((), ("check",)))
    assert re.sub(r"\d+ ms", "", bare) == re.sub(r"\d+ ms", "", named)
    assert "would deploy: heroku" in cli(str(app), "-p", "heroku", cwd=app.parent).stdout


def test_a_refused_app_names_the_hosts_own_reason(app: Path) -> None:
    (app / "uv.lock").write_text("")
    result = cli("check", "-p", "heroku", cwd=app)
    assert result.exit_code == 1
    assert "host says package-manager::multiple-found" in result.stdout
    assert "would be refused: heroku" in result.stdout


def test_json_has_the_documented_fields(app: Path) -> None:
    document = json.loads(cli("check", "-p", "heroku", "-f", "json", "--as-of", "2026-11-20", cwd=app).stdout)
    assert document["schema_version"] == 1
    assert document["as_of"] == "2026-11-20"
    assert document["exit_code"] == 0
    (platform,) = document["platforms"]
    assert platform["platform"] == "heroku"
    assert platform["status"] == "accept"
    assert platform["phase"] == "plan"
    assert platform["reason"] is None
    assert (platform["manifest"], platform["installer"]) == ("requirements.txt", "pip")
    assert platform["python"] == {
        "requested": "3.13",
        "origin": ".python-version",
        "host_resolves": "3.13.15",
    }
    assert platform["processes"] == {"web": "gunicorn app:app"}
    assert "steps" not in platform
    assert "boot" not in platform


def test_json_of_a_refusal(app: Path) -> None:
    (app / "poetry.lock").write_text("")
    platform = json.loads(cli("check", "-p", "heroku", "-f", "json", cwd=app).stdout)["platforms"][0]
    assert platform["status"] == "reject"
    assert platform["reason"] == {
        "rule": "heroku/multiple-package-managers",
        "upstream_id": "package-manager::multiple-found",
    }
    (finding,) = [finding for finding in platform["findings"] if finding["decisive"]]
    assert finding["since"] == "2025-12-10"
    assert [place["path"] for place in finding["evidence"]] == ["requirements.txt", "poetry.lock"]


def test_the_json_follows_the_published_schema(app: Path) -> None:
    from pydantic import TypeAdapter

    from predeploy.report.schema import Result

    printed = cli("check", "-f", "json", cwd=app).stdout
    TypeAdapter(Result).validate_json(printed, strict=True, extra="forbid")


def test_the_day_decides(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"setup.py": "", ".python-version": "3.12", "Procfile": "web: x"})
    before = cli("check", "-p", "heroku", "--as-of", "2025-11-01", cwd=app)
    after = cli("check", "-p", "heroku", "--as-of", "2025-12-11", cwd=app)
    assert (before.exit_code, after.exit_code) == (0, 1)
    assert "package-manager::setup-py-only" in after.stdout


def test_a_day_before_the_window_is_unknown_and_strict_makes_it_3(app: Path) -> None:
    argv = ("check", "-p", "heroku", "--as-of", "2012-03-23")
    assert cli(*argv, cwd=app).exit_code == 0
    assert "could not be decided: heroku" in cli(*argv, cwd=app).stdout
    assert cli(*argv, "--strict", cwd=app).exit_code == 3
    assert cli(*argv, cwd=app, env={"CI": "true"}).exit_code == 3
    assert cli(*argv, "--no-strict", cwd=app, env={"CI": "true"}).exit_code == 0


def test_settings_reach_the_rules(app: Path) -> None:
    result = cli("check", "-p", "heroku", "--set", "heroku.stack=heroku-20", cwd=app)
    assert "checks::stack::eol" in result.stdout
    (app / "predeploy.toml").write_text('[platform.heroku]\nstack = "heroku-18"\n')
    assert "checks::stack::eol" in cli("check", "-p", "heroku", cwd=app).stdout
    assert cli("check", "-p", "heroku", "--set", "heroku.stack=heroku-24", cwd=app).exit_code == 0


def test_configuration_chooses_the_platforms(app: Path) -> None:
    (app / "pyproject.toml").write_text('[tool.predeploy]\nplatforms = ["heroku"]\n')
    document = json.loads(cli("check", "-f", "json", cwd=app).stdout)
    assert [platform["platform"] for platform in document["platforms"]] == ["heroku"]
    document = json.loads(
        cli("check", "-f", "json", cwd=app, env={"PREDEPLOY_PLATFORM": "streamlit-cloud"}).stdout
    )
    assert [platform["platform"] for platform in document["platforms"]] == ["streamlit-cloud"]


def test_the_answer_goes_to_a_file(app: Path) -> None:
    result = cli("check", "-p", "heroku", "-f", "json", "-o", "result.json", cwd=app)
    assert result.stdout == ""
    assert json.loads((app / "result.json").read_text())["exit_code"] == 0


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("check", "nowhere"), "nowhere: no such directory"),
        (("check", "app/app.py"), "app/app.py: is a file; predeploy takes the app's directory"),
        (("check", "app", "-p", "heruko"), "unknown platform 'heruko'; did you mean 'heroku'?"),
        (("check", "app", "--as-of", "soon"), "--as-of soon: expected a day such as 2026-11-20"),
        (("check", "app", "--set", "heroku.stak=x"), "heroku has no setting 'stak'; did you mean 'stack'?"),
        (("check", "app", "--set", "stack"), "expected PLATFORM.KEY=VALUE"),
        (("check", "app", "--set", "heruko.stack=x"), "unknown platform 'heruko'"),
        (("check", "app", "--env", "1A=x"), "expected NAME=VALUE"),
        (("check", "app", "--env-file", "nothing.env"), "nothing.env: no such file or directory"),
        (("check", "app", "--platform-dir", "nothing"), "no such directory"),
        (("check", "app", "-o", "nowhere/x.txt"), "nowhere/x.txt: no such file or directory"),
        (("chekc", "app"), "no such command or directory: 'chekc'; did you mean 'check'?"),
        (("check", "app", "--formt", "json"), "No such option"),
        (("build", "app", "--work-dir", "nowhere"), "no such directory"),
        (("explain", "heroku/multiple-package-manager"), "did you mean 'heroku/multiple-package-managers'?"),
        (("platforms", "show", "herok"), "did you mean 'heroku'?"),
    ],
)
def test_a_wrong_call_gets_one_clear_line(app: Path, argv: tuple[str, ...], expected: str) -> None:
    result = cli(*argv, cwd=app.parent)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stderr.startswith("predeploy: ")
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.predeploy]\nplatfroms = []\n", "pyproject.toml:2: unknown key 'platfroms' in [tool.predeploy]; did you mean 'platforms'?"),
        ("[tool.predeploy]\nplatforms = 'heroku'\n", "pyproject.toml:2: platforms must be a list"),
        ("[tool]\npredeploy = 1\n", "pyproject.toml:2: [tool.predeploy] must be a table"),
        ("[tool.predeploy]\nstrict = 'yes'\n", "pyproject.toml:2: strict must be true or false"),
        ("[tool.predeploy]\nplatform = 'x'\n", "pyproject.toml:2: platform must be a table of tables"),
        ("[tool.predeploy]\nas-of = 'soon'\n", "pyproject.toml:2: --as-of soon: expected a day"),
        ("[tool.predeploy]\n\nuntil = 'plan'\n", "pyproject.toml:3: until plan: expected install, verify or boot"),
        ("[tool.predeploy]\nenv.A = [1]\n", "pyproject.toml:2: A must be one value"),
        ("[tool.predeploy]\nplatform.heroku = 3\n", "pyproject.toml:2: [tool.predeploy.platform.heroku] must be a table"),
    ],
)  # fmt: skip
def test_wrong_configuration_is_named_with_its_line(app: Path, text: str, expected: str) -> None:
    (app / "pyproject.toml").write_text(text)
    result = cli("check", "-p", "heroku", cwd=app)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_a_pyproject_that_is_not_toml_is_the_apps_defect_not_ours(app: Path) -> None:
    (app / "pyproject.toml").write_text("[tool\n")
    result = cli("check", "-p", "heroku", cwd=app)
    assert result.exit_code == 0
    assert "pyproject.toml:1: not valid TOML" in result.stderr


def test_an_own_configuration_that_is_not_toml_is_an_error(app: Path) -> None:
    (app / "predeploy.toml").write_text("\n[platform\n")
    result = cli("check", "-p", "heroku", cwd=app)
    assert result.exit_code == 2
    assert "predeploy.toml:2: not valid TOML" in result.stderr


def test_variables_from_a_file(app: Path) -> None:
    (app / "vars.env").write_text("# a comment\nexport A=1\nB='two'\n\nSTACK=heroku-20\n")
    result = cli("check", "-p", "heroku", "--env-file", "vars.env", cwd=app)
    assert "checks::stack::eol" in result.stdout
    (app / "vars.env").write_text("A=1\nnot a variable\n")
    result = cli("check", "-p", "heroku", "--env-file", "vars.env", cwd=app)
    assert (result.exit_code, result.stderr) == (2, "predeploy: vars.env:2: expected NAME=VALUE\n")


def test_an_invalid_profile_is_named_with_its_line(app: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text("schema_version: 1\nid: mine\nextends: heroku\nnmae: x\n")
    result = cli("check", "-p", "mine", "--platform-dir", tmp_path / "own", cwd=app)
    assert result.exit_code == 2
    assert "mine.yaml:4: unknown key 'nmae'; did you mean 'name'?" in result.stderr


@pytest.mark.parametrize("width", ["40", "80", "200"])
def test_text_fits_the_terminal(app: Path, width: str) -> None:
    (app / "uv.lock").write_text("")
    printed = cli("check", cwd=app, env={"COLUMNS": width}).stdout
    for line in printed.splitlines():
        assert len(line) <= max(int(width), 64) or " " not in line.strip()


def test_colour_only_when_it_is_wanted(app: Path) -> None:
    assert "\x1b" not in cli("check", "-p", "heroku", cwd=app, env={"NO_COLOR": None}).stdout
    forced = cli("check", "-p", "heroku", cwd=app, env={"NO_COLOR": None, "FORCE_COLOR": "1"})
    assert "\x1b[32m" in forced.stdout
    both = cli("check", "-p", "heroku", cwd=app, env={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert "\x1b" not in both.stdout


def test_a_reader_that_goes_away_is_no_bug(app: Path) -> None:
    import subprocess
    import sys

    argv = f"{sys.executable} -m predeploy check {app} -f json | head -n 1"
    done = subprocess.run(argv, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
