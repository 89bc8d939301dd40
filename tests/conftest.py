"""Guards that hold for every test: a home of its own, an unchanged directory, no variables of the caller."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

# No deadlines: the machine may be busy, and tests never depend on time.
settings.register_profile("default", deadline=None)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=200,
    print_blob=True,
    database=DirectoryBasedExampleDatabase(".fuzz/examples"),
)
settings.load_profile("default")

pytest_plugins = ["support.building"]


@pytest.fixture(autouse=True)
def _surroundings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Give a test an empty home and cache; those marked ``network`` keep the caller's index settings."""
    before = Path.cwd()
    if "network" not in request.keywords:
        for name in list(os.environ):
            if name.startswith(("PIP_", "UV_", "PREDEPLOY_", "XDG_")) or name in {
                "CI",
                "NO_COLOR",
                "FORCE_COLOR",
            }:
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        monkeypatch.setenv("PREDEPLOY_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    assert Path.cwd() == before, "the test changed the working directory"
