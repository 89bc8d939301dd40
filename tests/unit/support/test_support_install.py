"""Real pip and real uv install from the index, offline, and from nowhere else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from support.index import LocalIndex
from support.serving import make_venv
from support.standins import standard_index
from support.wheels import COMPILER_ERROR


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    with standard_index() as server:
        server.add_bundled_pip()
        server.add_pip("26.2.1")
        server.add_uv("0.5.4")
        yield server


class Installer:
    """pip and uv in one fresh environment, with hostile variables of the caller around them."""

    def __init__(self, index: LocalIndex, directory: Path) -> None:
        self.bin = make_venv(directory / "venv")
        hostile = {"PIP_FIND_LINKS": "/nowhere", "UV_INDEX": "http://127.0.0.1:9/simple"}
        self.env = (
            {"PATH": os.defpath, "HOME": str(directory)}
            | hostile
            | index.environ()
            | {"PIP_CACHE_DIR": str(directory / "pip"), "UV_CACHE_DIR": str(directory / "uv")}
        )

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, env=self.env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def pip(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.bin / "python"), "-m", "pip", *argv)

    def uv(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.run(uv.find_uv_bin(), "pip", *argv, "--python", str(self.bin / "python"))

    def installed(self) -> set[str]:
        return set(self.pip("list", "--format=freeze").stdout.split())


@pytest.fixture
def installer(index: LocalIndex, tmp_path: Path) -> Installer:
    return Installer(index, tmp_path)


def test_pip_installs_wheels_and_sdists(installer: Installer, index: LocalIndex) -> None:
    done = installer.pip("install", "flask==3.0.3", "beta", "sdistonly", "with-extra[more]", "withdrawn")
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = {"Flask==3.0.3+standin", "Werkzeug==3.0.6+standin", "alpha==1.0", "beta==1.0", "sdistonly==1.0"}
    assert wanted | {"withdrawn==1.0"} <= installer.installed()
    assert installer.pip("check").returncode == 0
    assert any(line.endswith(".whl.metadata") for line in index.requests)


def test_uv_installs_wheels_and_sdists(installer: Installer) -> None:
    done = installer.uv(
        "install", "functions-framework==3.10.2", "sdistonly", "streamlit==1.67.0", "withdrawn"
    )
    assert done.returncode == 0, done.stderr
    wanted = {"functions-framework==3.10.2+standin", "gunicorn==26.0.0+standin", "sdistonly==1.0"}
    assert wanted | {"withdrawn==1.0"} <= installer.installed()
    assert installer.uv("check").returncode == 0


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_broken_sdist_fails_with_the_compiler_error(installer: Installer, tool: str) -> None:
    done = getattr(installer, tool)("install", "brokensdist")
    assert done.returncode == 1
    assert COMPILER_ERROR in done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["pip", "uv"])
@pytest.mark.parametrize(
    "wanted", ["needs-new", "dangling", "no-such-thing", "conflicted-left conflicted-right"]
)
def test_what_cannot_be_resolved_is_refused(installer: Installer, tool: str, wanted: str) -> None:
    assert getattr(installer, tool)("install", *wanted.split()).returncode == 1


def test_a_forced_conflict_makes_pip_check_unhappy(installer: Installer) -> None:
    installer.pip("install", "conflicted-left")
    installer.pip("install", "conflicted-right")
    done = installer.pip("check")
    assert done.returncode == 1
    assert "conflicted-left 1.0 has requirement conflicted-base<2" in done.stdout


def test_pinned_tools_install(installer: Installer) -> None:
    assert installer.pip("install", "pip==26.2.1", "uv==0.5.4").returncode == 0
    assert installer.pip("--version").stdout.startswith("pip 26.2.1 ")
    assert installer.pip("install", "alpha==2.0").returncode == 0
    assert installer.run(str(installer.bin / "uv"), "--version").stdout.startswith("uv ")
    assert installer.run(str(installer.bin / "python"), "-m", "uv", "--version").returncode == 0


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_a_cut_download_and_a_failing_index_are_noticed(
    installer: Installer, index: LocalIndex, tool: str
) -> None:
    install = getattr(installer, tool)
    try:
        index.cut_off("beta-1.0-py3-none-any.whl")
        assert install("install", "beta").returncode != 0
        index.fail_with(503)
        assert install("install", "alpha").returncode != 0
    finally:
        index.behave()
    assert install("install", "beta").returncode == 0
