"""What ``check`` must not import: each of these modules costs a good part of the time it may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from predeploy.profiles.registry import Registry

NEVER = (
    *("rich", "jinja2", "virtualenv", "uv", "psutil", "filelock", "pydantic", "click", "yaml", "packaging"),
    *(
        "importlib.metadata",
        "asyncio",
        "subprocess",
        "concurrent.futures",
        "ssl",
        "socket",
        "hashlib",
        "uuid",
    ),
    *("platform", "pickle", "inspect", "dataclasses", "gettext", "logging", "tempfile", "shutil"),
)
FLASK = {"requirements.txt": "flask\n", "main.py": "app = None\n", "Procfile": "web: gunicorn main:app\n"}


def imported(argv: list[str], cwd: Path, cache: Path) -> set[str]:
    """Return what is loaded after the second run of a call, in which the cache is full."""
    code = f"import sys; from predeploy.cli import run; run({argv!r}); print('\\n', *sys.modules)"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"],
            env={"PREDEPLOY_CACHE_DIR": str(cache), "PATH": "/usr/bin:/bin"},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [[], ["check", ".", "-f", "text"], ["--strict", "-p", "heroku"]])
def test_an_ordinary_check(tmp_path: Path, words: list[str]) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name, text in FLASK.items():
        (app / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(app)], check=True)
    platforms = [] if "-p" in words else [w for name in Registry(plugins={}).ids() for w in ("-p", name)]
    loaded = imported([*words, *platforms], app, tmp_path / "cache")
    assert "predeploy.pipeline.static" in loaded
    assert not loaded & set(NEVER)


def test_yaml_is_for_an_app_that_has_some(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text("runtime: python312\n")
    loaded = imported(["-p", "app-engine"], tmp_path, tmp_path / "cache")
    assert "yaml" in loaded
    assert not loaded & (set(NEVER) - {"yaml"})
