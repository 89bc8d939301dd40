"""Real builds on Cloud Run, App Engine and Firebase, against the local index."""

from __future__ import annotations

from typing import Any

from support.building import MINOR, Build, decisive, outcome, rules, steps, versions

RUNTIME = f"python{MINOR.replace('.', '')}"
APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
FUNCTION = (
    "from firebase_functions import https_fn\n\n\n"
    "@https_fn.on_request()\ndef hello(request):\n    return 'hello'\n"
)


# --- Cloud Run ------------------------------------------------------------------------------------------


def cloud_run(build: Build, files: dict[str, str], *argv: str) -> dict[str, Any]:
    words = ("--env", "GOOGLE_PYTHON_PACKAGE_MANAGER=pip", *argv)
    return build({".python-version": MINOR, **files}, *words, platform="cloud-run")[1]


def test_gunicorn_is_added_and_serves_main(build: Build) -> None:
    platform = cloud_run(build, {"main.py": APP, "requirements.txt": "flask\n"})
    assert outcome(platform) == ("accept", "boot", None), platform["findings"]
    assert list(steps(platform))[1:] == ["install-webserver", "install-requirements", "conflict-check"]
    assert versions(platform)["gunicorn"] == "22.0.0"
    assert platform["processes"] == {"web": "gunicorn -b :8080 main:app"}
    assert platform["boot"]["http_status"] == 200
    assert "call" not in platform["boot"]


def test_the_procfile_says_the_start_and_nothing_is_added(build: Build) -> None:
    files = {
        "web.py": APP,
        "requirements.txt": "flask\ngunicorn\n",
        "Procfile": "web: gunicorn -b :$PORT web:app\n",
    }
    platform = cloud_run(build, files)
    assert outcome(platform) == ("accept", "boot", None), platform["findings"]
    assert "install-webserver" not in steps(platform)


def test_a_conflict_fails_the_build(build: Build) -> None:
    platform = cloud_run(
        build, {"main.py": APP, "requirements.txt": "flask\n-r more.txt\n", "more.txt": "werkzeug<3\n"}
    )
    assert platform["status"] == "fail"
    assert platform["phase"] in {"install", "verify"}


def test_a_project_without_its_server_builds_and_does_not_start(build: Build) -> None:
    project = '[project]\nname = "x"\nversion = "1"\ndependencies = ["flask"]\n'
    files = {".python-version": MINOR, "main.py": APP, "pyproject.toml": project}
    _, platform = build(files, platform="cloud-run")
    assert "server-not-declared" in rules(platform)
    assert (platform["status"], platform["phase"]) in {("fail", "boot"), ("unknown", "boot")}


# --- App Engine -----------------------------------------------------------------------------------------


def test_app_engine_serves_main_with_the_variables_of_app_yaml(build: Build) -> None:
    app = APP.replace('"hello"', "__import__('os').environ['GREETING']")
    yaml = f"runtime: {RUNTIME}\nenv_variables:\n  GREETING: hello\n"
    _, platform = build(
        {"app.yaml": yaml, "main.py": app, "requirements.txt": "flask\n"}, platform="app-engine"
    )
    assert outcome(platform) == ("accept", "boot", None), platform["findings"]
    assert platform["boot"]["http_status"] == 200
    assert versions(platform)["gunicorn"] == "22.0.0"


def test_a_line_that_only_looks_like_gunicorn_leaves_the_default_start_without_it(build: Build) -> None:
    files = {"app.yaml": f"runtime: {RUNTIME}\n", "main.py": APP}
    files["requirements.txt"] = 'flask\ngunicorn; python_version < "3"\n'
    _, platform = build(files, platform="app-engine")
    assert outcome(platform) == ("fail", "verify", "gunicorn-not-installed")


# --- Firebase -------------------------------------------------------------------------------------------


def firebase(build: Build, main: str, requirements: str = "firebase-functions\n") -> dict[str, Any]:
    files = {
        "firebase.json": f'{{"functions": {{"source": "functions", "runtime": "{RUNTIME}"}}}}',
        "functions/main.py": main,
        "functions/requirements.txt": requirements,
    }
    return build(files, "--set", "firebase-functions.venv=made", platform="firebase-functions")[1]


def test_the_functions_of_a_directory_are_learnt_and_one_is_called(build: Build) -> None:
    platform = firebase(build, FUNCTION)
    assert outcome(platform) == ("accept", "boot", None), platform["findings"]
    assert steps(platform)["discover-functions"] == "ok"
    assert platform["boot"]["call"]["body"] == "hello"


def test_a_source_that_cannot_be_imported_has_no_functions(build: Build) -> None:
    platform = firebase(build, "import importlib\nimportlib.import_module('nowhere')\n" + FUNCTION)
    assert outcome(platform) == ("fail", "verify", "firebase-discovery-failed")
    assert "nowhere" in decisive(platform)["message"]


def test_the_place_of_a_finding_is_named_from_the_top(build: Build) -> None:
    platform = firebase(build, "def broken(:\n")
    assert outcome(platform) == ("reject", "plan", "python-syntax-error")
    assert decisive(platform)["evidence"][0]["path"] == "functions/main.py"
