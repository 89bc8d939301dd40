"""The stand-ins start, answer and fail as the real ones do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.apps import write_tree
from support.serving import ask, free_port, make_venv, running
from support.standins import standard_index

FLASK_APP = """\
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.route("/")
def home():
    return "hello"


@app.get("/items/<number>")
def item(number):
    return jsonify(number=number, q=request.args.get("q"))


@app.route("/bad")
def bad():
    raise ValueError("bad")


def create_app():
    return app
"""

FUNCTIONS = """\
import functions_framework
import helper


def plain(request):
    return f"{request.method} {helper.WORD}"


@functions_framework.cloud_event
def event(event):
    print(event.data)


class Callable:
    def __call__(self, request):
        return ""


instance = Callable()
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of the console scripts of an environment with every stand-in that serves."""
    root = tmp_path_factory.mktemp("standins")
    directory = make_venv(root / "venv")
    argv = [str(directory / "python"), "-m", "pip", "install", "-q", "functions-framework", "streamlit"]
    with standard_index() as index:
        env = {"PATH": os.defpath, "HOME": str(root), "PIP_CACHE_DIR": str(root / "cache")} | index.environ()
        subprocess.run(argv, check=True, env=env, capture_output=True, stdin=subprocess.DEVNULL)
    return directory


def run(
    *argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script that is expected to end by itself."""
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env={"PATH": os.defpath, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        stdin=subprocess.DEVNULL,
    )


def test_gunicorn_serves_flask_on_port(scripts: Path, tmp_path: Path) -> None:
    app, port = write_tree(tmp_path / "app", {"main.py": FLASK_APP}), free_port()
    argv = [str(scripts / "gunicorn"), "-w", "2", "--access-logfile", "-", "--log-level", "info", "main:app"]
    with running(argv, cwd=app, env={"PORT": str(port)}, where=port) as process:
        assert ask(port).text == "hello"
        assert ask(port, "/items/7?q=x").text == '{"number": "7", "q": "x"}'
        assert [ask(port, path).status for path in ("/bad", "/none")] == [500, 404]
        assert ask(port, method="POST").status == 405
        process.terminate()
        assert process.wait(5) == 0
    assert '"GET / HTTP/1.1" 200' in (tmp_path / "out.log").read_text()


def test_gunicorn_binds_where_it_is_told(scripts: Path, tmp_path: Path) -> None:
    app, port = write_tree(tmp_path / "app", {"main.py": FLASK_APP}), free_port()
    gunicorn, path = str(scripts / "gunicorn"), tmp_path / "s.sock"
    with running([gunicorn, "--bind", f"unix:{path}", "main:create_app()"], cwd=app, env={}, where=path):
        assert ask(path).text == "hello"
    for bind in (f":{port}", f"127.0.0.1:{port}"):
        with running([gunicorn, f"--bind={bind}", "main:app"], cwd=app, env={"PORT": "1"}, where=port):
            assert ask(port).status == 200


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (("broken:app",), 3, "No module named 'absent'"),
        (("nothing:app",), 3, "No module named 'nothing'"),
        (("main:other",), 4, "'other'"),
        (("main",), 4, "'application'"),
        ((), 1, "No application module"),
        (("-k", "gevent", "main:app"), 1, "gevent"),
        (("--no-such-option", "main:app"), 2, "--no-such-option"),
    ],
)
def test_gunicorn_fails_with_a_code(
    scripts: Path, tmp_path: Path, argv: tuple[str, ...], code: int, text: str
) -> None:
    app = write_tree(tmp_path / "app", {"main.py": FLASK_APP, "broken.py": "import absent\n"})
    done = run(scripts / "gunicorn", *argv, cwd=app, env={"PORT": str(free_port())})
    assert (done.returncode, text in done.stderr) == (code, True), done.stderr


def test_functions_framework_serves_http_and_events(scripts: Path, tmp_path: Path) -> None:
    tree = {"src/main.py": FUNCTIONS, "src/helper.py": "WORD = 'ok'\n"}
    app, port = write_tree(tmp_path / "app", tree), free_port()
    argv = [str(scripts / "functions-framework")]
    env = {"PORT": str(port), "FUNCTION_SOURCE": "src/main.py", "FUNCTION_TARGET": "plain"}
    with running(argv, cwd=app, env=env, where=port):
        assert ask(port, "/any/path").text == "GET ok"
        assert ask(port, method="PUT").text == "PUT ok"
        assert ask(port, "/robots.txt").status == 404
    with running(argv, cwd=app, env=env | {"FUNCTION_TARGET": "event"}, where=port):
        assert ask(port).status == 405
        assert ask(port, method="POST", body='{"a": 1}', headers={"ce-id": "1"}).status == 200
    with running(
        argv, cwd=app, env=env | {"FUNCTION_SIGNATURE_TYPE": "cloudevent", "HOST": "127.0.0.1"}, where=port
    ):
        assert ask(port).status == 405


@pytest.mark.parametrize(
    ("env", "text"),
    [
        ({}, "FUNCTION_TARGET"),
        ({"FUNCTION_TARGET": "absent"}, "MissingTargetException"),
        ({"FUNCTION_TARGET": "instance"}, "InvalidTargetTypeException"),
        ({"FUNCTION_TARGET": "plain", "FUNCTION_SOURCE": "none.py"}, "MissingSourceException"),
        ({"FUNCTION_TARGET": "plain", "FUNCTION_SOURCE": "broken.py"}, "No module named 'absent'"),
    ],
)
def test_functions_framework_exits_with_one(
    scripts: Path, tmp_path: Path, env: dict[str, str], text: str
) -> None:
    tree = {"main.py": FUNCTIONS, "helper.py": "WORD = 'ok'\n", "broken.py": "import absent\n"}
    done = run(
        scripts / "functions-framework",
        cwd=write_tree(tmp_path / "app", tree),
        env=env | {"PORT": str(free_port())},
    )
    assert done.returncode == 1
    assert text in done.stderr


STREAMLIT_APP = """\
import pathlib

import streamlit as st
import helper


@st.cache_data(ttl=3)
def load():
    return pathlib.Path("data.txt").read_text()


st.title(load())
left, right = st.columns(2)
with left, st.expander("more"):
    if st.sidebar.button("go"):
        raise SystemExit
st.session_state.count = 1
st.stop()
raise AssertionError
"""


def test_streamlit_runs_the_script_when_probed(scripts: Path, tmp_path: Path) -> None:
    tree = {"sub/app.py": STREAMLIT_APP, "sub/helper.py": "", "data.txt": "x", "bad.py": "import absent\n"}
    app, port = write_tree(tmp_path / "app", tree), free_port()
    flags = [*("--server.port", str(port)), *("--server.address", "127.0.0.1"), "--server.headless=true"]
    flags += ["--server.scriptHealthCheckEnabled", "true", "--server.fileWatcherType", "none"]
    for script, status, text in (("sub/app.py", 200, "ok"), ("bad.py", 503, "error")):
        argv = [str(scripts / "streamlit"), "run", script, *flags]
        with running(argv, cwd=app, env={}, where=port):
            assert ask(port, "/_stcore/health").text == "ok"
            probed = ask(port, "/_stcore/script-health-check")
            assert (probed.status, probed.text) == (status, text), (tmp_path / "out.log").read_text()
            assert ask(port, "/healthz").text.startswith("<!doctype html>")
    assert "No module named 'absent'" in (tmp_path / "out.log").read_text()


def test_streamlit_does_not_import_from_the_root(scripts: Path, tmp_path: Path) -> None:
    tree = {"sub/app.py": "import helper\n", "helper.py": ""}
    app, port = write_tree(tmp_path / "app", tree), free_port()
    argv = [str(scripts / "streamlit"), "run", "sub/app.py", "--server.scriptHealthCheckEnabled", "true"]
    with running([*argv, "--server.port", str(port)], cwd=app, env={}, where=port):
        assert ask(port, "/_stcore/script-health-check").status == 503


def test_streamlit_takes_the_port_of_the_config(scripts: Path, tmp_path: Path) -> None:
    port = free_port()
    tree = {"app.py": "", ".streamlit/config.toml": f"[server]\nport = {port}\n"}
    app = write_tree(tmp_path / "app", tree)
    with running([str(scripts / "streamlit"), "run", "app.py"], cwd=app, env={}, where=port):
        assert ask(port, "/_stcore/health").status == 200
        assert ask(port, "/_stcore/script-health-check").text.startswith("<!doctype html>")


def test_streamlit_refuses_a_missing_file(scripts: Path, tmp_path: Path) -> None:
    done = run(scripts / "streamlit", "run", "none.py", cwd=tmp_path)
    assert done.returncode == 2
    assert run(scripts / "streamlit", "--version", cwd=tmp_path).stdout == "Streamlit, version 1.67.0\n"
