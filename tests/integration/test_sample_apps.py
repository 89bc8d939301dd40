"""The sample apps, built for real with packages from the index as configured."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from predeploy.env.runner import capture
from support.apps import run_cli
from support.outcomes import SAMPLE_APPS, outcomes

KEPT = ("PIP_", "UV_", "SSL_", "REQUESTS_CA", "CURL_CA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(scope="session")
def index_answers(tmp_path_factory: pytest.TempPathFactory) -> bool:
    """Whether pip, as configured by whoever runs the tests, gets a small wheel."""
    target = str(tmp_path_factory.mktemp("download"))
    argv = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", target, "itsdangerous")
    return capture(argv, timeout=60, env=os.environ) is not None


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("network-cache")


BUILT = {
    app: [platform for platform, cell in row.items() if "built" in cell]
    for app, row in outcomes()["apps"].items()
    if any("built" in cell for cell in row.values())
}


FEW = frozenset({"everywhere", "platformsh-uv"})
"""One that most platforms take, and one on a socket; all others are for those who have the time."""


@pytest.mark.network
@pytest.mark.parametrize(
    "app", [app if app in FEW else pytest.param(app, marks=pytest.mark.slow) for app in BUILT]
)
def test_a_sample_app_ends_as_its_cells_say(
    tmp_path: Path, app: str, index_answers: bool, shared_cache: Path
) -> None:
    if not index_answers:
        pytest.skip("the package index is out of reach")
    import shutil

    copy = shutil.copytree(SAMPLE_APPS / app, tmp_path / app)
    env: dict[str, str | None] = {k: v for k, v in os.environ.items() if k.startswith(KEPT)}
    env |= {"HOME": os.environ["HOME"], "TMPDIR": str(tmp_path)}
    platforms = [word for name in BUILT[app] for word in ("-p", name)]
    result = run_cli(
        *("build", str(copy), *platforms, "-f", "json", "-q"),
        *("--boot-timeout", "30" if app != "port-never-opened" else "5"),
        *("--as-of", outcomes()["as_of"].isoformat(), "--current-packages", "--no-fetch-python"),
        cwd=tmp_path,
        env=env,
        cache_dir=shared_cache,
        timeout=900,
    )
    assert result.stdout, result.stderr
    answers = {answer["platform"]: answer for answer in json.loads(result.stdout)["platforms"]}
    assert {name: built(answers[name]) for name in BUILT[app]} == {
        name: tolerant(outcomes()["apps"][app][name]["built"], answers[name]) for name in BUILT[app]
    }


def built(answer: dict[str, Any]) -> dict[str, Any]:
    boot = answer.get("boot") or {}
    return {
        "status": answer["status"],
        "phase": answer["phase"],
        "rule": answer["reason"]["rule"].partition("/")[2] if answer["reason"] else None,
        "http_status": boot.get("http_status"),
    }


def tolerant(cell: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """A machine without the host's Python builds on another one, which is a warning and changes no more."""
    out_of_reach = {"status": "unknown", "phase": "install", "rule": "network-trouble", "http_status": None}
    if answer["installer"] == "conda" and answer["status"] == "unknown":
        return out_of_reach  # the index answers, conda's channels do not; see test_streamlit_conda.py
    substituted = answer["python"].get("match") == "none"
    if substituted and cell["status"] == "accept":
        return {**cell, "status": "warn"}
    return cell
