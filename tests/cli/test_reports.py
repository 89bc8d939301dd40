"""Forms and files from the outside: --format, --report, report, GitHub Actions by itself, configuration."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from predeploy.option import FORMATS
from predeploy.options import OPTIONS
from support.apps import CliResult, run_cli, write_tree

APP = {"requirements.txt": "flask\n", "poetry.lock": "", "Procfile": "web: x\n", ".python-version": "3.13\n"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "app", APP)


def check(cwd: Path, *argv: str, env: dict[str, str | None] | None = None) -> CliResult:
    return run_cli("check", "-p", "heroku", *argv, cwd=cwd, env=env)


def test_further_forms_are_written_beside_the_answer(app: Path) -> None:
    reports = [word for name in FORMATS for word in ("--report", f"{name}:out.{name}")]
    done = check(app, "--format", "concise", *reports)
    assert done.exit_code == 1, done.stderr
    assert "heroku/multiple-package-managers" in done.stdout
    assert {name for name in FORMATS if (app / f"out.{name}").stat().st_size > 0} == set(FORMATS)
    assert ET.parse(app / "out.junit").getroot().get("failures") == "1"
    assert json.loads((app / "out.json").read_text())["exit_code"] == 1


def test_a_saved_result_is_rendered_and_keeps_its_exit_code(app: Path) -> None:
    check(app, "-f", "json", "-o", "r.json")
    direct = check(app, "-f", "concise").stdout
    done = run_cli("report", "r.json", "-f", "concise", cwd=app)
    assert (done.exit_code, done.stdout) == (1, direct)


def test_results_of_a_matrix_are_merged(app: Path) -> None:
    for name in ("heroku", "platformsh"):
        run_cli("check", "-p", name, "-f", "json", "-o", f"{name}.json", cwd=app)
    done = run_cli("report", "heroku.json", "platformsh.json", "-f", "json", cwd=app)
    assert [p["platform"] for p in json.loads(done.stdout)["platforms"]] == ["heroku", "platformsh"]
    assert done.exit_code == 1


def test_github_actions_gets_annotations_and_a_summary_by_itself(app: Path) -> None:
    env: dict[str, str | None] = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(app / "summary.md")}
    (app / "summary.md").write_text("before\n")
    done = check(app, env=env)
    assert "::error file=requirements.txt,line=1,title=heroku/multiple-package-managers%3A" in done.stdout
    assert "::group::heroku%3A reject" in done.stdout or "::group::heroku: reject" in done.stdout
    summary = (app / "summary.md").read_text()
    assert summary.startswith("before\n## predeploy: . as of")
    assert "| Heroku | ✓ ok | ✗ reject |" in summary


@pytest.mark.parametrize("how", ["flag", "variable", "configuration", "file"])
def test_an_explicit_form_wins_over_the_place(app: Path, how: str) -> None:
    env: dict[str, str | None] = {"GITHUB_ACTIONS": "true"}
    argv: tuple[str, ...] = ()
    if how == "flag":
        argv = ("-f", "text")
    if how == "variable":
        env["PREDEPLOY_FORMAT"] = "text"
    if how == "configuration":
        (app / "predeploy.toml").write_text('format = "text"\n')
    if how == "file":
        argv = ("-o", "out.txt")
    done = check(app, *argv, env=env)
    assert "::" not in done.stdout.replace("package-manager::", "")


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (("--report", "junit"), "--report junit: expected FORMAT:FILE"),
        (("--report", "junt:x"), "--report junt:x: no such format: junt; did you mean 'junit'?"),
        (("--report", "html:no/such/x.html"), "no/such/x.html: no such file or directory"),
        (("--format", "xml"), "'xml' is not one of"),
    ],
)
def test_wrong_forms_are_one_clear_line(app: Path, argv: tuple[str, ...], problem: str) -> None:
    done = check(app, *argv)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_values_of_variables_are_in_no_form(app: Path) -> None:
    (app / "requirements.txt").write_text("--index-url https://user:pa55word@host/simple\nflask==hunter22\n")
    reports = [word for name in FORMATS for word in ("--report", f"{name}:out.{name}")]
    done = check(app, "--env", "TOKEN=hunter22", *reports)
    texts = [done.stdout, done.stderr, *((app / f"out.{name}").read_text() for name in FORMATS)]
    assert not [text for text in texts if "hunter22" in text or "pa55word" in text]


# --- configuration ----------------------------------------------------------------------------------


def test_every_flag_has_a_key_a_variable_or_a_reason() -> None:
    without = {option.flag for option in OPTIONS if option.config_key is None}
    harmful = {"--work-dir", "--output-file", "--build", "--sandbox", "--network", "--expose", "--limit"}
    harmful |= {"--service"}
    assert without == {"--set", "--env", *harmful}
    assert len({option.environment_variable for option in OPTIONS}) == len(OPTIONS) - 1  # two have none


def test_flags_win_over_variables_over_configuration(app: Path) -> None:
    (app / "predeploy.toml").write_text('as-of = "2025-12-09"\nformat = "json"\nplatforms = ["heroku"]\n')
    seen = [
        json.loads(run_cli("check", *argv, cwd=app, env=env).stdout)["as_of"]
        for argv, env in [
            ((), {}),
            ((), {"PREDEPLOY_AS_OF": "2025-12-11"}),
            (("--as-of", "2025-12-12"), {"PREDEPLOY_AS_OF": "2025-12-11"}),
        ]
    ]
    assert seen == ["2025-12-09", "2025-12-11", "2025-12-12"]


def test_configured_reports_lie_below_the_app(app: Path) -> None:
    (app / "predeploy.toml").write_text('reports = ["junit:r.xml"]\n')
    run_cli("check", "app", "-p", "heroku", cwd=app.parent)
    assert (app / "r.xml").is_file()
    (app / "predeploy.toml").write_text('\nreports = ["junit:../r.xml"]\n')
    done = check(app)
    assert done.exit_code == 2
    assert "predeploy.toml:2: reports ../r.xml: a configured path must lie below the app" in done.stderr


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("jobs = 0", "jobs 0: expected at least 1"),
        ("jobs = true", "jobs must be a whole number"),
        ("keep = 'yes'", "keep must be true or false"),
        ("format = 'xml'", "format xml: expected text, concise"),
        ("boot_timeout = 3", "unknown key 'boot_timeout' in [tool.predeploy]; did you mean 'boot-timeout'?"),
        ("platform-dir = []", "did you mean 'platform-dirs'?"),
        ("output-file = 'x'", "only --output-file and PREDEPLOY_OUTPUT_FILE say it"),
        ("env-files = ['/etc/passwd']", "env-files /etc/passwd: a configured path must lie below the app"),
        ("apps = 'x'", "apps must be a list of directories"),
    ],
)
def test_a_wrong_configuration_names_file_line_and_remedy(app: Path, key: str, problem: str) -> None:
    (app / "predeploy.toml").write_text(f"\n{key}\n")
    done = check(app)
    assert done.exit_code == 2
    assert done.stderr.startswith("predeploy: predeploy.toml:2: ")
    assert problem in done.stderr


def test_the_schema_of_the_configuration_agrees_with_the_reader(app: Path) -> None:
    import tomllib

    import jsonschema

    schema = json.loads(run_cli("schema", "config", cwd=app).stdout)
    text = (
        'platforms = ["heroku"]\nas-of = "2026-01-01"\nstrict = true\njobs = 2\nboot-timeout = 1.5\n'
        'format = "json"\nreports = ["junit:x.xml"]\napps = ["a"]\nenv = {A = 1}\nplatform.heroku.stack = "heroku-24"\n'
    )
    jsonschema.validate(tomllib.loads(text), schema)
    (app / "predeploy.toml").write_text(text)
    assert check(app).exit_code == 1
    for wrong in ({"jobs": 0}, {"nonsense": 1}, {"strict": "yes"}, {"format": "xml"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


# --- matrix and doctor ------------------------------------------------------------------------------


def test_matrix_judges_apps_platforms_and_days(app: Path) -> None:
    write_tree(app.parent / "other", {**APP, "predeploy.toml": 'platforms = ["platformsh"]\n'})
    (app.parent / "predeploy.toml").write_text(
        'apps = ["app", "oth*"]\nplatforms = ["heroku"]\ndays = ["2025-12-09", "2025-12-10"]\n'
    )
    done = run_cli("matrix", "-f", "json", cwd=app.parent)
    results = json.loads(done.stdout)["results"]
    cells = [(r["app"], r["as_of"], p["platform"], p["status"]) for r in results for p in r["platforms"]]
    assert cells[:2] == [
        ("app", "2025-12-09", "heroku", "warn"),
        ("app", "2025-12-10", "heroku", "reject"),
    ]
    assert [cell[:3] for cell in cells[2:]] == [
        ("other", "2025-12-09", "platformsh"),
        ("other", "2025-12-10", "platformsh"),
    ]
    assert done.exit_code == 1
    listed = json.loads(run_cli("matrix", "--list", "--format", "json", cwd=app.parent).stdout)
    assert listed["include"][0] == {"app": "app", "platform": "heroku", "as_of": "2025-12-09"}
    assert len(listed["include"]) == 4


def test_an_app_of_a_matrix_does_not_say_how_the_whole_is_answered(app: Path) -> None:
    (app / "predeploy.toml").write_text('format = "json"\nstrict = true\nreports = ["json:mine.json"]\n')
    done = run_cli("matrix", "app", "-p", "heroku", cwd=app.parent)
    assert done.stdout.startswith("app as of")
    assert not (app / "mine.json").exists()
    (app / "predeploy.toml").write_text("build = true\n")
    assert "only --build and PREDEPLOY_BUILD say it" in run_cli("matrix", "app", cwd=app.parent).stderr


def test_matrix_names_what_is_not_there(app: Path) -> None:
    done = run_cli("matrix", "servcies/*", cwd=app)
    assert (done.exit_code, done.stderr) == (2, "predeploy: servcies/*: no such directory\n")


def test_doctor_names_interpreters_platforms_and_what_is_missing(app: Path) -> None:
    found = json.loads(run_cli("doctor", "--format", "json", cwd=app).stdout)
    assert found["interpreters"]
    assert {p["platform"] for p in found["platforms"]} >= {"heroku", "platformsh"}
    assert {p["fidelity"] for p in found["platforms"]} <= {"full", "substitute", "static"}
    bare = run_cli("doctor", cwd=app, env={"PATH": "/nonexistent"})
    assert bare.exit_code == 0
    assert "install git" in bare.stdout


def test_an_error_about_a_hostile_file_does_not_reach_the_terminal(app: Path) -> None:
    (app / "predeploy.toml").write_text('"\\u001b[31mkey\\u202e ::error::x" = 1\n')
    done = check(app)
    assert done.exit_code == 2
    assert "\x1b" not in done.stderr
    assert "\u202e" not in done.stderr
    assert "::error::" not in done.stderr
