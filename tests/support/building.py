"""One local index a worker, with stand-ins for the real servers and the hosts' pinned tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.apps import CliResult, run_cli, write_tree
from support.cases import TODAY
from support.index import LocalIndex
from support.pages import normalise
from support.standins import standard_index, standin

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def index_with_tools() -> LocalIndex:
    """Return an index, not started, with the stand-ins and the tools that the hosts pin."""
    index = standard_index()
    for version in ("26.2.1", "26.1.2", "26.3", "25.3", "24.0"):
        index.add_pip(version)
    for version in ("0.12.5", "0.5.4"):
        index.add_uv(version)
    # Heroku seeds these for Python 3.12 and older, wheel until the end of 2025.
    index.add(standin("setuptools", "70.3.0", local=""))
    index.add(standin("wheel", "0.45.1", local=""))
    return index


@pytest.fixture(scope="session")
def index() -> Iterator[LocalIndex]:
    index = index_with_tools()
    index.add(standin("werkzeug", "2.3.8"))  # too old for the stand-in of Flask
    with index:
        yield index


@pytest.fixture(scope="session")
def worker_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pinned tools and seed wheels are made once a worker."""
    return tmp_path_factory.mktemp("worker-cache")


Build = Callable[..., tuple[CliResult, dict[str, Any]]]


@pytest.fixture
def build(index: LocalIndex, worker_cache: Path, tmp_path: Path) -> Build:
    """Return a function that builds a tree on one platform and gives the process and the platform's answer."""

    def call(
        files: dict[str, str | bytes | None] | Path,
        *argv: str,
        platform: str = "heroku",
        env: dict[str, str | None] | None = None,
        current_packages: bool = True,
    ) -> tuple[CliResult, dict[str, Any]]:
        app = files if isinstance(files, Path) else write_tree(tmp_path / "app", files)
        variables = {**index.environ(), "TMPDIR": str(tmp_path), **(env or {})}
        result = run_cli(
            "build",
            str(app),
            *("-p", platform, "-f", "json", "--no-fetch-python", "--boot-timeout", "20"),
            *("--as-of", TODAY.isoformat()),
            *(("--current-packages",) if current_packages else ()),
            *argv,
            cwd=tmp_path,
            env=variables,
            cache_dir=worker_cache,
            timeout=300,
        )
        assert "Traceback" not in result.stderr or "predeploy: bug" not in result.stderr, result.stderr
        document = json.loads(result.stdout) if result.stdout else {"platforms": [{}]}
        return result, document["platforms"][0]

    return call


def decisive(platform: dict[str, Any]) -> dict[str, Any]:
    """Return the finding that decided a platform's answer."""
    return next(finding for finding in platform["findings"] if finding["decisive"])


def rules(platform: dict[str, Any]) -> set[str]:
    """Return the rules that spoke, without the platform's name."""
    return {finding["rule"].partition("/")[2] for finding in platform["findings"]}


def outcome(platform: dict[str, Any]) -> tuple[str, str, str | None]:
    """Return status, phase and the host's own reason id of a platform's answer."""
    return platform["status"], platform["phase"], (platform["reason"] or {}).get("upstream_id")


def steps(platform: dict[str, Any]) -> dict[str, str]:
    """Return what came of each step, in the order they ran."""
    return {step["id"]: step["status"] for step in platform["steps"]}


def log_of(platform: dict[str, Any], step: str) -> str:
    """Return the log of a step of a build that was kept."""
    return Path(next(s["log"] for s in platform["steps"] if s["id"] == step)).read_text(encoding="utf-8")


def versions(platform: dict[str, Any]) -> dict[str, str]:
    """Return the installed distributions by normalised name, without the stand-ins' local version."""
    return {normalise(item["name"]): item["version"].partition("+")[0] for item in platform["installed"]}
