"""Real builds the way Heroku's Cloud Native Buildpack builds, against the local index."""

from __future__ import annotations

import pytest

from support.building import MINOR, Build, outcome, rules, steps, versions

APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
FLASK = {
    "requirements.txt": "flask\ngunicorn\n",
    ".python-version": MINOR,
    "Procfile": "web: gunicorn app:app\n",
    "app.py": APP,
}
SERVER = {
    "requirements.txt": "",
    ".python-version": MINOR,
    "Procfile": 'web: python -m http.server "$PORT" --bind ::\n',
}


def test_pip_installs_from_outside_and_ipv4_is_not_enough(build: Build) -> None:
    _, platform = build(FLASK, platform="heroku-cnb")
    assert outcome(platform) == ("warn", "boot", None)
    assert "ipv4-only" in rules(platform)
    assert platform["boot"]["http_status"] == 200
    assert platform["boot"]["listening"] == [f"0.0.0.0:{platform['boot']['port']}"]
    assert {"flask", "gunicorn"} <= set(versions(platform))
    assert "pip" not in versions(platform)
    assert steps(platform) == dict.fromkeys(
        ("create-environment", "install-dependencies", "conflict-check"), "ok"
    )


def test_an_app_that_imports_pip_fails_where_pip_is_not_installed(build: Build) -> None:
    _, platform = build({**FLASK, "app.py": f"import pip\n{APP}"}, platform="heroku-cnb")
    assert outcome(platform) == ("fail", "verify", None)
    assert "missing-import" in rules(platform)


def test_a_server_on_ipv6_is_accepted(build: Build) -> None:
    import socket

    if not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")
    _, platform = build(SERVER, platform="heroku-cnb")
    assert outcome(platform) == ("accept", "boot", None)
    assert platform["boot"]["listening"] == [f"[::]:{platform['boot']['port']}"]


def test_manage_py_without_django_means_nothing(build: Build) -> None:
    _, platform = build(
        {**SERVER, "manage.py": "raise SystemExit(1)\n"}, "--until", "install", platform="heroku-cnb"
    )
    assert steps(platform)["collectstatic"] == "skipped"
    assert outcome(platform) == ("accept", "install", None)
