"""Real builds the way Google Cloud Functions builds, against the local index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.building import MINOR, Build, decisive, log_of, outcome, rules, steps, versions

RUNTIME = f"python{MINOR.replace('.', '')}"
HTTP = "import functions_framework\n\n\n@functions_framework.http\ndef hello(request):\n    return 'hello'\n"
EVENT = (
    "import functions_framework\n\n\n@functions_framework.cloud_event\ndef hello(event):\n    print(event)\n"
)
PLAIN = "def hello(request):\n    return 'hello'\n"

Deploy = Callable[..., dict[str, Any]]


@pytest.fixture
def deploy(build: Build) -> Deploy:
    """Return a function that builds a tree with the target ``hello`` and gives the platform's answer."""

    def call(files: dict[str, str], *argv: str, manager: str = "pip") -> dict[str, Any]:
        settings = [
            *("--set", f"cloud-functions.runtime={RUNTIME}", "--set", "cloud-functions.target=hello"),
            # Without it, Python 3.14 would have uv.
            *("--env", f"GOOGLE_PYTHON_PACKAGE_MANAGER={manager}"),
        ]
        result, platform = build({**files}, *settings, *argv, platform="cloud-functions")
        assert result.exit_code == (1 if platform["status"] in {"reject", "fail"} else 0), result.stderr
        return platform

    return call


# --- what is installed --------------------------------------------------------------------------------


def test_an_http_function_answers_and_its_requirements_override_the_framework_list(deploy: Deploy) -> None:
    platform = deploy({"main.py": HTTP, "requirements.txt": "gunicorn==26.0.0\nalpha<2\n"})
    assert platform["status"] == "accept"
    assert platform["boot"]["http_status"] == 200
    ran = steps(platform)
    assert list(ran) == [
        *("create-environment", "compile-sources", "install-framework", "install-requirements"),
        "conflict-check",
    ]
    assert set(ran.values()) == {"ok"}
    got = versions(platform)
    assert (got["gunicorn"], got["alpha"], got["flask"]) == ("26.0.0", "1.0", "3.0.3")
    assert got["pip"] == "26.3"


def test_a_cloud_event_function_counts_as_started_although_it_takes_no_get(deploy: Deploy) -> None:
    platform = deploy({"main.py": EVENT})
    assert platform["status"] == "accept"
    assert platform["boot"]["http_status"] == 405
    assert versions(platform)["functions-framework"] == "3.10.2"


def test_a_declared_framework_is_not_injected(deploy: Deploy) -> None:
    platform = deploy({"main.py": HTTP, "requirements.txt": "functions-framework\n"})
    assert platform["status"] == "accept"
    assert "install-framework" not in steps(platform)
    # The newest, not the list's: nothing else pins it.
    assert versions(platform)["gunicorn"] == "26.0.0"


def test_uv_installs_the_requirements_where_it_is_asked_to(deploy: Deploy) -> None:
    platform = deploy({"main.py": HTTP, "requirements.txt": "alpha<2\n"}, manager="uv")
    assert platform["status"] == "accept"
    assert platform["installer"] == "uv"
    argv = next(step["argv"] for step in platform["steps"] if step["id"] == "install-requirements")
    assert argv[0].endswith("/uv")
    assert "uv-0.12.5" in argv[0]
    assert {"functions-framework", "alpha"} <= set(versions(platform))
    assert "pip" not in versions(platform)


def test_a_project_is_locked_and_synced_by_uv(deploy: Deploy) -> None:
    project = '[project]\nname = "f"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["functions-framework", "alpha<2"]\n'
    platform = deploy({"main.py": HTTP, "pyproject.toml": project}, manager="")
    assert platform["status"] == "accept", decisive(platform)
    assert list(steps(platform))[2:4] == ["uv-lock", "uv-sync"]
    assert versions(platform)["alpha"] == "1.0"
    assert platform["boot"]["http_status"] == 200


# --- what fails ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("manager", ["pip", "uv"])
def test_a_conflict_ends_the_build_in_verify(deploy: Deploy, manager: str) -> None:
    platform = deploy({"main.py": HTTP, "requirements.txt": "Werkzeug<3\n"}, manager=manager)
    assert outcome(platform) == ("fail", "verify", "dependency-conflict")
    assert "werkzeug>=3" in decisive(platform)["message"].lower()


def test_a_requirement_that_does_not_exist(deploy: Deploy) -> None:
    platform = deploy({"main.py": HTTP, "requirements.txt": "no-such-thing\n"})
    assert outcome(platform) == ("fail", "install", "pip-install-failed")
    assert "no-such-thing" in log_of(platform, "install-requirements")


def test_a_file_that_does_not_compile_is_refused_before_anything_is_installed(deploy: Deploy) -> None:
    platform = deploy({"main.py": HTTP, "tests/template.py": "def {name}():\n    pass\n"})
    assert outcome(platform) == ("reject", "plan", "python-syntax-error")
    assert "steps" not in platform
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == ("tests/template.py", 1)


def test_nothing_of_a_pipfile_is_installed_and_its_imports_are_missed(deploy: Deploy) -> None:
    pipfile = "[packages]\nrequests = '*'\n"
    platform = deploy({"main.py": "import requests\n" + PLAIN, "Pipfile": pipfile})
    assert outcome(platform) == ("fail", "verify", "boot-import-error")
    assert "pipfile-ignored" in rules(platform)
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == ("main.py", 1)
    assert "requests" not in versions(platform)


@pytest.mark.parametrize(
    ("source", "upstream_id", "text", "line"),
    [
        (
            "import importlib\nimportlib.import_module('requests')\n" + PLAIN,
            "boot-import-error",
            "requests",
            2,
        ),
        ("def other(request):\n    return ''\n", "boot-target-not-found", "hello", None),
        ("class hello:\n    pass\n", "boot-target-not-function", "hello", None),
        ("import os\nos.environ['GREETING']\n" + PLAIN, "boot-needs-environment", "GREETING", 2),
    ],
    ids=["import", "no-target", "class", "variable"],
)
def test_a_start_that_fails(
    deploy: Deploy, source: str, upstream_id: str, text: str, line: int | None
) -> None:
    platform = deploy({"main.py": source, "requirements.txt": "functions-framework\n"})
    status = "unknown" if upstream_id == "boot-needs-environment" else "fail"
    assert outcome(platform) == (status, "boot", upstream_id)
    finding = decisive(platform)
    assert text in finding["message"]
    if line is not None:
        assert [(place["path"], place["line"]) for place in finding["evidence"]] == [("main.py", line)]


def test_run_variables_reach_the_function_and_build_variables_do_not(deploy: Deploy) -> None:
    source = (
        "import os\n\nassert os.environ['GREETING'] == 'hi'\nassert 'GOOGLE_PYTHON_PACKAGE_MANAGER' not in os.environ\n"
        + PLAIN
    )
    platform = deploy(
        {"main.py": source, "requirements.txt": "functions-framework\n"}, "--env", "GREETING=hi"
    )
    assert platform["status"] == "accept", decisive(platform)


# --- what is uploaded ---------------------------------------------------------------------------------


def test_gcloudignore_hides_the_requirements(deploy: Deploy) -> None:
    files = {"main.py": "import alpha\n" + PLAIN, "requirements.txt": "alpha\n", ".gcloudignore": "*.txt\n"}
    platform = deploy(files)
    assert platform["manifest"] is None
    assert outcome(platform) == ("fail", "verify", "boot-import-error")
