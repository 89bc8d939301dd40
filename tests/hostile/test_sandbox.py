"""A malicious distribution, build hook and app against the sandbox."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predeploy.env.bubblewrap import trouble
from support.attack import CANARY, Targets, loot, targets
from support.building import MINOR, Build, decisive, log_of, rules, steps

pytestmark = pytest.mark.skipif(bool(trouble()), reason=trouble() or "bubblewrap works")

SERVE = """
import http.server, os
server = http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler)
server.serve_forever()
"""
BACKEND = """
import attack, os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "evil-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as archive:
        archive.writestr("evil.py", "")
        archive.writestr("evil-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: evil\\nVersion: 1\\n")
        archive.writestr("evil-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("evil-1.dist-info/RECORD", "")
    return name
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
PLAIN = {
    "requirements.txt": "",
    ".python-version": MINOR,
    "Procfile": "web: python serve.py\n",
    "serve.py": SERVE,
}


def hostile(aim: Targets, where: str) -> tuple[dict[str, str | bytes | None], str]:
    """Return an app with the attack in one place, and the directory of what it gets."""
    attack = aim.program()
    if where == "distribution":
        evil = {"evil/pyproject.toml": PROJECT, "evil/backend.py": BACKEND, "evil/attack.py": attack}
        return {**PLAIN, **evil, "requirements.txt": "./evil\n"}, "evil"
    if where == "hook":
        hook = "#!/usr/bin/env bash\npython attack.py\n"
        return {**PLAIN, "bin/post_compile": hook, "attack.py": attack}, ""
    return {**PLAIN, "attack.py": attack, "serve.py": f"import attack\n{SERVE}"}, ""


@pytest.fixture
def aim(tmp_path: Path) -> Iterator[Targets]:
    with targets(tmp_path) as found:
        yield found


@pytest.mark.parametrize("where", ["distribution", "hook", "app"])
def test_an_attack_gets_nothing(build: Build, aim: Targets, where: str) -> None:
    files, place = hostile(aim, where)
    result, platform = build(
        files, "--keep", "--network", "none", "--env", "GREETING=hello", env={**aim.environ}
    )
    assert platform["status"] in {"accept", "warn"}, result.stderr
    assert platform["sandbox"]["kind"] == "bwrap"
    got = loot(platform["work_dir"], place)
    open_ends = {name: value for name, value in got.items() if not str(value).startswith("refused")}
    assert open_ends == {"leave-a-process": "tried"}
    assert aim.left_processes() == []
    assert not (aim.parent / "written.txt").exists()
    assert CANARY not in result.stdout + result.stderr


def test_without_a_sandbox_the_attack_would_have_worked(build: Build, aim: Targets) -> None:
    """The attack is a real one, so that the tests above show something."""
    files, place = hostile(aim, "hook")
    _, platform = build(files, "--keep", "--sandbox", "none", env={**aim.environ})
    got = loot(platform["work_dir"], place)
    assert got["home"] == got["parent-directory"] == got["loopback"] == CANARY
    assert got["write-outside"] == "written"
    assert str(got["own-environment"]).startswith("refused")  # the variables are cut in any case
    assert (platform["sandbox"]["kind"], platform["sandbox"]["detail"]) == (
        "none",
        "--sandbox none was given",
    )


LOOK = """
import json, os, site, sys, traceback
try:
    import helper
except Exception:
    trace = traceback.format_exc()
print(json.dumps({"cwd": os.getcwd(), "file": __file__, "prefix": sys.prefix, "trace": trace, "uid": os.getuid(),
    "root": sorted(os.listdir("/")), "home": os.environ.get("HOME"), "tmp": os.environ.get("TMPDIR")}), flush=True)
"""
PATHS = {
    "heroku": ("/app", "/app/.heroku/python"),
    "cloud-functions": ("/workspace", "/layers/google.python.pip/pip"),
    "streamlit-cloud": ("/mount/src/app", "/home/adminuser/venv"),
}


@pytest.mark.parametrize("platform", sorted(PATHS))
def test_the_app_lies_where_the_host_has_it(build: Build, platform: str) -> None:
    files: dict[str, str | bytes | None] = {
        **PLAIN,
        "helper.py": "raise LookupError('here')\n",
        "serve.py": LOOK + SERVE,
        "main.py": LOOK + "def hello(request):\n    return 'hello'\n",
        "streamlit_app.py": LOOK,
    }
    files["requirements.txt"] = {"heroku": "", "cloud-functions": "functions-framework\n"}.get(
        platform, "streamlit\n"
    )
    _, answer = build(
        files,
        "--keep",
        *("--set", f"streamlit-cloud.python={MINOR}") * (platform == "streamlit-cloud"),
        *("--set", f"cloud-functions.runtime=python{MINOR.replace('.', '')}")
        * (platform == "cloud-functions"),
        platform=platform,
    )
    import json

    log = Path(answer["boot"]["log"]).read_text()
    seen: dict[str, Any] = json.loads(next(line for line in log.splitlines() if line.startswith('{"cwd"')))
    app, venv = PATHS[platform]
    assert (seen["cwd"], seen["prefix"]) == (app, venv)
    assert f'File "{app}/helper.py", line 1' in seen["trace"]
    assert seen["tmp"] == "/tmp"
    assert not {"media", "srv", "boot", "sys"} & set(seen["root"])
    script = next(Path(answer["work_dir"], "venv/bin").glob("pip"), None)
    if script is not None:
        assert script.read_text().splitlines()[0].startswith(f"#!{venv}/bin/python")


def test_only_tmp_is_writable_at_googles_start(build: Build) -> None:
    main = "open('/tmp/fine', 'w')\nopen('/workspace/data', 'w')\ndef hello(request):\n    return ''\n"
    _, platform = build(
        {"main.py": main, "requirements.txt": "functions-framework\n"},
        *("--set", f"cloud-functions.runtime=python{MINOR.replace('.', '')}"),
        platform="cloud-functions",
    )
    assert platform["status"] == "fail"
    assert platform["phase"] == "boot"
    evidence = decisive(platform)["evidence"][0]
    assert (evidence["path"], evidence["line"]) == ("main.py", 2)
    assert "Read-only file system" in evidence["text"]


def test_a_start_that_wants_the_network_is_unknown(build: Build) -> None:
    app = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)\n" + SERVE
    _, platform = build({**PLAIN, "serve.py": app})
    assert (platform["status"], platform["phase"]) == ("unknown", "boot")
    assert rules(platform) >= {"start-needs-network"}
    assert "Network is unreachable" in decisive(platform)["message"]


CONFIG = f"""
name: app
type: 'python:{MINOR}'
disk: 256
hooks: {{build: "true"}}
mounts:
  data: {{source: local, source_path: data}}
web:
  commands: {{start: "python3 serve.py"}}
  upstream: {{socket_family: unix}}
"""
UNIX = """
import os, socket
assert os.listdir("data") == []
open("data/kept", "w").write("x")
try:
    open("elsewhere", "w")
except OSError as error:
    print("refused:", error.strerror, flush=True)
server = socket.socket(socket.AF_UNIX)
server.bind(os.environ["SOCKET"])
server.listen()
while True:
    connection, _ = server.accept()
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    connection.close()
"""


def test_platformsh_starts_read_only_with_its_mounts_and_its_socket(build: Build) -> None:
    files: dict[str, str | bytes | None] = {
        ".platform.app.yaml": CONFIG,
        ".platform/routes.yaml": '"https://{default}/": {type: upstream, upstream: "app:http"}\n',
        "serve.py": UNIX,
    }
    result, platform = build(files, "--keep", platform="platformsh")
    assert platform["boot"]["http_status"] == 200, (result.stderr, platform)
    assert "refused: Read-only file system" in Path(platform["boot"]["log"]).read_text()
    assert platform["sandbox"]["read_only_at_start"] is True


@pytest.mark.parametrize(
    ("hook", "limits", "said"),
    [
        (
            "python -c 'x = bytearray(400_000_000); import time; time.sleep(30)'",
            "memory=200M",
            "memory of 200 MiB",
        ),
        ("head -c 300000000 /dev/zero > big", "disk=100M", "disk of 100 MiB"),
        (
            "for i in 1 2 3; do head -c 60000000 /dev/zero > big$i; done; sleep 30",
            "disk=100M",
            "disk of 100 MiB",
        ),
        ("for i in $(seq 100); do sleep 30 & done; sleep 30", "processes=50", "50 processes"),
        ("sleep 300", "time=15", "time of 15 s"),
    ],
    ids=["memory", "one-file", "many-files", "processes", "time"],
)
@pytest.mark.parametrize("sandbox", ["bwrap", "none"])
def test_a_step_over_a_limit_fails_and_names_it(
    build: Build, hook: str, limits: str, said: str, sandbox: str
) -> None:
    _, platform = build(
        {**PLAIN, "bin/post_compile": f"#!/bin/bash\n{hook}\n"},
        *("--limit", f"install.{limits}", "--sandbox", sandbox),
    )
    assert (platform["status"], platform["phase"]) == ("fail", "install")
    assert said in decisive(platform)["message"]
    assert next(step for step in platform["steps"] if step["id"] == "post-compile")["limit"] == said


def test_a_start_over_a_limit_fails_and_names_it(build: Build) -> None:
    app = "import time\nx = bytearray(400_000_000)\ntime.sleep(60)\n"
    _, platform = build({**PLAIN, "serve.py": app}, "--limit", "boot.memory=200M")
    assert (platform["status"], platform["phase"]) == ("fail", "boot")
    assert "memory of 200 MiB" in decisive(platform)["message"]
    assert platform["boot"]["limit"] == "memory of 200 MiB"


def test_a_missing_program_reads_as_without_a_sandbox(build: Build) -> None:
    _, platform = build({**PLAIN, "Procfile": "web: no-such-program\n", "bin/post_compile": "#!/no/shell\n"})
    assert steps(platform)["post-compile"] == "failed"
    assert "bwrap" not in log_of(platform, "post-compile")


def test_what_a_build_leaves_does_not_block_the_reader(build: Build) -> None:
    """A pipe where the metadata of a distribution should be, on which uv itself waits for ever."""
    hook = """#!/bin/bash
cd /app/.heroku/python/lib/python*/site-packages
mkdir evil-1.dist-info && mkfifo evil-1.dist-info/METADATA
ln -s /etc/passwd linked.pth
"""
    _, platform = build({**PLAIN, "bin/post_compile": hook}, "--limit", "verify.time=5")
    assert platform["boot"]["http_status"] == 200
    assert "evil" not in {item["name"] for item in platform["installed"]}


@pytest.mark.parametrize(
    "planted", ["ln -s /tmp/elsewhere .heroku", "mkdir .heroku && ln -s / .heroku/python"]
)
def test_a_link_in_place_of_a_mount_point_leads_nowhere(build: Build, planted: str, tmp_path: Path) -> None:
    hook = f"#!/bin/bash\nmv .heroku /app/moved\n{planted}\n"
    _, platform = build({**PLAIN, "bin/post_compile": hook}, "--keep")
    assert platform["status"] in {"accept", "warn"}
    assert platform["boot"]["http_status"] == 200


def test_bwrap_cannot_be_had_where_it_does_not_work(build: Build, tmp_path: Path) -> None:
    result, _ = build(PLAIN, "--sandbox", "none", "--network", "none")
    assert result.exit_code == 2
    assert "--network none needs a sandbox" in result.stderr
    assert sys.platform == "linux"
