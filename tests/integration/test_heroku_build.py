"""Real builds the way Heroku builds, against the local index."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.building import MINOR, Build
from support.index import LocalIndex
from support.wheels import Distribution, build_sdist, build_wheel

APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
FLASK = {
    "requirements.txt": "flask\ngunicorn\n",
    ".python-version": MINOR,
    "Procfile": "web: gunicorn app:app\n",
    "app.py": APP,
}
WORKER = {"requirements.txt": "", ".python-version": MINOR, "Procfile": "web: python worker.py\n"}


def decisive(platform: dict[str, Any]) -> dict[str, Any]:
    return next(finding for finding in platform["findings"] if finding["decisive"])


def leftovers(tmp_path: Path) -> list[str]:
    return [path.name for path in tmp_path.glob("predeploy-*")]


def test_a_good_app_is_installed_checked_and_started(build: Build, tmp_path: Path) -> None:
    result, platform = build(FLASK)
    assert result.exit_code == 0
    assert platform["status"] == "accept"
    assert platform["phase"] == "boot"
    assert platform["boot"]["http_status"] == 200
    assert platform["python"]["match"] in {"exact", "minor"}
    names = {item["name"].lower(): item["version"] for item in platform["installed"]}
    assert names["pip"] == "26.2.1"
    assert {"flask", "gunicorn"} <= set(names)
    assert [step["status"] for step in platform["steps"]] == ["ok"] * len(platform["steps"])
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("until", ["install", "verify"])
def test_until_ends_the_run_early(build: Build, until: str) -> None:
    _, platform = build(FLASK, "--until", until)
    assert platform["phase"] == until
    assert "boot" not in platform


def test_a_missing_distribution_fails_the_install_with_the_hosts_id(build: Build, tmp_path: Path) -> None:
    result, platform = build({**FLASK, "requirements.txt": "flask\nno-such-thing==1\n"})
    assert result.exit_code == 1
    assert (platform["status"], platform["phase"]) == ("fail", "install")
    assert platform["reason"]["upstream_id"] == "install-dependencies::pip"
    assert "no-such-thing" in Path(platform["steps"][-1]["log"]).read_text()
    assert leftovers(tmp_path), "the work directory of a failed build is kept"


def test_a_broken_source_distribution_fails_the_install(build: Build) -> None:
    _, platform = build({**FLASK, "requirements.txt": "brokensdist\n"})
    assert platform["reason"]["upstream_id"] == "install-dependencies::pip"


def test_an_index_out_of_reach_is_transient_and_exit_75(build: Build) -> None:
    env = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple/", "PIP_RETRIES": "0", "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/"}  # fmt: skip
    result, platform = build(FLASK, env=env)
    assert result.exit_code == 75
    assert platform["status"] == "unknown"
    assert platform["reason"]["rule"] == "heroku/network-trouble"


def test_an_import_that_nothing_provides_fails_verify_with_file_and_line(build: Build) -> None:
    app = "import os\nimport requests\n" + APP
    result, platform = build({**FLASK, "app.py": app})
    assert result.exit_code == 1
    assert (platform["status"], platform["phase"]) == ("fail", "verify")
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == ("app.py", 2)


def test_guarded_and_lazy_imports_are_notes(build: Build) -> None:
    app = "try:\n    import requests\nexcept ImportError:\n    requests = None\n" + APP
    result, platform = build({**FLASK, "app.py": app})
    assert result.exit_code == 0
    assert [f["severity"] for f in platform["findings"]] == ["note"]


def test_a_crash_is_shown_with_the_apps_own_line(build: Build) -> None:
    app = APP + '\nraise RuntimeError("no database")\n'
    _, platform = build({**FLASK, "app.py": app})
    assert (platform["status"], platform["phase"]) == ("fail", "boot")
    finding = decisive(platform)
    assert "no database" in str(finding["message"])
    assert finding["evidence"][0]["path"] == "app.py"


def test_a_variable_given_with_env_reaches_the_app(build: Build) -> None:
    app = 'import os\nos.environ["NEEDED"]\n' + APP
    assert build({**FLASK, "app.py": app})[1]["status"] == "fail"


def test_a_variable_given_with_env_reaches_the_start(build: Build) -> None:
    app = 'import os\nassert os.environ["NEEDED"] == "yes"\n' + APP
    assert build({**FLASK, "app.py": app}, "--env", "NEEDED=yes")[1]["status"] == "accept"


def test_a_port_that_is_never_opened(build: Build) -> None:
    worker = "import time\nwhile True:\n    time.sleep(0.2)\n"
    _, platform = build({**WORKER, "worker.py": worker}, "--boot-timeout", "2")
    assert platform["reason"]["rule"] == "heroku/port-not-opened"
    assert platform["boot"]["status"] == "timeout"


@pytest.mark.parametrize(
    ("address", "rule"),
    [("('0.0.0.0', 0)", "wrong-port"), ("('127.0.0.1', int(os.environ['PORT']))", "loopback-only")],
)
def test_the_wrong_port_or_interface(build: Build, address: str, rule: str) -> None:
    worker = (
        "import os\nfrom http.server import HTTPServer, SimpleHTTPRequestHandler\n"
        f"HTTPServer({address}, SimpleHTTPRequestHandler).serve_forever()\n"
    )
    _, platform = build({**WORKER, "worker.py": worker}, "--boot-timeout", "3")
    assert platform["reason"]["rule"] == f"heroku/{rule}"


def test_a_start_command_that_ends_at_once(build: Build) -> None:
    _, platform = build({**WORKER, "worker.py": "print('done')\n"})
    assert platform["reason"]["rule"] == "heroku/start-exited"


def test_an_app_without_a_web_process_is_not_started(build: Build) -> None:
    result, platform = build({"requirements.txt": "", ".python-version": MINOR})
    assert result.exit_code == 0
    assert platform["status"] == "warn"
    assert platform["boot"]["status"] == "not-run"


def test_hooks_run_around_the_install(build: Build) -> None:
    hook = "#!/bin/sh\necho flask > requirements.txt\necho gunicorn >> requirements.txt\n"
    post = "#!/bin/sh\npython -c 'import flask'\n"
    result, platform = build(
        {**FLASK, "requirements.txt": "", "bin/pre_compile": hook, "bin/post_compile": post}
    )
    assert result.exit_code == 0, platform
    ids = [step["id"] for step in platform["steps"]]
    assert ids.index("pre-compile") < ids.index("install-dependencies") < ids.index("post-compile")


def test_a_failing_hook_has_the_hosts_id(build: Build) -> None:
    _, platform = build({**FLASK, "bin/pre_compile": "#!/bin/sh\nexit 3\n"})
    assert platform["reason"]["upstream_id"] == "hooks::pre_compile"


def test_contradicting_distributions_are_a_note_on_heroku(build: Build) -> None:
    _, platform = build({**FLASK, "requirements.txt": "flask\ngunicorn\ndangling\n"})
    assert platform["status"] in {"accept", "fail"}


def test_nothing_of_the_callers_environment_reaches_the_build(build: Build, tmp_path: Path) -> None:
    hook = "#!/bin/sh\nenv > seen.txt\ncat seen.txt\n"
    env: dict[str, str | None] = {
        "AWS_SECRET_ACCESS_KEY": "canary-1",
        "VIRTUAL_ENV": "/canary-2",
        "PYTHONPATH": "/canary-3",
        "PIP_TARGET": "/canary-4",
    }
    _, platform = build({**FLASK, "bin/post_compile": hook}, "--keep", env=env)
    log = next(step["log"] for step in platform["steps"] if step["id"] == "post-compile")
    assert "canary" not in Path(log).read_text()


def test_the_apps_directory_is_never_written(build: Build, tmp_path: Path) -> None:
    from support.apps import write_tree

    app = write_tree(tmp_path / "app", {**FLASK, "bin/post_compile": "#!/bin/sh\ntouch made-by-the-build\n"})
    before = {path: path.stat().st_mtime_ns for path in app.rglob("*")}
    build(app)
    assert {path: path.stat().st_mtime_ns for path in app.rglob("*")} == before


def test_a_daemon_left_by_a_hook_is_gone(build: Build) -> None:
    marker = f"canary-{os.getpid()}"
    hook = f"#!/bin/sh\nsetsid sleep 321 {marker} >/dev/null 2>&1 &\n".replace(f" {marker}", "")
    build({**FLASK, "bin/post_compile": hook}, "--until", "install")
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    assert "sleep 321" not in commands


def test_another_python_is_a_visible_finding_and_the_hosts_own_is_resolved(
    build: Build, index: LocalIndex
) -> None:
    missing = _a_python_that_is_not_here()
    if missing is None:
        pytest.skip("every Python of the host is here")
    env = {"PATH": "/usr/bin:/bin"}
    result, platform = build({**FLASK, ".python-version": missing}, "--until", "install", env=env)
    assert platform["python"]["match"] == "none"
    assert platform["host_resolution"]["status"] == "resolved"
    assert "heroku/python-substituted" in {finding["rule"] for finding in platform["findings"]}
    assert platform["status"] == "warn"
    assert result.exit_code == 0


def test_dependencies_that_do_not_fit_the_hosts_python_fail_although_the_substitute_could(
    build: Build,
) -> None:
    missing = _a_python_that_is_not_here()
    if missing is None:
        pytest.skip("every Python of the host is here")
    env = {"PATH": "/usr/bin:/bin"}
    files = {**FLASK, ".python-version": missing, "requirements.txt": "needs-new\n"}
    _, platform = build(files, "--until", "install", env=env)
    assert platform["status"] == "fail"
    assert platform["host_resolution"]["status"] == "unsatisfiable"


def _a_python_that_is_not_here() -> str | None:
    import sys

    from predeploy.env import interpreters

    search = interpreters.Search.from_environ(
        {"PATH": "/usr/bin:/bin"}, Path("/nonexistent"), extra=(Path(sys.base_prefix),)
    )
    here = {".".join(found.version.split(".")[:2]) for found in interpreters.discover(search)}
    return next((minor for minor in ("3.14", "3.13", "3.12", "3.11") if minor not in here), None)


def test_requirements_from_a_repository_a_directory_and_an_included_file(
    build: Build, tmp_path: Path
) -> None:
    source = _unpacked(tmp_path, Distribution(name="from-git", version="1.5"))
    git = ("git", "-C", str(source), "-c", "user.name=t", "-c", "user.email=t@example.invalid")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "one"), ("tag", "v1")):
        subprocess.run((*git, *words), check=True, capture_output=True)
    local = _unpacked(tmp_path, Distribution(name="from-here", version="2.5"))
    files = {
        **{f"lib/{p.relative_to(local)}": p.read_bytes() for p in local.rglob("*") if p.is_file()},
        **FLASK,
        "requirements.txt": f"-r base.txt\n-c limits.txt\nfrom-git @ git+file://{source}@v1\n./lib\nalpha\n",
        "base.txt": "flask\ngunicorn\n",
        "limits.txt": "alpha<2\n",
    }
    result, platform = build(files, "--until", "verify", "--expose", str(source))
    assert result.exit_code == 0, platform["findings"]
    found = {item["name"].lower(): item["version"] for item in platform["installed"]}
    assert (found["from-git"], found["from-here"], found["alpha"]) == ("1.5", "2.5", "1.0")


@pytest.mark.parametrize(("digest", "status"), [("right", "accept"), ("wrong", "fail")])
def test_hashes_are_checked(
    build: Build, index: LocalIndex, tmp_path: Path, digest: str, status: str
) -> None:
    import hashlib

    wheel = build_wheel(Distribution(name="hashed", version="1.0"), tmp_path)
    index.add_file(wheel)
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest() if digest == "right" else "0" * 64
    files = {**FLASK, "requirements.txt": f"hashed==1.0 --hash=sha256:{sha256}\n", "app.py": ""}
    _, platform = build(files, "--until", "install")
    assert platform["status"] == status
    if status == "fail":
        assert platform["reason"]["upstream_id"] == "install-dependencies::pip"


def _unpacked(directory: Path, distribution: Distribution) -> Path:
    """Return the source tree of a distribution that builds itself without any backend from the index."""
    import tarfile

    archive = build_sdist(distribution, directory)
    with tarfile.open(archive) as sources:
        sources.extractall(directory, filter="data")
    return directory / archive.name.removesuffix(".tar.gz")
