"""``plan --format sh`` run by hand installs the same set as ``build``."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from predeploy.env.tools import uv_binary
from support.apps import clean_environ, run_cli, write_tree
from support.building import MINOR, Build
from support.index import LocalIndex

APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
FUNCTION = (
    "import functions_framework\n\n\n@functions_framework.http\ndef hello(request):\n    return 'hello'\n"
)
TREES: dict[str, dict[str, Any]] = {
    "heroku": {
        "requirements.txt": "flask\ngunicorn\n",
        ".python-version": MINOR,
        "Procfile": "web: gunicorn app:app\n",
        "app.py": APP,
    },
    "cloud-functions": {
        "main.py": FUNCTION,
        "requirements.txt": "alpha<2\n",
        "predeploy.toml": f'[platform.cloud-functions]\nruntime = "python{MINOR.replace(".", "")}"\ntarget = "hello"\n',
    },
    "platformsh": {
        "app.py": APP,
        "requirements.txt": "flask\ngunicorn\n",
        ".platform.app.yaml": f'name: app\ntype: "python:{MINOR}"\nhooks:\n  build: |\n    set -e\n    pip install -r requirements.txt\n'
        'web:\n  commands:\n    start: gunicorn -b "127.0.0.1:$PORT" app:app\n',
    },
    "streamlit-cloud": {
        "streamlit_app.py": "import streamlit as st\nst.title('x')\n",
        "requirements.txt": "alpha\n",
        "predeploy.toml": f'[platform.streamlit-cloud]\npython = "{MINOR}"\n',
    },
}
# uv refuses the line with the dash, so that pip is asked, which passes over it.
SECOND_TRY = {**TREES["streamlit-cloud"], "requirements.txt": "alpha<2\n- beta\n"}


@pytest.mark.parametrize(
    ("platform", "files"),
    [*TREES.items(), ("streamlit-cloud", SECOND_TRY)],
    ids=[*TREES, "streamlit-cloud-second-try"],
)
def test_the_script_installs_what_the_build_installs(
    tmp_path: Path, index: LocalIndex, build: Build, worker_cache: Path, platform: str, files: dict[str, Any]
) -> None:
    result, answer = build(files, platform=platform)
    assert answer["status"] in {"accept", "warn"}, result.stdout
    built = {item["name"].lower(): item["version"] for item in answer["installed"]}
    app = write_tree(tmp_path / "by-hand", files)
    script = run_cli("plan", str(app), "-p", platform, "-f", "sh", cwd=tmp_path).stdout
    env = {**clean_environ(tmp_path / "home"), **index.environ()}
    env |= {"ROOT": str(tmp_path / "root"), "UV": str(uv_binary()), "UV_CACHE_DIR": str(worker_cache / "uv")}
    env["PYTHON"] = sys.executable
    done = subprocess.run(
        ["sh"], input=script, text=True, env=env, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if platform == "platformsh":  # it installs for the user, beside what the host's interpreter brings
        site = tmp_path / "root/platformsh/app/.global/lib" / f"python{MINOR}/site-packages"
        found = {item.name.lower(): item.version for item in distributions(path=[str(site)])}
        assert normal(found) == {k: v for k, v in normal(built).items() if k not in {"pip", "setuptools"}}
        return
    python = tmp_path / "root" / platform / "venv" / "bin" / "python"
    listed = subprocess.run(
        [str(uv_binary()), "pip", "list", "--python", str(python), "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    by_hand = {item["name"].lower(): item["version"] for item in json.loads(listed.stdout)}
    assert normal(by_hand) == normal(built)


def normal(names: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").replace(".", "-"): version for name, version in names.items()}
