"""One local index a worker, with stand-ins for the real servers and the hosts' pinned tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.apps import CliResult, run_cli, write_tree
from support.index import LocalIndex
from support.standins import standard_index, standin

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def index() -> Iterator[LocalIndex]:
    index = standard_index()
    for version in ("26.2.1", "26.3", "24.0"):
        index.add_pip(version)
    index.add(standin("setuptools", "70.3.0", local=""))
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
    ) -> tuple[CliResult, dict[str, Any]]:
        app = files if isinstance(files, Path) else write_tree(tmp_path / "app", files)
        variables = {**index.environ(), "TMPDIR": str(tmp_path), **(env or {})}
        result = run_cli(
            "build",
            str(app),
            *("-p", platform, "-f", "json", "--no-fetch-python", "--boot-timeout", "20"),
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
