"""``forecast`` from the outside: which days it names, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.apps import run_cli, write_tree

OLD = {
    "requirements.txt": "flask\n",
    ".python-version": "3.10\n",
    "Procfile": "web: gunicorn app:app\n",
    "main.py": "import functions_framework\n\n\ndef hello(request):\n    return 'hi'\n",
}
DAY = ("--as-of", "2026-11-20")


def forecast(app: Path, *argv: str) -> list[dict[str, Any]]:
    result = run_cli("forecast", "-f", "json", *argv, cwd=app)
    assert result.exit_code == 0, result.stderr
    platforms: list[dict[str, Any]] = json.loads(result.stdout)["platforms"]
    return platforms


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "app", OLD)


def test_an_app_on_python_3_10_is_told_the_day_of_its_removal(app: Path) -> None:
    (heroku,) = forecast(app, "-p", "heroku", *DAY)
    assert heroku["status"] == "warn"
    (change,) = heroku["changes"]
    assert (change["day"], change["certainty"]) == ("2027-01-06", "announced")
    assert change["after"]["status"] == "reject"
    assert change["after"]["reason"]["upstream_id"] == "python-version::eol"
    assert [f["rule"] for f in change["new_findings"]] == ["heroku/python-version-removed"]
    assert [f["rule"] for f in change["gone_findings"]] == ["heroku/python-3-10-deprecated"]
    assert change["new_findings"][0]["hint"]
    assert "announced in the deprecation warning, v321" in change["sources"]


def test_the_runtimes_of_cloud_functions_are_deprecated_and_then_refused(app: Path) -> None:
    options = ("-p", "cloud-functions", "--set", "cloud-functions.runtime=python311", *DAY)
    (functions,) = forecast(app, *options)
    found = [(c["day"], c["certainty"], c["after"]["status"]) for c in functions["changes"]]
    assert found == [("2027-10-24", "announced", "warn"), ("2028-04-24", "announced", "reject")]


def test_a_past_day_sees_what_has_been_observed_since(app: Path) -> None:
    (app / "uv.lock").write_text("")
    options = ("-p", "heroku", "--as-of", "2025-05-12", "--until", "2025-12-10")
    (heroku,) = forecast(app, *options)
    assert {change["certainty"] for change in heroku["changes"]} == {"observed"}
    last = heroku["changes"][-1]
    assert (last["day"], last["changed"]) == ("2025-12-10", ["status", "reason", "findings"])
    assert [f["severity"] for f in last["new_findings"]] == ["reject"]
    assert last["gone_findings"] == []


def test_the_days_are_after_the_given_one_and_up_to_the_last(app: Path) -> None:
    (on_the_day,) = forecast(app, "-p", "heroku", "--as-of", "2027-01-06")
    assert on_the_day["changes"] == []
    (before,) = forecast(app, "-p", "heroku", "--as-of", "2027-01-05", "--until", "2027-01-06")
    assert [change["day"] for change in before["changes"]] == ["2027-01-06"]
    (short,) = forecast(app, "-p", "heroku", "--as-of", "2027-01-04", "--until", "2027-01-05")
    assert short["changes"] == []


def test_a_change_of_the_default_python_counts(app: Path) -> None:
    (app / ".python-version").unlink()
    (heroku,) = forecast(app, "-p", "heroku", "--as-of", "2025-12-04", "--until", "2025-12-05")
    (change,) = heroku["changes"]
    assert change["changed"] == ["python"]
    assert (change["before"]["python"], change["after"]["python"]) == ("3.13", "3.14")


def test_the_text_says_what_to_do_and_when_nothing_is_known(app: Path) -> None:
    printed = run_cli("forecast", "-p", "heroku", *DAY, cwd=app).stdout
    assert "2027-01-06  warn → reject  announced" in printed
    assert "This Python has been removed from Heroku" in printed
    assert "fix: Move to a supported minor version" in printed
    assert "no longer said: heroku/python-3-10-deprecated" in printed
    (app / ".python-version").write_text("3.13\n")
    assert "No change is known" in run_cli("forecast", "-p", "heroku", *DAY, cwd=app).stdout


def test_a_refused_app_is_not_an_error_but_a_wrong_day_is(app: Path) -> None:
    (app / "requirements.txt").unlink()
    assert run_cli("forecast", "-p", "heroku", *DAY, cwd=app).exit_code == 0
    wrong = run_cli("forecast", "--until", "soon", cwd=app)
    assert wrong.exit_code == 2
    assert "--until soon" in wrong.stderr


def test_the_json_follows_the_published_schema(app: Path) -> None:
    from pydantic import TypeAdapter

    from predeploy.report.schema import Forecast

    printed = run_cli("forecast", "-f", "json", *DAY, cwd=app).stdout
    document = TypeAdapter(Forecast).validate_python(json.loads(printed))
    assert [platform["platform"] for platform in document["platforms"]]


def test_values_given_by_env_are_not_shown(app: Path) -> None:
    (app / ".python-version").write_text("canary-value\n")
    options = ("-p", "heroku", "--env", "TOKEN=canary-value", "--as-of", "2025-11-11")
    assert "canary" not in run_cli("forecast", "-f", "json", *options, cwd=app).stdout
