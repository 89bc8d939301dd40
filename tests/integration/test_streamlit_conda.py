"""environment.yml solved and installed for real, from a channel that the tests make."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from support.building import Build, decisive, log_of, outcome, rules, steps, versions
from support.conda import MINOR, PYTHON, CondaChannels, standard_channel
from support.outcomes import SAMPLE_APPS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the host's conda packages are for Linux")

SCRIPT = "import streamlit as st\n\nst.title('hello')\n"
HEAD = "channels: [conda-forge]\ndependencies:\n"


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> CondaChannels:
    return standard_channel(tmp_path_factory.mktemp("channels"))


@pytest.fixture
def deploy(build: Build, channels: CondaChannels) -> Any:
    def call(files: dict[str, str | bytes | None], *argv: str, **env: str) -> dict[str, Any]:
        tree = {"streamlit_app.py": SCRIPT, **files}
        variables: dict[str, str | None] = {**channels.environ(), **env}
        _, platform = build(tree, *argv, platform="streamlit-cloud", env=variables)
        return platform

    return call


def test_an_environment_is_solved_linked_and_started(deploy: Any) -> None:
    listed = f"  - python={MINOR}\n  - streamlit>=1.40\n  - requests\n"
    platform = deploy({"environment.yml": HEAD + listed, "streamlit_app.py": SCRIPT + "import requests\n"})
    assert platform["status"] == "accept", decisive(platform)
    assert steps(platform) == {"conda-install": "ok", "conflict-check": "ok"}
    assert (platform["boot"]["http_status"], platform["boot"]["script_status"]) == (200, 200)
    assert {"streamlit", "requests", "rich", "click"} <= set(versions(platform))
    assert (platform["python"]["local"], platform["python"]["match"]) == (PYTHON, "exact")


def test_the_pip_section_is_installed_by_the_environments_own_pip(deploy: Any) -> None:
    listed = f"  - python={MINOR}\n  - pip\n  - pip:\n    - streamlit\n    - alpha<2\n"
    platform = deploy({"environment.yml": HEAD + listed}, "--keep")
    assert platform["status"] == "accept", decisive(platform)
    assert versions(platform)["alpha"] == "1.0"
    assert "Successfully installed" in log_of(platform, "conda-install")


def test_requirements_beside_it_are_ignored_and_the_report_says_so(deploy: Any) -> None:
    listed = f"  - python={MINOR}\n  - streamlit\n"
    platform = deploy({"environment.yml": HEAD + listed, "requirements.txt": "alpha\n"})
    assert platform["status"] == "warn"
    assert platform["manifest"] == "environment.yml"
    assert rules(platform) >= {"several-dependency-files"}
    assert "alpha" not in versions(platform)


def test_the_sample_app_starts(deploy: Any) -> None:
    app = SAMPLE_APPS / "streamlit-conda"
    files = {path.name: path.read_text("utf-8") for path in app.iterdir() if path.is_file()}
    files["environment.yml"] = files["environment.yml"].replace("python=3.12", f"python={MINOR}")
    platform = deploy(files)
    assert (platform["status"], platform["installer"]) == ("warn", "conda")
    assert "environment.yml is used, requirements.txt not" in platform["findings"][0]["message"]
    assert platform["boot"]["script_status"] == 200


@pytest.mark.parametrize(
    ("listed", "upstream_id"),
    [
        ("  - no-such-package\n", "package-not-found"),
        ("  - requests=99\n", "version-not-found"),
        ("  - requests=2.32.0=py312_0\n", "version-not-found"),
        ("  - left\n  - right\n", "conflicting-requirements"),
        ("  - python=3.8\n", "version-not-found"),
    ],
    ids=["name", "version", "build", "conflict", "python"],
)
def test_an_environment_that_cannot_be_solved(deploy: Any, listed: str, upstream_id: str) -> None:
    platform = deploy({"environment.yml": HEAD + "  - streamlit\n" + listed})
    assert outcome(platform) == ("fail", "install", upstream_id)


def test_a_pip_section_that_fails_has_pips_reasons(deploy: Any) -> None:
    listed = f"  - python={MINOR}\n  - pip\n  - pip:\n    - streamlit\n    - no-such-thing\n"
    platform = deploy({"environment.yml": HEAD + listed})
    assert outcome(platform) == ("fail", "install", "package-not-found")


def test_a_channel_that_is_not_there(deploy: Any) -> None:
    text = f"channels: [no-such-channel]\ndependencies: [python={MINOR}, streamlit]\n"
    platform = deploy({"environment.yml": text})
    assert (platform["status"], platform["phase"]) == ("fail", "install")
    assert "conda-channel-unavailable" in rules(platform)


def test_channels_that_are_out_of_reach_decide_nothing(deploy: Any) -> None:
    text = f"channels: [conda-forge]\ndependencies: [python={MINOR}, streamlit]\n"
    platform = deploy({"environment.yml": text}, CONDA_CHANNEL_ALIAS="http://127.0.0.1:9")
    assert (platform["status"], platform["phase"]) == ("unknown", "install")


def test_without_the_extra_nothing_beyond_the_file_is_known(deploy: Any, tmp_path: Path) -> None:
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "sitecustomize.py").write_text(
        "import sys\nimport importlib.machinery as m\n"
        "real = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = classmethod(\n"
        "    lambda cls, name, *a: None if name == 'rattler' else real(name, *a)\n)\n"
    )
    text = f"channels: [conda-forge]\ndependencies: [python={MINOR}, streamlit]\n"
    platform = deploy({"environment.yml": text}, PYTHONPATH=str(blocker))
    assert (platform["status"], platform["phase"]) == ("unknown", "install")
    assert "predeploy[conda]" in decisive(platform)["message"]
