"""The pytest plugin: the same verdicts as check, spread by xdist, and no cost for others."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

from support.apps import clean_environ, run_cli, write_tree
from support.outcomes import SAMPLE_APPS

GOOD = {
    "requirements.txt": "gunicorn\n",
    "Procfile": "web: gunicorn app:app\n",
    ".python-version": "3.13\n",
    "app.py": "app = 1\n",
}
BAD = {**GOOD, "poetry.lock": ""}


def run_pytest(cwd: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(cwd), *argv],
        cwd=cwd,
        env=clean_environ(cwd.parent / "home"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sample_apps_get_the_verdicts_of_check(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(SAMPLE_APPS, tmp_path / "apps"))
    (copy / "predeploy.toml").write_text('apps = ["*"]\nas-of = "2026-11-20"\n')
    done = run_pytest(copy, "--predeploy", "-n", "2", "--junitxml=r.xml", "-q")
    assert done.returncode == 1, done.stdout + done.stderr
    seen = {}
    for case in ET.parse(copy / "r.xml").iter("testcase"):
        status = next(p.get("value") for p in case.iter("property") if p.get("name") == "predeploy")
        failed = case.find("failure") is not None
        seen[case.get("classname", "").removeprefix("predeploy."), case.get("name")] = (status, failed)
    results = json.loads(run_cli("matrix", "-f", "json", "--day", "today", cwd=copy).stdout)["results"]
    expected = {
        (r["app"], p["platform"]): (p["status"], p["status"] in {"reject", "fail"})
        for r in results
        for p in r["platforms"]
    }
    assert seen == expected
    assert len(seen) > 40


def test_a_refusal_fails_with_the_text_of_the_finding(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {**BAD, "predeploy.toml": 'platforms = ["heroku"]\n'})
    done = run_pytest(app, "--predeploy")
    assert done.returncode == 1
    assert "Files of more than one package manager" in done.stdout
    assert "fix: Keep the file you install from locally" in done.stdout
    assert "Traceback" not in done.stdout
    assert "predeploy/.::heroku" in done.stdout


def test_without_the_option_nothing_is_collected_and_nothing_imported(tmp_path: Path) -> None:
    test = "def test_a():\n    import sys\n    assert not [m for m in sys.modules if m.startswith('predeploy.')\n                and m != 'predeploy.pytest_plugin']\n"
    app = write_tree(tmp_path / "app", {**BAD, "test_a.py": test})
    done = run_pytest(app, "-q")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_fixture_judges_an_app_of_ones_own(tmp_path: Path) -> None:
    test = """
def test_good(predeploy_check):
    assert predeploy_check("good", "heroku").status == "accept"

def test_expected(predeploy_check):
    predeploy_check("bad", "heroku", expect="reject")

def test_bad(predeploy_check):
    predeploy_check("bad", "heroku")
"""
    root = write_tree(tmp_path / "root", {"test_x.py": test})
    write_tree(root / "good", GOOD)
    write_tree(root / "bad", BAD)
    done = run_pytest(root, "-q")
    assert "1 failed, 2 passed" in done.stdout
    assert "expected accept or warn, got reject" in done.stdout


def test_a_wrong_configuration_is_one_line(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {**GOOD, "predeploy.toml": "\nplatfroms = []\n"})
    done = run_pytest(app, "--predeploy")
    assert done.returncode == 4
    assert "predeploy.toml:2: unknown key 'platfroms'" in done.stderr
    assert "Traceback" not in done.stderr
