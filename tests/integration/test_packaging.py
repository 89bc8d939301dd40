"""The built-in profiles are found in a checkout, in an editable install, and in a wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from predeploy.env.tools import uv_binary
from predeploy.profiles.registry import builtin_directory
from support.apps import run_cli

ROOT = Path(__file__).resolve().parent.parent.parent
BUILTIN = {path.stem for path in (ROOT / "platforms").glob("*.yaml")}
ABSTRACT = {"base", "google", "upsun-family"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source")
    subprocess.run(["git", "-C", str(ROOT), "checkout-index", "-a", f"--prefix={source}/"], check=True)
    for name in ("pyproject.toml", "platforms", "src"):  # as they are now, committed or not
        subprocess.run(["cp", "-R", str(ROOT / name), f"{source}/"], check=True)
    argv = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(target),
        ".",
    ]
    subprocess.run(argv, cwd=source, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


def test_a_checkout_has_its_own_profiles() -> None:
    assert builtin_directory() == ROOT / "platforms"


def test_the_wheel_holds_every_profile_and_the_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"predeploy/platforms/{name}.yaml" for name in BUILTIN} <= names
    assert "predeploy/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "sample_apps", "docs"))]


def test_an_installed_wheel_lists_and_checks(wheel: Path, tmp_path: Path) -> None:
    venv, uv = tmp_path / "venv", str(uv_binary())
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PREDEPLOY_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(venv)], check=True, env=env)
    install = [
        uv,
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--offline",
        "--python",
        str(venv / "bin/python"),
        str(wheel),
    ]
    subprocess.run(install, check=True, env=env)
    env["PYTHONPATH"] = sysconfig.get_paths()["purelib"]  # the dependencies; predeploy itself is not there
    script = str(venv / "bin" / "predeploy")
    listed = subprocess.run(
        [script, "platforms", "list", "-f", "json"], check=True, capture_output=True, text=True, env=env
    )
    rows = json.loads(listed.stdout)
    assert {row["id"] for row in rows} == BUILTIN - ABSTRACT
    assert all(str(venv) in row["path"] for row in rows)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "requirements.txt").write_text("")
    argv = [script, "check", str(tmp_path / "app"), "-p", "heroku"]
    checked = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    assert "would deploy" in checked.stdout, checked.stderr


def test_a_plugin_package_adds_a_platform_and_a_broken_one_is_a_remark(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    info = site / "acme-1.0.dist-info"
    package = site / "acme_profiles"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "__init__.py").write_text("")
    (package / "acme.yaml").write_text("schema_version: 1\nid: acme\nname: Acme\nextends: heroku\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    points = "[predeploy.profiles]\nacme = acme_profiles\nbroken = no_such_package.inside\n"
    (info / "entry_points.txt").write_text(points)
    result = run_cli("platforms", "list", cwd=tmp_path, env={"PYTHONPATH": str(site)})
    assert result.exit_code == 0, result.stderr
    assert "acme" in result.stdout
    assert "plugin" in result.stdout
    assert "plugin broken" in result.stderr
