"""App trees and the command run on them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from support.apps import run_cli, write_tree

if TYPE_CHECKING:
    import pytest

SHOW = """\
import json, os, sys
json.dump({"argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path}, sys.stdout)
sys.stderr.write("told")
sys.exit(3)
"""


def test_write_tree(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "app",
        {
            "a/b.txt": "text",
            "raw": b"\x00",
            "run.sh": "#!/bin/sh\n",
            "empty/": "",
            "also": None,
            "link": "-> a/b.txt",
        },
    )
    assert (root / "link").read_text() == "text"
    assert (root / "link").readlink() == Path("a/b.txt")
    assert (root / "raw").read_bytes() == b"\x00"
    assert (root / "empty").is_dir()
    assert (root / "also").is_dir()
    assert os.access(root / "run.sh", os.X_OK)
    assert not os.access(root / "raw", os.X_OK)


def test_run_cli_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "PIP_INDEX_URL", "VIRTUAL_ENV", "PREDEPLOY_PLATFORMS"):
        monkeypatch.setenv(name, "leak")
    fake = write_tree(tmp_path / "fake", {"predeploy/__init__.py": "", "predeploy/__main__.py": SHOW})
    app = write_tree(tmp_path / "app", {"predeploy.py": "raise SystemExit(9)\n"})
    env: dict[str, str | None] = {"PYTHONPATH": str(fake), "COLUMNS": None, "EXTRA": "1"}
    done = run_cli("check", "x y", cwd=app, env=env, cache_dir=tmp_path / "cache")
    assert (done.exit_code, done.stderr) == (3, "told")
    seen = json.loads(done.stdout)
    assert (seen["argv"], seen["cwd"]) == (["check", "x y"], str(app))
    assert set(seen["env"]) - {"TMPDIR", "LC_CTYPE"} == {
        *("PATH", "HOME", "LANG", "NO_COLOR", "PREDEPLOY_CACHE_DIR", "PYTHONPATH", "EXTRA")
    }
    assert seen["env"]["PREDEPLOY_CACHE_DIR"] == str(tmp_path / "cache")
    assert not Path(seen["env"]["HOME"]).exists()
