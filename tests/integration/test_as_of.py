"""A past day's build takes the packages of that day, and says so where it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.apps import run_cli, write_tree
from support.building import MINOR, Build, decisive, index_with_tools, log_of, outcome, rules, versions
from support.index import LocalIndex
from support.wheels import Distribution

DAY = "2026-09-01"
"""Heroku then installs with pip 26.2.1, which can be held to a day."""

BEFORE_THE_OPTION = "2026-01-10"
"""Heroku then installs with pip 25.3, which cannot."""

UNTIL = ("--until", "install")
WEB = {".python-version": MINOR, "Procfile": "web: python app.py\n", "app.py": ""}
PIP = {**WEB, "requirements.txt": "dated\n"}
UV_LOCK = 'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "app"\nsource = { virtual = "." }\n'
STREAMLIT = {"requirements.txt": "dated\nstreamlit\n", "streamlit_app.py": "import streamlit\n"}


@pytest.fixture(scope="session")
def index() -> Iterator[LocalIndex]:
    """Serve one project whose second version came after the day, and everything else long before."""
    index = index_with_tools()
    index.add(Distribution(name="dated", version="1.0", uploaded="2026-08-31T12:00:00Z"))
    index.add(Distribution(name="dated", version="2.0", uploaded="2026-09-02T00:00:00Z"))
    with index:
        yield index


@pytest.fixture(autouse=True)
def with_upload_times(index: LocalIndex) -> Iterator[None]:
    index.uploaded = "2020-01-01T00:00:00Z"
    yield
    index.uploaded = None


def built(build: Build, files: dict[str, Any], *argv: str, day: str = DAY, **more: Any) -> dict[str, Any]:
    return build(files, *argv, *UNTIL, "--as-of", day, current_packages=False, **more)[1]


def test_pip_takes_what_had_been_uploaded_by_the_end_of_the_day(build: Build) -> None:
    platform = built(build, PIP)
    assert platform["status"] == "accept"
    assert versions(platform)["dated"] == "1.0"


def test_the_day_itself_counts_to_its_end(build: Build) -> None:
    assert versions(built(build, PIP, day="2026-09-02"))["dated"] == "2.0"


def test_the_packages_of_today_can_be_asked_for(build: Build) -> None:
    assert versions(built(build, PIP, "--current-packages"))["dated"] == "2.0"


def test_uv_takes_what_had_been_uploaded_by_the_end_of_the_day(build: Build) -> None:
    platform = built(build, STREAMLIT, "--set", f"streamlit-cloud.python={MINOR}", platform="streamlit-cloud")
    assert platform["status"] in {"accept", "warn"}, platform["findings"]
    assert versions(platform)["dated"] == "1.0"


def test_a_pip_without_the_option_leaves_the_answer_open(build: Build) -> None:
    platform = built(build, PIP, day=BEFORE_THE_OPTION)
    assert outcome(platform) == ("unknown", "install", None)
    assert decisive(platform)["rule"] == "heroku/packages-not-as-of-day"
    assert "install-dependencies could not be held to 2026-01-10" in decisive(platform)["message"]


def test_a_failure_with_the_packages_of_today_says_nothing_of_the_day(build: Build) -> None:
    files = {**PIP, "requirements.txt": "no-such-thing\n"}
    platform = built(build, files, day=BEFORE_THE_OPTION)
    assert platform["status"] == "unknown"
    assert platform["reason"]["rule"] in {"heroku/packages-not-as-of-day", "heroku/pip-install-failed"}


def test_a_package_that_is_not_there_still_fails_with_the_hosts_id(build: Build) -> None:
    platform = built(build, {**PIP, "requirements.txt": "no-such-thing\n"})
    assert outcome(platform) == ("fail", "install", "install-dependencies::pip")


def test_an_index_without_upload_times_leaves_the_answer_open(build: Build, index: LocalIndex) -> None:
    index.uploaded = None
    platform = built(build, {**PIP, "requirements.txt": "alpha\n"})
    assert outcome(platform) == ("unknown", "install", None)
    assert decisive(platform)["rule"] == "heroku/index-without-upload-times"
    assert "does not provide upload-time metadata" in log_of(platform, "install-dependencies")


def test_uv_without_upload_times_is_not_a_failure(build: Build, index: LocalIndex) -> None:
    index.uploaded = None
    options = ("--set", f"streamlit-cloud.python={MINOR}")
    files = {**STREAMLIT, "requirements.txt": "alpha\n"}
    platform = built(build, files, *options, platform="streamlit-cloud")
    assert platform["status"] == "unknown", platform["findings"]
    assert rules(platform) & {"index-without-upload-times", "packages-not-as-of-day"}


@pytest.mark.parametrize(
    "files",
    [
        {**WEB, "uv.lock": UV_LOCK, "pyproject.toml": '[project]\nname = "app"\nversion = "0"\n'},
        {**WEB, "poetry.lock": "", "pyproject.toml": '[project]\nname = "app"\nversion = "0"\n'},
    ],
    ids=["uv", "poetry"],
)
def test_a_tool_that_cannot_be_installed_any_more_is_unknown(build: Build, files: dict[str, Any]) -> None:
    platform = built(build, files, day=BEFORE_THE_OPTION)
    assert outcome(platform) == ("unknown", "install", None)
    assert decisive(platform)["rule"] == "heroku/machine-trouble"
    assert "could not be installed" in decisive(platform)["message"]


def test_a_seed_that_cannot_be_installed_any_more_is_unknown(build: Build) -> None:
    platform = built(build, PIP, day="2025-12-20")  # pip 25.2, which this index does not have
    assert decisive(platform)["rule"] == "heroku/machine-trouble"
    assert "pip 25.2" in decisive(platform)["message"]


def planned(tmp_path: Path, files: dict[str, Any], platform: str, *argv: str) -> str:
    app = write_tree(tmp_path / "app", files)
    return run_cli("plan", str(app), "-p", platform, "--as-of", DAY, *argv, cwd=tmp_path).stdout


@pytest.mark.parametrize("form", ["text", "json", "sh"])
def test_the_plan_shows_the_limit(tmp_path: Path, form: str) -> None:
    printed = planned(tmp_path, PIP, "heroku", "-f", form)
    assert "PIP_UPLOADED_PRIOR_TO" in printed
    assert "2026-09-02T00:00:00Z" in printed
    assert "PIP_UPLOADED_PRIOR_TO" not in planned(tmp_path, PIP, "heroku", "-f", form, "--current-packages")


def test_the_plan_limits_uv_but_not_what_a_lockfile_pins(tmp_path: Path) -> None:
    assert "UV_EXCLUDE_NEWER=2026-09-02T00:00:00Z" in planned(tmp_path, STREAMLIT, "streamlit-cloud")
    locked = {**WEB, "uv.lock": UV_LOCK, "pyproject.toml": ""}
    assert "UV_EXCLUDE_NEWER" not in planned(tmp_path, locked, "heroku")
