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
    call = platform["boot"]["call"]
    assert (call["what"], call["method"], call["status"], call["body"]) == (
        *("an HTTP request", "GET"),
        *(200, "hello"),
    )
    ran = steps(platform)
    assert list(ran) == [
        *("create-environment", "compile-sources", "install-framework", "install-requirements"),
        "conflict-check",
    ]
    assert set(ran.values()) == {"ok"}
    got = versions(platform)
    assert (got["gunicorn"], got["alpha"], got["flask"]) == ("26.0.0", "1.0", "3.0.3")
    assert got["pip"] == "26.3"


def test_a_cloud_event_function_is_given_an_event_of_pubsub(deploy: Deploy) -> None:
    source = EVENT.replace("print(event)", "assert event.data['message']['data'] == 'aGVsbG8='")
    platform = deploy({"main.py": source})
    assert platform["status"] == "accept"
    call = platform["boot"]["call"]
    assert "google.cloud.pubsub.topic.v1.messagePublished" in call["what"]
    assert (call["method"], call["status"], call["body"]) == ("POST", 200, "OK")
    assert versions(platform)["functions-framework"] == "3.10.2"


def test_a_background_function_is_given_its_two_arguments(deploy: Deploy) -> None:
    source = "def hello(event, context):\n    assert event['name'] == 'hello.txt'\n    context['eventId']\n"
    platform = deploy({"main.py": source}, "--set", "cloud-functions.event=storage")
    assert platform["status"] == "accept", platform["findings"]
    assert rules(platform) == {"signature-inferred"}
    assert "google.storage.object.finalize" in platform["boot"]["call"]["what"]


def test_a_function_is_called_once(deploy: Deploy) -> None:
    source = (
        "import pathlib, tempfile\n\ndef hello(request):\n"
        "    seen = pathlib.Path(tempfile.gettempdir(), 'seen')\n"
        "    seen.write_text((seen.read_text() if seen.exists() else '') + '.')\n"
        "    return seen.read_text()\n"
    )
    assert deploy({"main.py": source})["boot"]["call"]["body"] == "."


def test_a_function_that_raises_when_it_is_called_deploys_with_a_warning(deploy: Deploy) -> None:
    platform = deploy({"main.py": "def hello(request):\n    return 1 / 0\n"})
    assert platform["status"] == "warn"
    (finding,) = platform["findings"]
    assert finding["rule"] == "cloud-functions/call-failed"
    assert [(place["path"], place["line"]) for place in finding["evidence"]] == [("main.py", 2)]
    assert "ZeroDivisionError" in finding["message"]


def test_a_handler_of_the_wrong_arity_is_told_before_and_after_the_call(deploy: Deploy) -> None:
    platform = deploy(
        {"main.py": "import functions_framework\n\n@functions_framework.http\ndef hello():\n    return ''\n"}
    )
    assert platform["status"] == "warn"
    assert rules(platform) == {"handler-arity", "call-failed"}


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


def test_an_import_of_a_pipfile_ends_the_build_before_it_begins(deploy: Deploy) -> None:
    pipfile = "[packages]\nrequests = '*'\n"
    platform = deploy({"main.py": "import requests\n" + PLAIN, "Pipfile": pipfile})
    assert outcome(platform) == ("reject", "plan", "boot-import-error")
    assert "pipfile-ignored" in rules(platform)
    places = [(place["path"], place["line"]) for place in decisive(platform)["evidence"]]
    assert places == [("Pipfile", 2), ("main.py", 1)]
    assert "steps" not in platform


@pytest.mark.parametrize(
    ("source", "upstream_id", "text", "line"),
    [
        (
            "import importlib\nimportlib.import_module('requests')\n" + PLAIN,
            "boot-import-error",
            "requests",
            2,
        ),
        ("globals()['hello']\n", "boot-import-error", "KeyError", 1),
        ("globals()\n", "boot-target-not-found", "hello", None),
        ("hello = print\n", "boot-target-not-function", "hello", None),
        ("import os\nos.environ['GREETING']\n" + PLAIN, "boot-needs-environment", "GREETING", 2),
    ],
    ids=["import", "load", "no-target", "builtin", "variable"],
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
    assert outcome(platform) == ("fail", "plan", "boot-import-error")
