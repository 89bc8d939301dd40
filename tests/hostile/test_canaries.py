"""Canary passwords in every place that may hold one are nowhere to be seen after good and failed builds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from support.apps import run_cli, write_tree
from support.building import MINOR, Build
from support.index import LocalIndex

WORD = "c4nary"
ENV = f"{WORD}-env&ü/1"
INDEX, EXTRA, DIRECT, PROXY = f"{WORD}-index-1", f"{WORD}-extra-2", f"{WORD}-direct-3", f"{WORD}-proxy-4"
APP = """
import base64, json, os, sys, urllib.parse
value = os.environ["API_TOKEN"]
print(value, repr(value), json.dumps(value), urllib.parse.quote(value, safe=""), flush=True)
print(base64.b64encode(b"x:" + value.encode()).decode(), base64.b64encode(value.encode()).decode(), flush=True)
for word in (value[:7], value[7:]):
    sys.stdout.write(word)
    sys.stdout.flush()
print()
print(value[:7] + "\\n" + value[7:], flush=True)
print(dict(os.environ), file=sys.stderr, flush=True)
open("written.txt", "w").write(value)
from flask import Flask
app = Flask(__name__)
@app.route("/")
def index():
    return value
"""


def with_login(url: str, password: str) -> str:
    return url.replace("://", f"://user:{password}@", 1)


def hidden_forms() -> Iterator[bytes]:
    for value in (ENV, INDEX, EXTRA, DIRECT, PROXY):
        yield value.encode()
        yield quote(value, safe="").encode()
        yield base64.b64encode(value.encode())[:-4]
    yield WORD.encode()


def assert_nowhere(directory: Path, *, but: Path) -> None:
    forms = tuple(hidden_forms())
    for path in directory.rglob("*"):
        if path.is_relative_to(but):
            continue
        assert WORD not in path.name, path
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            assert not [form for form in forms if form in data], path


@pytest.mark.slow
@pytest.mark.parametrize("fails", ["nowhere", "install", "boot"])
def test_canaries_appear_nowhere(
    build: Build, index: LocalIndex, tmp_path: Path, worker_cache: Path, fails: str
) -> None:
    simple = index.environ()["PIP_INDEX_URL"]
    requirements = ["flask", "gunicorn", f"--extra-index-url {with_login(simple, EXTRA)}"]
    if fails == "install":
        requirements.append(f"missing @ {with_login(simple, DIRECT)}missing-1-py3-none-any.whl")
    app = APP + ("raise SystemExit(value)\n" if fails == "boot" else "")
    files = {
        "requirements.txt": "\n".join(requirements) + "\n",
        ".python-version": MINOR,
        "Procfile": "web: gunicorn app:app\n",
        "app.py": app,
        "Pipfile.bak.toml": f'[[source]]\nurl = "https://u:{DIRECT}@example.org"\n',
    }
    env = {
        "PIP_INDEX_URL": with_login(simple, INDEX),
        "UV_DEFAULT_INDEX": with_login(simple, INDEX),
        "NO_PROXY": "127.0.0.1",
        "HTTP_PROXY": f"http://me:{PROXY}@127.0.0.1:9",
    }
    result, platform = build(files, "--env", f"API_TOKEN={ENV}", "-v", "--keep", env=env)
    assert platform["status"] == {"nowhere": "accept", "install": "fail", "boot": "fail"}[fails], (
        result.stderr
    )
    assert WORD not in result.stdout + result.stderr
    assert not [form for form in hidden_forms() if form.decode() in result.stdout + result.stderr]
    assert "***" in result.stderr
    assert_nowhere(tmp_path, but=tmp_path / "app")
    assert_nowhere(worker_cache, but=tmp_path / "app")


@pytest.mark.parametrize("form", ["text", "json", "sh"])
def test_a_plan_shows_none(tmp_path: Path, form: str) -> None:
    files = {
        "requirements.txt": f"flask\n-i https://user:{INDEX}@example.org/simple\n",
        ".python-version": "3.13\n",
        "Procfile": f"web: serve --key '{WORD}-env' https://user:{DIRECT}@example.org/\n",
        ".platform.app.yaml": f"name: app\ntype: python:3.13\nhooks:\n  build: |\n    curl https://u:{EXTRA}@example.org/\n",
    }
    app = write_tree(tmp_path / "app", files)
    for platform in ("heroku", "platformsh"):
        result = run_cli("plan", str(app), "-p", platform, "--env", f"X={WORD}-env", "-f", form, cwd=tmp_path)
        assert WORD not in result.stdout + result.stderr, platform
        check = run_cli(
            "check", str(app), "-p", platform, "--env", f"X={WORD}-env", "-f", "json", cwd=tmp_path
        )
        assert WORD not in check.stdout + check.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ("--env", f"{WORD}"),
        ("--env", f"={WORD}"),
        ("--env", f"A={WORD}-env", "--set", f"heroku.nothing={WORD}-env"),
        ("--env", f"A={WORD}-env", "-p", f"{WORD}-env"),
        ("--env", f"A={WORD}-env", "--as-of", f"{WORD}-env"),
        ("--env", f"A={WORD}-env", "--platform-dir", f"/nowhere/{WORD}-env"),
    ],
)
def test_usage_errors_show_none(tmp_path: Path, argv: tuple[str, ...]) -> None:
    app = write_tree(tmp_path / "app", {"requirements.txt": "flask\n"})
    result = run_cli("check", str(app), *argv, cwd=tmp_path)
    assert result.exit_code == 2, result.stdout
    assert WORD not in result.stdout + result.stderr


def test_env_files_with_mistakes_show_none(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"requirements.txt": "flask\n"})
    (tmp_path / "vars.env").write_text(f"GOOD={WORD}-1\n{WORD} {WORD}\n")
    result = run_cli("check", str(app), "--env-file", "vars.env", cwd=tmp_path)
    assert (result.exit_code, result.stderr) == (2, "predeploy: vars.env:2: expected NAME=VALUE\n")
