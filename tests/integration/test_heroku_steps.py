"""What Heroku runs after the install, for real against the local index: NLTK data, collectstatic, sizes."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

from predeploy.env import interpreters
from support.apps import run_cli, write_tree
from support.building import MINOR, Build, decisive, log_of, outcome, rules, steps, versions
from support.django_standin import MANAGE, add_to
from support.index import LocalIndex
from support.wheels import Distribution

DJANGO = {
    "requirements.txt": "django\n",
    ".python-version": MINOR,
    "Procfile": "worker: python -m this\n",
    "manage.py": MANAGE,
    "settings.py": "STATIC_ROOT = 'collected'\n",
}
PLAIN = {"requirements.txt": "", ".python-version": MINOR, "Procfile": "worker: python -m this\n"}
UNTIL = ("--until", "install")


@pytest.fixture(scope="module", autouse=True)
def _served(index: LocalIndex) -> None:
    add_to(index)


# --- collectstatic --------------------------------------------------------------------------------------


def test_collectstatic_runs_after_the_install_with_config_vars(build: Build) -> None:
    settings = (
        "import os, sys\nSTATIC_ROOT = os.environ['ROOT']\nprint(os.environ['PYTHONPATH'], '' in sys.path)\n"
    )
    hook = "#!/bin/sh\ntest -f collected/base.css\n"
    files = {**DJANGO, "settings.py": settings, "bin/post_compile": hook}
    _, platform = build(files, *UNTIL, "--keep", "--env", "ROOT=collected", "--env", "PATH=/nowhere")
    assert steps(platform) == {
        "create-environment": "ok",
        "install-dependencies": "ok",
        "collectstatic": "ok",
        "post-compile": "ok",
    }
    assert "1 static file copied" in log_of(platform, "collectstatic")
    assert log_of(platform, "collectstatic").splitlines()[0].startswith(". ")


def test_without_django_collectstatic_is_skipped(build: Build) -> None:
    result, platform = build({**DJANGO, "requirements.txt": "alpha\n"}, *UNTIL)
    assert steps(platform)["collectstatic"] == "skipped"
    assert (platform["status"], result.exit_code) == ("warn", 0)


def test_a_directory_called_django_counts_as_django(build: Build) -> None:
    files = {**DJANGO, "requirements.txt": "", "manage.py": "print('mine')\n", "django/readme": ""}
    _, platform = build(files, *UNTIL)
    assert steps(platform)["collectstatic"] == "ok"


def test_a_project_below_the_root(build: Build) -> None:
    files = {**DJANGO, "src/site/manage.py": MANAGE, "src/site/settings.py": DJANGO["settings.py"]}
    del files["manage.py"], files["settings.py"]
    _, platform = build(files, *UNTIL)
    assert steps(platform)["collectstatic"] == "ok"


@pytest.mark.parametrize(
    ("settings", "upstream_id"),
    [
        ("STATIC_ROOT = = 1\n", "collectstatic-syntax-error"),
        ("DEBUG = True\n", "collectstatic-improper-configuration"),
        ("raise ValueError(\"The CSS file 'a.css' references a file\")\n", "collectstatic-fancy-references"),
        ("raise OSError('static')\n", "collectstatic-missing-file"),
        ("import nothing_of_that_name\n", "collectstatic-other"),
        ("print('SyntaxError')\nprint('x\\n' * 200)\nraise OSError\n", "collectstatic-syntax-error"),
    ],
)
def test_a_failure_has_the_hosts_reason(build: Build, settings: str, upstream_id: str) -> None:
    result, platform = build({**DJANGO, "settings.py": settings}, *UNTIL)
    assert outcome(platform) == ("fail", "install", upstream_id)
    assert result.exit_code == 1


def test_another_failure_shows_the_apps_own_error(build: Build) -> None:
    _, platform = build({**DJANGO, "settings.py": "import nothing_of_that_name\n"}, *UNTIL)
    assert "No module named 'nothing_of_that_name'" in decisive(platform)["message"]


def test_the_script_of_a_plan_collects_too(
    tmp_path: Path, index: LocalIndex, build: Build, worker_cache: Path
) -> None:
    import subprocess

    from predeploy.env.tools import uv_binary
    from support.apps import clean_environ

    app = write_tree(tmp_path / "by-hand", {**DJANGO, "nltk.txt": "punkt\n"})
    script = run_cli("plan", str(app), "-p", "heroku", "-f", "sh", cwd=tmp_path).stdout
    env = {**clean_environ(tmp_path / "home"), **index.environ(), "ROOT": str(tmp_path / "root")}
    env |= {"UV": str(uv_binary()), "UV_CACHE_DIR": str(worker_cache / "uv"), "PYTHON": sys.executable}
    done = subprocess.run(
        ["sh"], input=script, text=True, env=env, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 static file copied" in done.stdout
    assert (tmp_path / "root/heroku/app/collected/base.css").is_file()
    assert not (tmp_path / "root/heroku/venv/nltk_data").exists()


# --- NLTK -----------------------------------------------------------------------------------------------


def test_nltk_data_is_fetched_with_config_vars(build: Build) -> None:
    files = {**PLAIN, "requirements.txt": "nltk\n", "nltk.txt": "punkt\npunkt"}
    _, platform = build(files, *UNTIL, "--keep", "--env", "SAID=hello")
    assert steps(platform)["nltk-download"] == "ok"
    (data,) = Path(platform["work_dir"]).glob("venv/nltk_data/punkt")
    assert data.read_text() == "hello"


def test_nltk_data_that_does_not_exist(build: Build) -> None:
    _, platform = build({**PLAIN, "requirements.txt": "nltk\n", "nltk.txt": "# data\n"}, *UNTIL)
    assert outcome(platform) == ("fail", "install", "nltk-downloader")


def test_a_download_host_out_of_reach_is_never_a_pass(build: Build) -> None:
    result, platform = build({**PLAIN, "requirements.txt": "nltk\n", "nltk.txt": "punkt\noffline\n"}, *UNTIL)
    assert platform["status"] == "unknown"
    assert platform["reason"]["rule"] == "heroku/network-trouble"
    assert result.exit_code == 75
    assert "<urlopen" in decisive(platform)["message"]


def test_nltk_txt_without_nltk(build: Build) -> None:
    _, platform = build({**PLAIN, "nltk.txt": "punkt\n"}, *UNTIL)
    assert steps(platform)["nltk-download"] == "skipped"
    assert platform["status"] == "warn"


def test_nltk_without_nltk_txt_is_a_note(build: Build) -> None:
    _, platform = build({**PLAIN, "requirements.txt": "nltk\n"}, "--until", "verify")
    assert "nltk-data-not-listed" in rules(platform)
    assert "nltk-download" not in steps(platform)


def test_a_directory_called_nltk_counts_as_nltk(build: Build) -> None:
    _, platform = build({**PLAIN, "nltk/readme": "", "nltk.txt": "punkt\n"}, *UNTIL)
    assert outcome(platform) == ("fail", "install", "nltk-downloader")


# --- hints, notes and sizes -----------------------------------------------------------------------------

BACKEND = """\
import sys


def build_wheel(*args, **kwargs):
    sys.stderr.write("src/blob.h:4:10: fatal error: sqlite3.h: No such file or directory\\n" + "more\\n" * 60)
    sys.exit(1)


prepare_metadata_for_build_wheel = build_wheel
"""


def test_the_hosts_hint_stands_beside_the_failure(build: Build) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    files = {"broken/pyproject.toml": project, "broken/backend.py": BACKEND, "requirements.txt": "./broken\n"}
    _, platform = build({**PLAIN, **files}, *UNTIL)
    assert outcome(platform) == ("fail", "install", "install-dependencies::pip")
    assert "sqlite-headers-missing" in rules(platform)


def test_the_add_on_is_noted(build: Build) -> None:
    _, platform = build({**DJANGO, "requirements.txt": "django\npsycopg2\n"}, "--until", "verify")
    assert "postgres-add-on" in rules(platform)


def test_sizes_are_reported(build: Build) -> None:
    noise = random.Random(1).randbytes(3_000_000)
    _, platform = build({**PLAIN, "model.bin": noise}, "--until", "verify")
    sizes = platform["sizes"]
    assert sizes["installed_bytes"] > 3_000_000
    assert sizes["compressed_estimate_bytes"] > 28_000_000
    _, platform = build({**PLAIN, "model.bin": b""}, *UNTIL)
    assert "sizes" not in platform


SMALL = """\
schema_version: 1
extends: heroku
id: small
name: Small
covers_from: 2024-11-01
verified_on: 2026-11-20
source: a test
values:
  slug-limit-mb: [{value: LIMIT, source: a test}]
  slug-warning-mb: [{value: WARNING, source: a test}]
  slug-python-mb: [{value: 1, source: a test}]
"""


@pytest.mark.parametrize(
    ("limit", "warning", "expected"),
    [(3, 2, ("reject", {"slug-too-large"})), (9, 2, ("warn", {"slug-large"})), (12, 11, ("warn", set()))],
)
def test_a_slug_that_is_too_large(
    build: Build, tmp_path: Path, limit: int, warning: int, expected: tuple[str, set[str]]
) -> None:
    profile = SMALL.replace("LIMIT", str(limit)).replace("WARNING", str(warning))
    write_tree(tmp_path / "profiles", {"small.yaml": profile})
    noise = random.Random(1).randbytes(3_000_000)
    _, platform = build(
        {**PLAIN, "model.bin": noise},
        *("--until", "verify", "--platform-dir", str(tmp_path / "profiles")),
        platform="small",
    )
    said = {rule for rule in rules(platform) if rule.startswith("slug-")}
    assert (platform["status"], said) == expected


# --- seeds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "seeded"), [("2026-01-06", True), ("2026-01-07", False)])
def test_wheel_was_seeded_until_a_day(build: Build, index: LocalIndex, day: str, seeded: bool) -> None:
    search = interpreters.Search.from_environ({"PATH": "/usr/bin:/bin"}, Path.home())
    here = {found.version.rpartition(".")[0] for found in interpreters.discover(search)}
    minor = next((minor for minor in ("3.12", "3.11") if minor in here), None)
    if minor is None:
        pytest.skip("no Python is here for which the host seeds more than pip")
    for version in ("25.2", "25.3"):
        index.add_pip(version)
    index.add(Distribution(name="wheel", version="0.45.1"))
    env = {"PATH": "/usr/bin:/bin"}
    files: dict[str, Any] = {**PLAIN, ".python-version": minor}
    _, platform = build(files, *UNTIL, "--as-of", day, env=env)
    found = versions(platform)
    assert found.get("wheel") == ("0.45.1" if seeded else None)
    assert found["setuptools"] == "70.3.0"
