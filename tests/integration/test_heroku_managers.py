"""Heroku's package managers in the host's own versions, which come from the index as configured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from predeploy.env.commands import Cancellation
from predeploy.env.environment import build_environment
from predeploy.env.index import IndexSettings
from predeploy.env.runner import ProcessRunner
from predeploy.env.tools import ensure_tool
from predeploy.errors import ToolError, TransientError
from predeploy.profiles.timeline import snapshot
from support.apps import clean_environ, run_cli, write_tree
from support.building import MINOR, outcome, steps, versions
from support.cases import TODAY, profile
from support.index import LocalIndex

pytestmark = pytest.mark.network

KEPT = ("PIP_", "UV_", "SSL_", "REQUESTS_CA", "CURL_CA", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")

APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
COMMON = {"app.py": APP, ".python-version": MINOR, "Procfile": "web: gunicorn app:app\n"}
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["flask", "gunicorn"]\n'


class Tools:
    """The host's pinned tools in a cache of their own, and apps locked with them against the local index."""

    def __init__(self, directory: Path, index: LocalIndex) -> None:
        self.directory = directory
        self.cache = directory / "cache"
        self.index = index

    def bin(self, name: str) -> Path:
        """Return where the tool's program is; skip the test where the index is out of reach."""
        home, temp = Path(os.environ["HOME"]), self.directory
        settings = IndexSettings.read(os.environ, home)
        env = build_environment(home=str(home), temp=str(temp), path=(), index=settings)
        try:
            return ensure_tool(
                name,
                snapshot(profile("heroku"), TODAY).tools[name],
                cache=self.cache,
                python=Path(sys.executable),
                runner=ProcessRunner(Cancellation()),
                env=env,
                log_dir=self.directory,
            )
        except (TransientError, ToolError) as error:
            pytest.skip(f"the index does not give {name}: {error}")

    def locked(self, app: Path, name: str, *arguments: str) -> Path:
        """Lock an app and return it."""
        program = self.bin(name) / name
        env = {**clean_environ(self.directory / "home"), **self.index.environ(), "PIPENV_YES": "1"}
        env |= {"PYTHON": sys.executable, "UV_PYTHON": sys.executable}
        done = subprocess.run(
            [str(program), *arguments],
            cwd=app,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return app

    def build(self, app: Path, tmp_path: Path) -> dict[str, Any]:
        """Build on Heroku with the same tools and the local index."""
        env: dict[str, str | None] = {**self.index.environ(), "TMPDIR": str(tmp_path)}
        result = run_cli(
            *("build", str(app), "-p", "heroku", "-f", "json", "-q", "--no-fetch-python"),
            *("--as-of", TODAY.isoformat(), "--current-packages", "--boot-timeout", "30"),
            cwd=tmp_path,
            env=env,
            cache_dir=self.cache,
            timeout=600,
        )
        assert result.stdout, result.stderr
        (platform,) = json.loads(result.stdout)["platforms"]
        return dict(platform)


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory, index: LocalIndex) -> Tools:
    return Tools(tmp_path_factory.mktemp("pinned"), index)


def pipenv_app(tools: Tools, tmp_path: Path) -> Path:
    pipfile = f'[[source]]\nurl = "{tools.index.url}"\nverify_ssl = false\nname = "local"\n\n[packages]\nflask = "*"\ngunicorn = "*"\n'
    app = write_tree(tmp_path / "app", {**COMMON, "Pipfile": pipfile})
    return tools.locked(app, "pipenv", "lock", "--python", sys.executable)


def poetry_app(tools: Tools, tmp_path: Path) -> Path:
    source = f'\n[tool.poetry]\npackage-mode = false\n\n[[tool.poetry.source]]\nname = "local"\nurl = "{tools.index.url}"\npriority = "primary"\n'
    app = write_tree(tmp_path / "app", {**COMMON, "pyproject.toml": PROJECT + source})
    return tools.locked(app, "poetry", "lock", "--no-interaction")


def uv_app(tools: Tools, tmp_path: Path) -> Path:
    app = write_tree(tmp_path / "app", {**COMMON, "pyproject.toml": PROJECT})
    return tools.locked(app, "uv", "lock")


APPS = {"pipenv": pipenv_app, "poetry": poetry_app, "uv": uv_app}


@pytest.mark.parametrize("manager", APPS)
def test_an_app_of_each_manager_answers(tools: Tools, tmp_path: Path, manager: str) -> None:
    platform = tools.build(APPS[manager](tools, tmp_path), tmp_path)
    assert platform["installer"] == manager
    assert steps(platform)["install-dependencies"] == "ok"
    assert platform["status"] == "accept", platform["findings"]
    assert platform["boot"]["http_status"] == 200
    assert {"flask", "gunicorn"} <= versions(platform).keys()
    assert "pip" not in versions(platform)


STALE = {
    "pipenv": ("Pipfile", '\nalpha = "*"\n'),
    "poetry": ("pyproject.toml", '\n[tool.poetry.dependencies]\nalpha = "*"\n'),
    "uv": ("pyproject.toml", '\n[dependency-groups]\nmore = ["alpha"]\n'),
}


@pytest.mark.parametrize("manager", APPS)
def test_a_lockfile_out_of_date_fails_the_install(tools: Tools, tmp_path: Path, manager: str) -> None:
    app = APPS[manager](tools, tmp_path)
    name, addition = STALE[manager]
    with (app / name).open("a") as file:
        file.write(addition)
    platform = tools.build(app, tmp_path)
    assert outcome(platform) == ("fail", "install", f"install-dependencies::{manager}")


@pytest.mark.parametrize("manager", APPS)
def test_a_lockfile_alone_fails_the_install(tools: Tools, tmp_path: Path, manager: str) -> None:
    app = APPS[manager](tools, tmp_path)
    (app / ("Pipfile" if manager == "pipenv" else "pyproject.toml")).unlink()
    platform = tools.build(app, tmp_path)
    assert outcome(platform) == ("fail", "install", f"install-dependencies::{manager}")


MANAGE = """\
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""
SETTINGS = """\
import os

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "static/"
STATIC_ROOT = "collected"
STATICFILES_DIRS = ["assets"]
WSGI_APPLICATION = "shop.wsgi.application"
"""
URLS = """\
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("hello"))]
"""
WSGI = """\
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
"""
DJANGO = {
    "requirements.txt": "django>=5,<6\ngunicorn\n",
    ".python-version": MINOR,
    "Procfile": "web: gunicorn shop.wsgi\n",
    "manage.py": MANAGE,
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS,
    "shop/urls.py": URLS,
    "shop/wsgi.py": WSGI,
    "assets/site.css": "a { color: red }\n",
}


def build_django(tmp_path: Path, cache: Path, files: dict[str, str], *argv: str) -> dict[str, Any]:
    app = write_tree(tmp_path / "django", files)
    env: dict[str, str | None] = {k: v for k, v in os.environ.items() if k.startswith(KEPT)}
    env |= {"HOME": os.environ["HOME"], "TMPDIR": str(tmp_path)}
    result = run_cli(
        *("build", str(app), "-p", "heroku", "-f", "json", "-q", "--no-fetch-python"),
        *("--as-of", TODAY.isoformat(), "--current-packages", "--boot-timeout", "30", *argv),
        cwd=tmp_path,
        env=env,
        cache_dir=cache,
        timeout=600,
    )
    (platform,) = json.loads(result.stdout)["platforms"]
    if platform["status"] == "unknown":
        pytest.skip(f"the package index is out of reach: {platform['reason']}")
    return dict(platform)


def test_a_real_django_project(tools: Tools, tmp_path: Path) -> None:
    platform = build_django(tmp_path, tools.cache, DJANGO, "--keep", "--env", "SECRET_KEY=not-so-secret")
    assert steps(platform)["collectstatic"] == "ok"
    assert platform["status"] == "accept", platform["findings"]
    assert platform["boot"]["http_status"] == 200
    assert (Path(platform["work_dir"]) / "app/collected/site.css").is_file()
    assert platform["sizes"]["installed_bytes"] > 10_000_000


@pytest.mark.parametrize(
    ("changed", "argv", "upstream_id"),
    [
        ({}, (), "collectstatic-other"),
        ({"shop/settings.py": SETTINGS.replace("os.environ", "(")}, (), "collectstatic-syntax-error"),
        (
            {"shop/settings.py": SETTINGS.replace("STATIC_ROOT", "ROOT")},
            ("--env", "SECRET_KEY=x"),
            "collectstatic-improper-configuration",
        ),
        (
            {"shop/settings.py": SETTINGS.replace('["django.contrib.staticfiles"]', "[]")},
            ("--env", "SECRET_KEY=x"),
            "collectstatic-other",
        ),
    ],
)
def test_a_real_django_project_that_fails(
    tools: Tools, tmp_path: Path, changed: dict[str, str], argv: tuple[str, ...], upstream_id: str
) -> None:
    platform = build_django(tmp_path, tools.cache, {**DJANGO, **changed}, *argv)
    assert outcome(platform) == ("fail", "install", upstream_id)
