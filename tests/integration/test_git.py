"""What a host receives of a directory: what git tracks, minus what the host's ignore file names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.apps import clean_environ, run_cli, write_tree
from support.building import MINOR, Build, rules

IDENTITY = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.invalid",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.invalid",
    "GIT_CONFIG_NOSYSTEM": "1",
}
FLASK = {
    "requirements.txt": "flask\n",
    ".python-version": MINOR,
    "Procfile": "web: gunicorn app:app\n",
    "app.py": "",
}
MAIN = "def hello(request):\n    return ''\n"
CONFIG = f'name: app\ntype: "python:{MINOR}"\nweb: {{commands: {{start: python app.py}}}}\n'

Check = Callable[..., dict[str, Any]]


def git(directory: Path, *argv: str) -> None:
    env = clean_environ(directory) | IDENTITY
    subprocess.run(["git", *argv], cwd=directory, env=env, check=True, capture_output=True)


def repository(directory: Path, files: dict[str, Any], *, tracked: tuple[str, ...] = (".",)) -> Path:
    """Write files, commit some of them, and return the directory."""
    write_tree(directory, files)
    git(directory, "init", "-q")
    if tracked:
        git(directory, "add", "--", *tracked)
    git(directory, "commit", "-q", "--allow-empty", "-m", "x")
    return directory


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks a directory on one platform and gives the platform's answer."""

    def call(
        app: Path, platform: str = "heroku", *argv: str, env: dict[str, str | None] | None = None
    ) -> dict[str, Any]:
        result = run_cli(
            *("check", str(app), "-p", platform, "-f", "json", "--as-of", "2026-11-20", *argv),
            cwd=tmp_path,
            env=env,
        )
        assert result.stderr == ""
        (answer,) = json.loads(result.stdout)["platforms"]
        assert isinstance(answer, dict)
        return answer

    return call


def places(platform: dict[str, Any], rule: str) -> list[str]:
    """Return the paths that the findings of one rule name."""
    found = (f for f in platform["findings"] if f["rule"].endswith(f"/{rule}"))
    return [place["path"] for finding in found for place in finding["evidence"]]


# --- git ----------------------------------------------------------------------------------------------


def test_a_tracked_manifest_counts(tmp_path: Path, check: Check) -> None:
    platform = check(repository(tmp_path / "app", FLASK))
    assert (platform["status"], platform["manifest"]) == ("accept", "requirements.txt")
    assert platform["findings"] == []


@pytest.mark.parametrize("staged", [False, True])
def test_a_manifest_that_is_not_tracked_is_not_seen_and_named(
    tmp_path: Path, check: Check, staged: bool
) -> None:
    app = repository(tmp_path / "app", FLASK, tracked=("app.py", "Procfile", ".python-version"))
    if staged:
        git(app, "add", "requirements.txt")
    platform = check(app)
    assert platform["manifest"] == ("requirements.txt" if staged else None)
    assert platform["status"] == ("accept" if staged else "reject")
    assert places(platform, "not-tracked") == ([] if staged else ["requirements.txt"])


def test_an_ignored_manifest_is_not_seen_either(tmp_path: Path, check: Check) -> None:
    platform = check(repository(tmp_path / "app", {**FLASK, ".gitignore": "*.txt\n"}))
    assert platform["manifest"] is None
    assert places(platform, "not-tracked") == ["requirements.txt"]


def test_what_is_meant_to_stay_behind_is_not_reported(tmp_path: Path, check: Check) -> None:
    local = {
        "venv/pyvenv.cfg": "",
        "__pycache__/app.pyc": "",
        ".env": "A=1\n",
        "predeploy.toml": "",
        "notes.md": "",
    }
    app = repository(tmp_path / "app", {**FLASK, **local}, tracked=tuple(FLASK))
    platform = check(app)
    assert (platform["status"], platform["findings"]) == ("accept", [])


def test_a_file_that_is_deleted_here_counts_as_absent(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", {**FLASK, "poetry.lock": ""})
    assert check(app)["status"] == "reject"
    (app / "poetry.lock").unlink()
    platform = check(app)
    assert (platform["status"], platform["manifest"]) == ("accept", "requirements.txt")


def test_a_tracked_manifest_that_is_a_directory_now(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", FLASK)
    (app / "requirements.txt").unlink()
    (app / "requirements.txt").mkdir()
    assert check(app)["manifest"] is None


def test_a_repository_that_tracks_nothing_here_is_judged_as_if_it_did(tmp_path: Path, check: Check) -> None:
    platform = check(repository(tmp_path / "app", FLASK, tracked=()))
    assert (platform["status"], platform["manifest"]) == ("accept", "requirements.txt")
    assert rules(platform) == {"untracked-directory"}
    assert [finding["severity"] for finding in platform["findings"]] == ["note"]


def test_a_directory_below_the_repository(tmp_path: Path, check: Check) -> None:
    files = {f"apps/web/{name}": content for name, content in FLASK.items()} | {"Pipfile.lock": "{}"}
    root = repository(
        tmp_path / "repository", files, tracked=("apps/web/requirements.txt", "apps/web/app.py")
    )
    platform = check(root / "apps" / "web")
    assert platform["manifest"] == "requirements.txt"
    assert places(platform, "not-tracked") == [".python-version", "Procfile"]


def test_submodules_are_received_too(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", FLASK, tracked=())
    files = {"app.py": "import streamlit\n", "requirements.txt": "", "late.py": ""}
    repository(app / "lib", files, tracked=("app.py", "requirements.txt"))
    git(app, "-c", "advice.addEmbeddedRepo=false", "add", ".")
    assert check(app)["findings"] == []
    platform = check(app, "streamlit-cloud", "--set", "streamlit-cloud.entrypoint=lib/app.py")
    assert platform["manifest"] == "lib/requirements.txt"
    # As an app of its own: its repository decides.
    platform = check(app / "lib", "streamlit-cloud")
    assert platform["manifest"] == "requirements.txt"
    assert places(platform, "not-tracked") == ["late.py"]


def test_a_worktree_whose_git_is_a_file(tmp_path: Path, check: Check) -> None:
    root = repository(tmp_path / "repository", FLASK, tracked=("app.py", "requirements.txt"))
    git(root, "worktree", "add", "-q", "../tree")
    write_tree(tmp_path / "tree", {"Pipfile.lock": "{}"})
    platform = check(tmp_path / "tree")
    assert platform["manifest"] == "requirements.txt"
    assert places(platform, "not-tracked") == ["Pipfile.lock"]


def test_names_with_blanks_and_letters_outside_of_ascii(tmp_path: Path, check: Check) -> None:
    names = ["my app.py", "größe.py", 'quo"te.py', "日本.py", "-dash.py", "new\nline.py"]
    if sys.platform == "linux":
        names.append(os.fsdecode(b"not-utf8-\xff.py"))
    app = repository(tmp_path / "app", {**FLASK, **dict.fromkeys(names, "")})
    assert check(app)["findings"] == []
    git(app, "rm", "-q", "--cached", "--", *names)
    platform = check(app)
    assert set(places(platform, "not-tracked")) == set(names)


def test_git_is_not_asked_outside_of_a_repository(tmp_path: Path, check: Check) -> None:
    app = write_tree(tmp_path / "app", FLASK)
    trap = write_tree(tmp_path / "bin", {"git": '#!/bin/sh\ntouch "$0.asked"\nexit 1\n'})
    platform = check(app, env={"PATH": f"{trap}:{os.environ['PATH']}"})
    assert (platform["status"], platform["findings"]) == ("accept", [])
    assert not (trap / "git.asked").exists()


def test_without_git_nothing_is_taken_for_granted(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", FLASK, tracked=("app.py",))
    platform = check(app, env={"PATH": str(tmp_path / "empty")})
    assert platform["status"] == "unknown"
    assert platform["reason"]["rule"] == "heroku/git-gave-no-answer"


def test_a_directory_called_git_is_no_repository(tmp_path: Path, check: Check) -> None:
    app = write_tree(tmp_path / "app", {**FLASK, ".git/": ""})
    assert check(app)["status"] == "accept"


def test_the_callers_git_variables_do_not_lead_elsewhere(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", FLASK)
    other = repository(tmp_path / "other", {"x.py": ""})
    env = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git/index"),
    }
    assert check(app, env={**env})["manifest"] == "requirements.txt"


def test_a_program_that_the_repository_names_is_not_run(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", FLASK)
    trap = write_tree(tmp_path / "bin", {"monitor": '#!/bin/sh\ntouch "$0.ran"\nexit 1\n'})
    git(app, "config", "core.fsmonitor", str(trap / "monitor"))
    assert check(app)["manifest"] == "requirements.txt"
    assert not (trap / "monitor.ran").exists()


@pytest.mark.parametrize("platform", ["heroku", "platformsh", "streamlit-cloud"])
def test_every_host_that_takes_a_push_reports_what_it_lacks(
    tmp_path: Path, check: Check, platform: str
) -> None:
    files = {**FLASK, ".platform.app.yaml": CONFIG, "streamlit_app.py": ""}
    app = repository(tmp_path / "app", {**files, "late.py": ""}, tracked=tuple(files))
    assert places(check(app, platform), "not-tracked") == ["late.py"]


def test_a_configuration_that_is_not_committed_is_refused_by_platformsh(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", {**FLASK, ".platform.app.yaml": CONFIG}, tracked=tuple(FLASK))
    platform = check(app, "platformsh")
    assert platform["reason"]["upstream_id"] == "config-not-committed"


# --- ignore files of the hosts ------------------------------------------------------------------------


@pytest.mark.parametrize("versioned", [False, True], ids=["directory", "repository"])
def test_slugignore_hides_files_from_heroku(tmp_path: Path, check: Check, versioned: bool) -> None:
    files = {**FLASK, "poetry.lock": "", ".slugignore": "/poetry.lock\n!/poetry.lock\n"}
    app = repository(tmp_path / "app", files) if versioned else write_tree(tmp_path / "app", files)
    platform = check(app)
    assert (platform["status"], platform["manifest"]) == ("accept", "requirements.txt")


def test_cloud_functions_does_not_ask_git(tmp_path: Path, check: Check) -> None:
    app = repository(tmp_path / "app", {"main.py": MAIN, "requirements.txt": ""}, tracked=("main.py",))
    platform = check(app, "cloud-functions", "--set", "cloud-functions.runtime=python313")
    assert platform["manifest"] == "requirements.txt"
    assert "not-tracked" not in rules(platform)


@pytest.mark.parametrize(
    ("ignore", "manifest"),
    [
        ({}, "requirements.txt"),
        ({".gcloudignore": "requirements.txt\n"}, None),
        ({".gcloudignore": "*.txt\n!requirements.txt\n"}, "requirements.txt"),
        ({".gitignore": "*.txt\n"}, None),
        ({".gitignore": "*.txt\n", ".gcloudignore": ".git\n"}, "requirements.txt"),
        ({".gitignore": "*.txt\n", ".gcloudignore": "#!include:.gitignore\n"}, None),
    ],
    ids=["none", "gcloudignore", "negated", "gitignore by default", "gcloudignore instead", "included"],
)
def test_ignore_files_of_cloud_functions(
    tmp_path: Path, check: Check, ignore: dict[str, str], manifest: str | None
) -> None:
    app = write_tree(tmp_path / "app", {"main.py": MAIN, "requirements.txt": "flask\n", **ignore})
    assert check(app, "cloud-functions")["manifest"] == manifest


# --- what is built ------------------------------------------------------------------------------------


def test_a_build_gets_what_the_push_carries(tmp_path: Path, build: Build) -> None:
    files = {
        **FLASK,
        "requirements.txt": "",
        "pkg/größe 1.txt": "tracked",
        "pkg/late.txt": "untracked",
        "docs/page.md": "ignored by the host",
        ".slugignore": "docs\n",
        "run.sh": "#!/bin/sh\n",
        "link": "-> pkg",
    }
    app = repository(
        tmp_path / "app", files, tracked=(*FLASK, "pkg/größe 1.txt", "docs", ".slugignore", "run.sh", "link")
    )
    result, platform = build(app, "--until", "install", "--keep")
    assert result.exit_code == 0
    copy = Path(platform["work_dir"]) / "app"
    assert sorted(tree(copy)) == sorted([*FLASK, "pkg/größe 1.txt", ".slugignore", "run.sh", "link"])
    assert os.access(copy / "run.sh", os.X_OK)
    assert (copy / "link" / "größe 1.txt").read_text() == "tracked"


def tree(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(directory).as_posix()
