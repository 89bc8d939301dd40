"""Real builds the way Streamlit Community Cloud builds, against the local index."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.building import MINOR, Build, decisive, log_of, outcome, rules, steps, versions
from support.elf import shared_object
from support.index import LocalIndex
from support.wheels import Distribution

SCRIPT = "import streamlit as st\n\nst.title('hello')\n"
ENTRY = "streamlit_app.py"

Deploy = Callable[..., dict[str, Any]]


@pytest.fixture
def deploy(build: Build) -> Deploy:
    """Return a function that builds a tree and gives the platform's answer."""

    def call(files: dict[str, str], *argv: str) -> dict[str, Any]:
        settings = ("--set", f"streamlit-cloud.python={MINOR}")
        result, platform = build({**files}, *settings, *argv, platform="streamlit-cloud")
        assert result.exit_code == (1 if platform["status"] in {"reject", "fail"} else 0), result.stderr
        return platform

    return call


# --- what is installed --------------------------------------------------------------------------------


def test_an_app_is_healthy_and_its_script_runs_to_the_end(deploy: Deploy) -> None:
    script = SCRIPT + "import alpha\nassert alpha.__version__ == '1.0'\n"
    platform = deploy({ENTRY: script, "requirements.txt": "streamlit\nalpha<2\n"})
    assert platform["status"] == "accept", decisive(platform)
    assert (platform["boot"]["http_status"], platform["boot"]["script_status"]) == (200, 200)
    assert steps(platform) == {
        "create-environment": "ok",
        "install-requirements": "ok",
        "install-streamlit": "ok",
        "install-rich": "ok",
        "replace-pyarrow": "skipped",
        "conflict-check": "ok",
    }
    argv = next(step["argv"] for step in platform["steps"] if step["id"] == "install-requirements")
    assert "uv-0.5.4" in argv[0]
    assert versions(platform)["pip"] == "24.0"


@pytest.mark.parametrize("requirements", [None, "alpha\n"], ids=["no file", "not listed"])
def test_streamlit_is_added_where_it_is_not_declared(deploy: Deploy, requirements: str | None) -> None:
    files = {ENTRY: SCRIPT} if requirements is None else {ENTRY: SCRIPT, "requirements.txt": requirements}
    platform = deploy(files)
    assert platform["status"] == "accept"
    assert platform["boot"]["script_status"] == 200
    got = versions(platform)
    assert {"streamlit", "rich"} <= set(got)
    assert ("alpha" in got) == (requirements is not None)


def test_a_file_that_only_pip_takes_is_installed_by_pip_after_uv_failed(deploy: Deploy) -> None:
    files = {ENTRY: SCRIPT, "requirements.txt": "alpha<2\n- beta\n"}
    platform = deploy(files, "--keep")
    assert platform["status"] == "warn"
    assert "dash-line-skipped" in rules(platform)
    ran = steps(platform)
    assert (ran["install-requirements"], ran["install-requirements-pip"]) == ("ignored", "ok")
    assert log_of(platform, "install-requirements"), "uv says why it failed"
    got = versions(platform)
    assert (got["alpha"], "beta" in got, "streamlit" in got) == ("1.0", False, True)


def test_hashes_on_some_lines_only_are_fine_since_uv_takes_them(deploy: Deploy, index: LocalIndex) -> None:
    line = f"alpha==1.0 --hash=sha256:{sha256_of(index, 'alpha-1.0-py3-none-any.whl')}\n"
    platform = deploy({ENTRY: SCRIPT, "requirements.txt": line + "beta\n"}, "--until", "install")
    assert platform["status"] == "accept"
    assert "install-requirements-pip" not in steps(platform)
    assert versions(platform)["alpha"] == "1.0"


def sha256_of(index: LocalIndex, name: str) -> str:
    return next(file.sha256 for file in index.files if file.path.name == name)


# --- installs that fail -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "upstream_id"),
    [
        ("no-such-thing", "package-not-found"),
        ("alpha==3", "version-not-found"),
        ("conflicted-left\nconflicted-right", "conflicting-requirements"),
        ("brokensdist", "build-failed"),
        (f"alpha==1.0 --hash=sha256:{'0' * 64}", "hash-mismatch"),
    ],
    ids=["name", "version", "conflict", "build", "hash"],
)
def test_an_install_that_fails_with_uv_and_with_pip(deploy: Deploy, line: str, upstream_id: str) -> None:
    platform = deploy({ENTRY: SCRIPT, "requirements.txt": f"streamlit\n{line}\n"})
    assert outcome(platform) == ("fail", "install", upstream_id)
    ran = steps(platform)
    assert (ran["install-requirements"], ran["install-requirements-pip"]) == ("failed", "failed")
    assert "install-streamlit" not in ran
    assert "installed" not in platform


# --- scripts that fail --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "upstream_id", "line"),
    [
        (SCRIPT + "\n\ndef go():\n    raise ValueError('no data')\n\n\ngo()\n", "script-error", 7),
        (SCRIPT + "st.write(\n", "script-error", 4),
        (SCRIPT + "open('data.csv')\n", "file-not-found", 4),
        (SCRIPT + "st.secrets['key']\n", "secret-missing", 4),
        (SCRIPT + "import importlib\nimportlib.import_module('requests')\n", "module-not-found", 5),
    ],
    ids=["exception", "syntax", "file", "secret", "import"],
)
def test_a_script_that_ends_with_an_exception(
    deploy: Deploy, script: str, upstream_id: str, line: int
) -> None:
    platform = deploy({ENTRY: script})
    assert outcome(platform) == ("fail", "boot", upstream_id)
    assert (platform["boot"]["http_status"], platform["boot"]["script_status"]) == (200, 503)
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == (ENTRY, line)


def test_secrets_of_a_file_reach_the_script_and_no_output(deploy: Deploy) -> None:
    script = SCRIPT + "value = st.secrets['api_key']\nraise ValueError(value)\n"
    files = {ENTRY: script, "mine.toml": "api_key = 'hush-hush-hush'\n"}
    platform = deploy(files, "--set", "streamlit-cloud.secrets=mine.toml", "--keep")
    assert outcome(platform) == ("fail", "boot", "script-error")
    assert "hush-hush" not in json.dumps(platform)
    assert "ValueError: ***" in Path(platform["boot"]["log"]).read_text("utf-8")


def test_a_file_of_secrets_that_is_not_there(build: Build) -> None:
    _, platform = build(
        {ENTRY: SCRIPT}, "--set", "streamlit-cloud.secrets=mine.toml", platform="streamlit-cloud"
    )
    assert platform["status"] == "unknown"
    assert "mine.toml: no such file" in decisive(platform)["message"]


def test_a_missing_module_is_found_before_the_start(deploy: Deploy) -> None:
    platform = deploy({ENTRY: SCRIPT + "import requests\n"})
    assert outcome(platform) == ("fail", "verify", "module-not-found")
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == (ENTRY, 4)


def test_a_script_that_stops_itself_is_healthy(deploy: Deploy) -> None:
    platform = deploy({ENTRY: SCRIPT + "st.stop()\nraise ValueError\n"})
    assert platform["status"] == "accept"
    assert platform["boot"]["script_status"] == 200


# --- an entrypoint in a sub-folder --------------------------------------------------------------------

SUB = ("--set", "streamlit-cloud.entrypoint=dashboard/app.py")


def test_modules_beside_the_entrypoint_and_files_of_the_root_are_there(deploy: Deploy) -> None:
    script = SCRIPT + "import helper\nopen('data.csv')\n"
    files = {"dashboard/app.py": script, "dashboard/helper.py": "import alpha\n", "data.csv": "1\n"}
    # Beside the entrypoint comes first.
    files |= {"dashboard/requirements.txt": "alpha\n", "requirements.txt": "beta\n"}
    platform = deploy(files, *SUB)
    assert platform["status"] == "warn"
    assert platform["manifest"] == "dashboard/requirements.txt"
    assert rules(platform) == {"several-dependency-files", "memory"}
    assert platform["boot"]["script_status"] == 200
    assert "beta" not in versions(platform)


@pytest.mark.parametrize("hidden", [False, True], ids=["static", "dynamic"])
def test_modules_of_the_root_cannot_be_imported(deploy: Deploy, hidden: bool) -> None:
    line = "import importlib\nimportlib.import_module('helper')\n" if hidden else "import helper\n"
    platform = deploy({"dashboard/app.py": SCRIPT + line, "helper.py": ""}, *SUB)
    assert outcome(platform) == ("fail", "boot" if hidden else "verify", "module-not-found")


def test_a_port_of_the_apps_own_is_refused_before_the_build(deploy: Deploy) -> None:
    platform = deploy({ENTRY: SCRIPT, ".streamlit/config.toml": "[server]\nport = 9999\n"})
    assert outcome(platform) == ("fail", "plan", "server-port-overridden")
    assert "steps" not in platform


# --- system libraries ---------------------------------------------------------------------------------


@pytest.fixture
def windowed(index: LocalIndex) -> None:
    """Serve a wheel whose extension needs libGL through a library it ships, and one that brings it in."""
    files: dict[str, str | bytes] = {
        "windowed/__init__.py": "",
        "windowed/native.abi3.so": shared_object(needed=("libqt-1.so", "libc.so.6")),
        "windowed.libs/libqt-1.so": shared_object(needed=("libGL.so.1",), soname="libqt-1.so"),
    }
    index.add(Distribution(name="windowed", version="1.0", files=files))
    index.add(Distribution(name="wrapper", version="1.0", requires=("windowed",)))


def test_a_library_that_the_image_lacks_is_found_before_the_start(deploy: Deploy, windowed: None) -> None:
    files = {ENTRY: SCRIPT + "import windowed\n", "requirements.txt": "wrapper\n"}
    platform = deploy(files)
    assert outcome(platform) == ("fail", "verify", "missing-system-library")
    finding = decisive(platform)
    assert "libGL.so.1 for windowed/native.abi3.so" in finding["message"]
    assert "libgl1" in finding["hint"]
    assert "opencv-python-headless" in finding["hint"]


def test_packages_txt_brings_the_library(deploy: Deploy, windowed: None) -> None:
    files = {ENTRY: SCRIPT + "import windowed\n", "requirements.txt": "wrapper\n", "packages.txt": "libgl1\n"}
    platform = deploy(files)
    assert (platform["status"], platform["boot"]["script_status"]) == ("accept", 200)


def test_a_library_that_may_never_be_loaded_is_a_warning(deploy: Deploy, windowed: None) -> None:
    platform = deploy({ENTRY: SCRIPT, "requirements.txt": "wrapper\n"})
    assert platform["status"] == "warn"
    assert "library-possibly-missing" in rules(platform)


# --- memory -------------------------------------------------------------------------------------------


def test_memory_is_measured_at_rest_and_at_its_peak(deploy: Deploy) -> None:
    platform = deploy({ENTRY: SCRIPT + "held = bytearray(b'x') * 80_000_000\n"})
    assert platform["status"] == "accept"
    boot = platform["boot"]
    assert boot["memory_at_rest"] > 1_000_000
    assert boot["memory_peak"] - boot["memory_at_rest"] > 50_000_000
    assert "memory" in rules(platform)
