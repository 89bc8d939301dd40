"""Real builds the way Platform.sh builds, against the local index."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from predeploy.env.interpreters import Search, discover
from support.building import MINOR, Build, decisive, log_of, outcome, rules, steps, versions

APP = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route("/")\ndef index():\n    return "hello"\n'
SERVER = (
    "import os\nfrom http.server import HTTPServer, SimpleHTTPRequestHandler\n"
    "HTTPServer(('127.0.0.1', {port}), SimpleHTTPRequestHandler).serve_forever()\n"
)
GUNICORN = 'gunicorn -b "127.0.0.1:$PORT" app:app'
INSTALL = "set -e\npip install -r requirements.txt\n"
FLASK = {"app.py": APP, "requirements.txt": "flask\ngunicorn\n"}

Deploy = Callable[..., dict[str, Any]]


def config(hook: str | None = INSTALL, start: str = GUNICORN, **more: Any) -> str:
    """Return a .platform.app.yaml."""
    settings: dict[str, Any] = {
        "name": "app",
        "type": f"python:{MINOR}",
        "web": {"commands": {"start": start}},
    }
    if hook is not None:
        settings["hooks"] = {"build": hook}
    for key, value in more.items():
        settings[key] = {**settings.get(key, {}), **value} if isinstance(value, dict) else value
    return yaml.safe_dump(settings)


@pytest.fixture
def deploy(build: Build) -> Deploy:
    """Return a function that builds a tree and gives the platform's answer."""

    def call(files: dict[str, str], *argv: str) -> dict[str, Any]:
        result, platform = build({**files}, *argv, platform="platformsh")
        assert result.exit_code == (1 if platform["status"] in {"reject", "fail"} else 0), result.stderr
        return platform

    return call


def bare(hook: str, start: str = "python server.py", **more: Any) -> dict[str, str]:
    """Return an app that needs nothing installed: a hook, and a server of the standard library."""
    port = "int(os.environ['PORT'])"
    return {".platform.app.yaml": config(hook, start, **more), "server.py": SERVER.format(port=port)}


def in_app(platform: dict[str, Any], name: str) -> str:
    """Return a file that the build left in the app's directory."""
    return (Path(platform["work_dir"]) / "app" / name).read_text(encoding="utf-8")


def variables(platform: dict[str, Any], name: str) -> dict[str, str]:
    """Return the output of ``env`` in a file that the build left."""
    pairs = (line.partition("=") for line in in_app(platform, name).splitlines())
    return {key: value for key, _, value in pairs}


# --- builds and starts --------------------------------------------------------------------------------


def test_an_app_is_installed_by_its_hook_and_answers_on_its_port(deploy: Deploy) -> None:
    platform = deploy({**FLASK, ".platform.app.yaml": config()})
    assert platform["status"] in {"accept", "warn"}, decisive(platform)
    assert platform["boot"]["http_status"] == 200
    assert steps(platform) == {"create-environment": "ok", "build-hook": "ok", "conflict-check": "ok"}
    assert {"flask", "gunicorn"} <= set(versions(platform))


def test_an_app_answers_on_its_unix_socket(deploy: Deploy) -> None:
    upstream = {
        "upstream": {"socket_family": "unix"},
        "commands": {"start": 'gunicorn -b "unix:$SOCKET" app:app'},
    }
    platform = deploy({**FLASK, ".platform.app.yaml": config(web=upstream)})
    assert platform["boot"]["http_status"] == 200
    assert platform["status"] in {"accept", "warn"}


def test_global_dependencies_are_there_in_the_hook_and_at_the_start(deploy: Deploy) -> None:
    tools = {"python3": {"with-script": "1.0", "alpha": "*"}}
    files = bare("set -e\nwith-script\n", "with-script && python server.py", dependencies=tools)
    platform = deploy(files, "--keep")
    assert platform["boot"]["http_status"] == 200
    assert list(steps(platform))[1:3] == ["global-dependencies", "build-hook"]
    assert versions(platform)["alpha"] == "2.0"


def test_one_of_several_applications_is_built(deploy: Deploy) -> None:
    files = {
        "front/.platform.app.yaml": config("touch built", "python server.py", name="front"),
        "front/server.py": SERVER.format(port="int(os.environ['PORT'])"),
        "back/.platform.app.yaml": config("exit 3", name="back"),
    }
    platform = deploy(files, "--set", "platformsh.app=front", "--keep")
    assert platform["boot"]["http_status"] == 200
    assert "other-applications" in rules(platform)
    assert in_app(platform, "front/built") == ""
    other = deploy(files, "--set", "platformsh.app=back")
    assert outcome(other) == ("fail", "install", "build-hook-failed")


def test_variables_of_the_build_and_of_the_start(deploy: Deploy) -> None:
    own = {
        "env": {"FROM_CONFIG": "yes", "PLATFORM_PROJECT": "mine", "LEVELS": [1, 2]},
        "theme": {"colour": "red"},
    }
    # At the start only mounts and the temporary directory can be written to.
    files = bare("env > build.txt", "env > $TMPDIR/run.txt; exec python server.py", variables=own)
    platform = deploy(files, "--keep", "--env", "GIVEN=too")
    assert platform["boot"]["http_status"] == 200
    seen, later = variables(platform, "build.txt"), variables(platform, "../tmp/run.txt")
    confined = platform["sandbox"]["kind"] == "bwrap"
    app = "/app" if confined else str(Path(platform["work_dir"]) / "app")
    expected = {"HOME": app, "PLATFORM_APP_DIR": app, "PLATFORM_APPLICATION_NAME": "app", "CI": "true"}
    expected |= {"FROM_CONFIG": "yes", "LEVELS": "[1, 2]", "GIVEN": "too"}
    assert expected.items() <= seen.items()
    assert seen["PLATFORM_PROJECT"] != "mine", "the host's own variables win"
    assert {"PLATFORM_TREE_ID", "PLATFORM_VARIABLES", "PLATFORM_CACHE_DIR"} <= set(seen)
    of_the_run = {
        "PORT",
        "PLATFORM_BRANCH",
        "PLATFORM_RELATIONSHIPS",
        "PLATFORM_ROUTES",
        "PLATFORM_ENVIRONMENT",
    }
    assert not of_the_run & set(seen)
    assert of_the_run <= set(later)
    assert {"FROM_CONFIG": "yes", "GIVEN": "too", "HOME": app}.items() <= later.items()


INTO_THE_INTERPRETER = """set -e
pip install alpha
PIP_USER=0 pip install beta
python -c 'import site; assert site.ENABLE_USER_SITE is True'
python -c 'import pkg_resources'
python -O -c 'import wave, json.tool, email.mime.text'
"""


def fingerprint(prefix: Path) -> dict[str, tuple[int, int, int]]:
    """Return the files of an installation with what changes when somebody writes to them.

    Of what is installed into it, the directories of the distributions.
    """
    found = {}
    for directory, below, files in os.walk(prefix):
        if directory.endswith("-packages"):
            files, below[:] = [*files, *below], []
        for name in (".", *files):
            path = os.path.join(directory, name)  # noqa: PTH118 - fifty thousand files
            status = os.lstat(path)
            found[path] = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return found


@pytest.mark.parametrize("sandbox", ["auto", "none"])
def test_every_interpreter_of_the_machine_stays_as_it_was(deploy: Deploy, sandbox: str) -> None:
    search = Search(home=Path("/nonexistent"), path=os.environ["PATH"], extra=(Path(sys.base_prefix),))
    found = discover(search)
    libraries = [path for one in found for path in one.path.resolve().parent.parent.glob("lib*/python3*")]
    before = {path: fingerprint(path) for path in dict.fromkeys(libraries)}
    assert before
    # As root only ours keeps what is outside of a sandbox from pip: a dry run, since it must not depend on that.
    real = f"'{sys.base_prefix}/bin/python{MINOR}' -m pip install --dry-run gunicorn > escape.txt 2>&1 && false\n"
    hook = INTO_THE_INTERPRETER + ("PIP_USER=0 " + real if sandbox == "none" else "") + "true\n"
    hook = hook.replace("&& false\n", "&& exit 9\n")
    platform = deploy(bare(hook), "--keep", "--until", "install", "--sandbox", sandbox)
    assert platform["status"] in {"accept", "warn"}, log_of(platform, "build-hook")
    assert {"alpha", "beta"} <= set(versions(platform))
    assert {path: fingerprint(path) for path in before} == before
    assert (Path(platform["work_dir"]) / "app/.global/lib" / f"python{MINOR}/site-packages").is_dir()


# --- hooks that fail ----------------------------------------------------------------------------------


def test_without_set_e_a_first_line_that_fails_goes_unnoticed(deploy: Deploy) -> None:
    hook = "pip install no-such-thing\npip install -r requirements.txt\n"
    platform = deploy({**FLASK, ".platform.app.yaml": config(hook)}, "--keep")
    assert platform["status"] == "warn"
    assert "hook-without-set-e" in rules(platform)
    assert platform["boot"]["http_status"] == 200
    assert "no-such-thing" in log_of(platform, "build-hook")


@pytest.mark.parametrize(
    ("hook", "upstream_id"),
    [
        ("set -e\nfalse\ntouch after\n", "build-hook-failed"),
        ("set -e\nno-such-command --all\ntouch after\n", "build-hook-command-not-found"),
        ("set -e\n./script.sh\ntouch after\n", "build-hook-not-executable"),
        ("set -e\npip install alpha==9\ntouch after\n", "requirement-unavailable"),
        ("set -e\n. ./bash.inc\ntouch after\n", "build-hook-bashism"),
        ("set -e\npython -m venv own\nown/bin/pip install alpha\n", "pip-user-in-virtualenv"),
        ("set -eu\necho $NOT_THERE\ntouch after\n", "build-variable-unset"),
        ("set -e\npython -c 'import os; os.environ[\"PLATFORM_RELATIONSHIPS\"]'\n", "build-needs-service"),
    ],
    ids=lambda value: value if "\n" not in value else "",
)
def test_a_hook_that_fails(deploy: Deploy, hook: str, upstream_id: str) -> None:
    files = bare(hook) | {"script.sh": "true\n", "bash.inc": '[[ -n "$HOME" ]] && echo bash\nfalse\n'}
    platform = deploy(files)
    assert outcome(platform) == ("fail", "install", upstream_id)
    assert list(steps(platform).values()) == ["ok", "failed"]
    assert not (Path(platform["work_dir"]) / "app" / "after").exists()


def test_a_hook_for_bash_is_seen_before_the_build(deploy: Deploy) -> None:
    platform = deploy(bare("set -e\n[[ -n $HOME ]]\n"))
    assert outcome(platform) == ("fail", "plan", "build-hook-bashism")
    assert "steps" not in platform


def test_a_global_dependency_that_does_not_exist(deploy: Deploy) -> None:
    platform = deploy(bare("true", dependencies={"python3": {"alpha": "9"}}))
    assert outcome(platform) == ("fail", "install", "global-dependency-install-failed")
    assert "build-hook" not in steps(platform)


# --- starts that fail ---------------------------------------------------------------------------------


def test_without_a_hook_nothing_is_installed_and_the_import_is_missed(deploy: Deploy) -> None:
    platform = deploy({**FLASK, ".platform.app.yaml": config(None)})
    assert outcome(platform) == ("fail", "verify", "start-module-not-found")
    assert "manifest-never-installed" in rules(platform)
    assert "build-hook" not in steps(platform)
    (place,) = decisive(platform)["evidence"]
    assert (place["path"], place["line"]) == ("app.py", 1)


@pytest.mark.parametrize(
    ("start", "upstream_id"),
    [
        (GUNICORN.replace("app:app", "server:app"), "start-command-not-found"),
        ("python elsewhere.py", "start-wrong-endpoint"),
        ("python broken.py", "start-crashed"),
        ("python missing.py", "start-module-not-found"),
        ("sh detached.sh", "start-crashed"),
    ],
)
def test_a_start_that_fails(deploy: Deploy, start: str, upstream_id: str) -> None:
    files = bare("true", start) | {
        "elsewhere.py": SERVER.format(port=0),
        "broken.py": "raise RuntimeError('no database')\n",
        "missing.py": "import importlib\nimportlib.import_module('requests')\n",
        "detached.sh": "python server.py &\n",
    }
    limit = ("--boot-timeout", "3") if "elsewhere" in start else ()
    platform = deploy(files, *limit)
    assert outcome(platform) == ("fail", "boot", upstream_id)


def test_a_start_in_the_background_is_seen_before_the_build(deploy: Deploy) -> None:
    platform = deploy(bare("true", "python server.py &"))
    assert outcome(platform) == ("fail", "plan", "start-backgrounded")


def test_a_start_that_fails_without_its_services_is_not_decided(deploy: Deploy) -> None:
    files = bare("true", "python broken.py") | {
        "broken.py": "import os, base64, json\njson.loads(base64.b64decode(os.environ['PLATFORM_RELATIONSHIPS']))['db']\n",
        ".platform/services.yaml": "db: {type: 'postgresql:16', disk: 512}\n",
    }
    files[".platform.app.yaml"] = config("true", "python broken.py", relationships={"db": "db:postgresql"})
    platform = deploy(files)
    assert (platform["status"], platform["phase"]) == ("unknown", "boot")
    assert platform["reason"]["rule"] == "platformsh/start-without-services"
