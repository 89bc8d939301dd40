"""What a function is called with, where findings of Firebase lie, and the recipes of the sister products."""

from __future__ import annotations

import json
from typing import Any

import pytest

from predeploy.hosts.app_engine import gunicorn_installed
from predeploy.hosts.cloud_functions_call import call_for
from predeploy.hosts.cloud_run import cloud_run
from predeploy.hosts.firebase_discovery import PROGRAM
from predeploy.hosts.firebase_functions import discovery
from predeploy.hosts.google_entrypoint import declares_gunicorn, procfile_commands
from predeploy.model.conditions import Match, NoMatch
from predeploy.model.execution import Execution, Installed, StepResult
from predeploy.pipeline.detect import detect
from predeploy.rules.case import Case
from support.cases import ContractCase, case_of

FRAMEWORK = "import functions_framework\n\n@functions_framework."


def case(platform: str, files: dict[str, Any], env: dict[str, str] | None = None, /, **settings: str) -> Case:
    contract = ContractCase(
        name="unit", platform=platform, files=files, expect={}, settings=settings, env=env or {}
    )
    return case_of(contract)


def function(source: str, **settings: str) -> Case:
    return case("cloud-functions", {"main.py": source}, runtime="python312", **settings)


@pytest.mark.parametrize(
    ("source", "settings", "method", "what"),
    [
        ("def hello(request): ...\n", {}, "GET", "an HTTP request"),
        (FRAMEWORK + "http\ndef hello(request): ...\n", {"signature": "event"}, "GET", "an HTTP request"),
        (FRAMEWORK + "cloud_event\ndef hello(e): ...\n", {}, "POST", "pubsub.topic.v1.messagePublished"),
        (FRAMEWORK + "cloud_event\ndef hello(e): e.data['bucket']\n", {}, "POST", "object.v1.finalized"),
        (FRAMEWORK + "cloud_event\ndef hello(e): ...\n", {"event": "storage"}, "POST", "v1.finalized"),
        ("def hello(event, context): ...\n", {}, "POST", "google.pubsub.topic.publish"),
        ("def hello(data): ...\n", {"signature": "event", "event": "storage"}, "POST", "object.finalize"),
        (FRAMEWORK + "typed\ndef hello(x): ...\n", {}, "POST", "a JSON object"),
    ],
)
def test_a_function_is_called_with_what_its_signature_takes(
    source: str, settings: dict[str, str], method: str, what: str
) -> None:
    call = call_for(function(source, **settings))
    assert call.method == method
    assert what in call.what


def test_a_cloud_event_is_sent_in_binary_mode_with_the_required_attributes() -> None:
    call = call_for(function(FRAMEWORK + "cloud_event\ndef hello(e): ...\n"))
    assert {"ce-id", "ce-source", "ce-specversion", "ce-type"} <= set(call.headers)
    assert json.loads(call.body)["message"]["data"] == "aGVsbG8="


def test_a_background_event_has_the_context_that_the_framework_makes_its_object_of() -> None:
    body = json.loads(call_for(function("def hello(event, context): ...\n")).body)
    assert set(body["context"]) == {"eventId", "timestamp", "eventType", "resource"}
    assert body["data"]["data"] == "aGVsbG8="


def test_a_callable_of_firebase_is_called_as_its_clients_do() -> None:
    source = "from firebase_functions import https_fn\n\n@https_fn.on_call()\ndef hello(request): ...\n"
    files = {"main.py": source, "requirements.txt": "firebase-functions\n"}
    call = call_for(case("firebase-functions", files, venv="made"))
    assert (call.method, json.loads(call.body)) == ("POST", {"data": {}})


def test_the_health_answer_of_a_function_does_not_call_it() -> None:
    plan = detect(function("def hello(request): ...\n")).plan
    assert plan is not None
    assert plan.boot is not None
    assert plan.boot.probe == "/robots.txt"
    assert plan.boot.call is not None


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("web: a\nweb: b\n", {"web": "a"}),
        ("web:a b\r\nworker : x\n", {"web": "a b"}),
        ("my-web: a\n web: b\n", {}),
        ("web:\n", {}),
    ],
)
def test_processes_have_names_of_word_characters(text: str, commands: dict[str, str]) -> None:
    assert procfile_commands(case("cloud-run", {"Procfile": text})) == commands


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("gunicorn\n", True),
        ("gunicornify\n", True),
        (" gunicorn\n", False),
        ("Gunicorn\n", False),
        ("", False),
    ],
)
def test_gunicorn_is_looked_for_at_the_start_of_a_line(text: str, declared: bool) -> None:
    assert declares_gunicorn(case("cloud-run", {"requirements.txt": text})) is declared


def test_the_shown_command_has_the_port_of_the_host() -> None:
    plan = cloud_run(
        case("cloud-run", {"main.py": "", "requirements.txt": "streamlit\n", ".python-version": "3.13"})
    )
    shown = "streamlit run main.py --server.address 0.0.0.0 --server.port 8080"
    assert plan.processes == {"web": shown}


def test_build_variables_do_not_reach_the_app() -> None:
    env = {"GOOGLE_RUNTIME_VERSION": "3.13", "PIP_INDEX_URL": "x", "GREETING": "hi"}
    plan = cloud_run(case("cloud-run", {"main.py": "", "requirements.txt": ""}, env))
    assert plan.boot is not None
    assert plan.boot.step.env["GREETING"] == "hi"
    assert not {"GOOGLE_RUNTIME_VERSION", "PIP_INDEX_URL"} & set(plan.boot.step.env)
    assert plan.steps[0].env["PIP_INDEX_URL"] == "x"


@pytest.mark.parametrize(("version", "state"), [(None, "missing"), ("18.0", "old"), ("19.0.0", None)])
def test_the_default_start_of_app_engine_wants_a_recent_gunicorn(
    version: str | None, state: str | None
) -> None:
    app = case("app-engine", {"app.yaml": "runtime: python312\n", "main.py": ""})
    installed = (Installed(name="gunicorn", version=version),) if version else ()
    app.execution = Execution(installed=installed)
    for asked in ("missing", "old"):
        outcome = gunicorn_installed(app, state=asked)
        assert isinstance(outcome, Match if asked == state else NoMatch)


@pytest.mark.parametrize(("status", "ended"), [(3, "sdk-missing"), (4, "failed"), (5, "timeout"), (0, None)])
def test_the_discovery_ends_in_one_way(status: int, ended: str | None) -> None:
    app = case("firebase-functions", {"main.py": "", "requirements.txt": ""}, venv="made")
    output = "Traceback (most recent call last):\n  File x\nNameError: name 'x' is not defined\n"
    step = StepResult(
        id="discover-functions", phase="verify", status="failed", returncode=status, output=output
    )
    app.execution = Execution(steps=(step,))
    found = {
        kind for kind in ("sdk-missing", "failed", "timeout") if isinstance(discovery(app, ended=kind), Match)
    }
    assert found == ({ended} if ended else set())


def test_the_discovery_is_a_program() -> None:
    compile(PROGRAM, "discovery", "exec")


def test_places_are_named_from_the_top_of_the_project() -> None:
    files = {
        "firebase.json": '{"functions": {"source": "functions"}}',
        "functions/main.py": "def broken(:\n",
        "functions/requirements.txt": "firebase-functions\n",
    }
    app = case("firebase-functions", files, venv="made")
    places = {place.path for finding in detect(app).findings for place in finding.evidence}
    assert (app.root, places) == ("functions", {"functions/main.py"})
    assert app.on(app.snapshot).root == "functions"
