"""The files for CI systems: the action's shell steps are run as a runner would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.apps import clean_environ, run_cli, write_tree

ROOT = Path(__file__).resolve().parent.parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}
APP = {"requirements.txt": "flask\n", "poetry.lock": "", "Procfile": "web: x\n", ".python-version": "3.13\n"}


def run_step(
    step: dict[str, Any], cwd: Path, programs: Path, **inputs: str
) -> tuple[int, str, dict[str, str]]:
    """Run a step's script with its variables filled in from inputs; return code, output and outputs."""
    given = {name: entry.get("default", "") for name, entry in ACTION["inputs"].items()} | {
        name.replace("_", "-"): value for name, value in inputs.items()
    }

    def filled(match: re.Match[str]) -> str:
        for part in match[1].split("||"):
            name = part.strip().removeprefix("inputs.")
            value = "/the/action" if part.strip() == "github.action_path" else given[name]
            if value:
                return value
        return ""

    env = {name: re.sub(r"\$\{\{(.*?)\}\}", filled, value) for name, value in step["env"].items()}
    assert "${{" not in step["run"], "an expression in a script lets a pull request write commands"
    (cwd / "output").write_text("")
    home = clean_environ(cwd.parent / "home") | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    runner = {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_OUTPUT": str(cwd / "output"),
        "RUNNER_TEMP": str(cwd),
    }
    summary = {"GITHUB_STEP_SUMMARY": str(cwd / "summary.md")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=cwd,
        env=home | runner | summary | env,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = (cwd / "output").read_text().splitlines()
    outputs = dict(line.split("=", 1) for line in lines)
    return done.returncode, done.stdout + done.stderr, outputs


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH directory with the predeploy and python of these tests."""
    script = f'#!/bin/sh\nexec "{sys.executable}" -P -m predeploy "$@"\n'
    return write_tree(
        tmp_path / "bin", {"predeploy": script, "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'}
    )


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "my app", APP)


def test_the_action_annotates_summarises_and_tells_each_verdict(app: Path, programs: Path) -> None:
    code, printed, outputs = run_step(
        STEPS["run"], app, programs, platforms="heroku,\nplatformsh", reports="sarif:p.sarif\njunit:p.xml"
    )
    assert code == 1, printed
    assert "::error file=requirements.txt" in printed
    assert "| Heroku |" in (app / "summary.md").read_text()
    verdicts = json.loads(outputs["verdicts"])
    assert verdicts["heroku"] == "reject"
    assert set(verdicts) == {"heroku", "platformsh"}
    assert (outputs["verdict"], outputs["exit-code"]) == ("reject", "1")
    assert json.loads(Path(outputs["result"]).read_text())["strict"] is True
    assert (app / "p.sarif").is_file()
    assert (app / "p.xml").is_file()


def test_the_action_answers_for_a_day_and_is_lenient_when_asked(app: Path, programs: Path) -> None:
    code, printed, outputs = run_step(
        STEPS["run"], app, programs, platforms="heroku", as_of="2025-12-09", strict="false"
    )
    assert (code, outputs["verdict"]) == (0, "warn"), printed
    assert json.loads(Path(outputs["result"]).read_text())["strict"] is False


@pytest.mark.parametrize("path", ["$(touch pwned)", "-o pwned", "; touch pwned", "a\nb"])
def test_what_a_pull_request_names_is_never_run(app: Path, programs: Path, path: str) -> None:
    code, printed, outputs = run_step(STEPS["run"], app, programs, path=path, platforms="heroku")
    assert code == 2, printed
    assert not (app / "pwned").exists()
    assert outputs == {"verdicts": "{}", "verdict": "unknown", "exit-code": "2", "result": ""}


def test_the_action_builds_when_asked_for_a_later_phase(app: Path, programs: Path) -> None:
    write_tree(programs, {"predeploy": '#!/bin/sh\nprintf "%s\\n" "$@" > argv\n'})
    run_step(STEPS["run"], app, programs, until="verify")
    argv = (app / "argv").read_text().split("\n")
    assert argv[0] == "build"
    assert argv[argv.index("--until") + 1] == "verify"
    assert argv[-3:] == ["--", ".", ""]


@pytest.mark.parametrize(
    ("package", "installed"), [("", "/the/action"), ("predeploy==1.2", "predeploy==1.2")]
)
def test_the_action_installs_its_own_version_or_the_one_asked_for(
    app: Path, programs: Path, package: str, installed: str
) -> None:
    write_tree(programs, {"python": '#!/bin/sh\nprintf "%s\\n" "$@" > argv\n'})
    run_step(STEPS["install"], app, programs, package=package)
    assert (app / "argv").read_text().splitlines() == [
        *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        installed,
    ]


def test_the_hook_of_pre_commit_checks_and_fires_for_the_right_files(app: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("predeploy", "python", False)
    program, *argv = hook["entry"].split()
    assert program == "predeploy"
    done = run_cli(*argv, cwd=app)
    assert done.exit_code == 1
    assert "heroku/multiple-package-managers" in done.stdout
    files = re.compile(hook["files"])
    for name in (
        "app.py",
        "a/requirements.txt",
        "requirements-dev.txt",
        "uv.lock",
        ".platform.app.yaml",
        "Procfile",
    ):
        assert files.search(name), name
    for name in ("README.md", "a/Procfile.md", "image.png"):
        assert not files.search(name), name


def test_the_gitlab_template_writes_the_reports_it_names(app: Path, programs: Path) -> None:
    job = yaml.safe_load((ROOT / "ci" / "predeploy.gitlab-ci.yml").read_text("utf-8"))["predeploy"]
    script = "\n".join(job["script"][1:])
    env = clean_environ(app.parent / "home") | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CI": "true",
    }
    env |= {
        name: value
        for name, value in job["variables"].items()
        if name.startswith("PREDEPLOY_") and "DIR" not in name
    }
    done = subprocess.run(
        ["bash", "-ec", script], cwd=app, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    reports = job["artifacts"]["reports"]
    issues = json.loads((app / reports["codequality"]).read_text())
    assert issues[0]["severity"] == "blocker"
    assert (app / reports["junit"]).is_file()
    assert (app / job["artifacts"]["paths"][0]).is_file()


def test_every_yaml_and_toml_of_the_guides_can_be_read() -> None:
    import tomllib

    blocks = 0
    for page in ROOT.glob("docs/**/*.md"):
        for language, text in re.findall(r"```(yaml|toml)\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            blocks += 1
            yaml.safe_load(text) if language == "yaml" else tomllib.loads(text)
    assert blocks >= 5
