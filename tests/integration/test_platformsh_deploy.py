"""Real deployments the way Platform.sh and Upsun make them: hooks around the start, services, what is kept."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.building import MINOR, Build, log_of, rules, steps

SERVER = (
    "import os\nfrom http.server import HTTPServer, SimpleHTTPRequestHandler\n"
    "HTTPServer(('127.0.0.1', int(os.environ['PORT'])), SimpleHTTPRequestHandler).serve_forever()\n"
)
CONNECT = """\
import base64, json, os, socket
found = json.loads(base64.b64decode(os.environ["PLATFORM_RELATIONSHIPS"]))["database"][0]
connection = socket.create_connection((found["host"], found["port"]), timeout=5)
connection.sendall("{username}:{password}@{path} {scheme} {rel} {type}".format(**found).encode())
print("sent", found["password"])
"""
PASSWORD = "correct-horse-battery"


def tree(deploy: str, build: str = "true", **more: Any) -> dict[str, str]:
    """Return an app with a relationship, which needs nothing installed."""
    app = {
        "name": "app",
        "type": f"python:{MINOR}",
        "relationships": {"database": "db:postgresql"},
        "hooks": {"build": build, "deploy": deploy},
        "web": {"commands": {"start": "python server.py"}},
        **more,
    }
    return {
        ".platform.app.yaml": json.dumps(app),
        ".platform/services.yaml": "db: {type: 'postgresql:16', disk: 256}\n",
        "server.py": SERVER,
        "connect.py": CONNECT,
    }


def answer(build: Build, files: dict[str, str], *argv: str, platform: str = "platformsh") -> dict[str, Any]:
    """Return the platform's answer to a build whose work directory is kept."""
    result, found = build(files, *argv, "--keep", platform=platform)
    assert PASSWORD not in result.stdout + result.stderr
    return found


@pytest.fixture
def service() -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port of a server, and what its clients have sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    received.append(client.recv(1000))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], received


def test_a_deploy_hook_reaches_a_service_that_is_given(
    build: Build, service: tuple[int, list[bytes]]
) -> None:
    port, received = service
    url = f"postgresql://main:{PASSWORD}@127.0.0.1:{port}/shop"
    platform = answer(build, tree("python connect.py"), "--service", f"database={url}")
    assert platform["status"] in {"accept", "warn"}
    assert steps(platform)["deploy-hook"] == "ok"
    assert received == [f"main:{PASSWORD}@shop pgsql postgresql postgresql:16".encode()]
    assert "sent ***" in log_of(platform, "deploy-hook")
    assert platform["boot"]["http_status"] == 200


def test_a_deploy_hook_without_its_service_is_not_decided(build: Build) -> None:
    platform = answer(build, tree("set -e\npython connect.py\n"))
    assert platform["status"] == "unknown"
    assert platform["reason"]["rule"] == "platformsh/deploy-hook-without-services"
    (finding,) = (f for f in platform["findings"] if f["rule"].endswith("deploy-hook-without-services"))
    assert "--service database=URL" in finding["message"]
    assert platform["boot"]["http_status"] == 200


def test_a_deploy_hook_that_fails_stops_nothing(build: Build) -> None:
    files = tree("set -e\nno-such-command\n", relationships={})
    platform = answer(build, files)
    assert platform["status"] == "warn"
    assert "deploy-hook-failed-ignored" in rules(platform)
    assert platform["boot"]["http_status"] == 200


def test_hooks_of_the_deployment_write_to_mounts_only(build: Build) -> None:
    hook = "env > files/deploy.txt\ntouch elsewhere || echo refused\n"
    files = tree(
        hook,
        "env > build.txt\ntouch $PLATFORM_CACHE_DIR/left",
        relationships={},
        disk=128,
        mounts={"/files": {"source": "local", "source_path": "files"}},
    )
    hooks = {"build": "env > build.txt\nls $PLATFORM_CACHE_DIR > found.txt\ntouch $PLATFORM_CACHE_DIR/left\n"}
    hooks |= {"deploy": hook, "post_deploy": "cat files/deploy.txt > files/again.txt\n"}
    app = json.loads(files[".platform.app.yaml"]) | {"hooks": hooks}
    files |= {".platform.app.yaml": json.dumps(app), ".environment": "export FROM_FILE=yes\n"}
    platform = answer(build, files)
    assert (steps(platform)["deploy-hook"], steps(platform)["post-deploy-hook"]) == ("ok", "ok")
    work = Path(platform["work_dir"])
    confined = platform["sandbox"]["kind"] == "bwrap"
    mounted = work / "mounts/0" if confined else work / "app/files"
    seen = dict(line.partition("=")[::2] for line in (mounted / "again.txt").read_text("utf-8").splitlines())
    assert {
        "FROM_FILE": "yes",
        "PLATFORM_BRANCH": "main",
        "PLATFORM_APPLICATION_NAME": "app",
    }.items() <= seen.items()
    assert not {"CI", "PLATFORM_CACHE_DIR", "PLATFORM_OUTPUT_DIR", "UV_PYTHON"} & set(seen)
    assert not confined or log_of(platform, "deploy-hook").endswith("refused\n")
    assert (work / "app/found.txt").read_text("utf-8") == ""
    assert "FROM_FILE" not in (work / "app/build.txt").read_text("utf-8")
    # The next build of the same app finds what this one has left; the deployment does not.
    again = answer(build, files)
    assert (Path(again["work_dir"]) / "app/found.txt").read_text("utf-8") == "left\n"


def test_commands_that_are_never_run_are_parsed(build: Build) -> None:
    crons = {
        "bad": {"spec": "0 * * * *", "commands": {"start": "if true; touch ran"}},
        "good": {"spec": "0 * * * *", "commands": {"start": "touch ran"}},
    }
    platform = answer(build, tree("true", relationships={}, crons=crons), "--until", "verify")
    (finding,) = (f for f in platform["findings"] if f["rule"].endswith("command-does-not-parse"))
    assert "crons.bad" in finding["message"]
    assert "crons.good" not in finding["message"]
    assert not (Path(platform["work_dir"]) / "app/ran").exists()


def test_a_line_that_fails_unnoticed_is_named(build: Build) -> None:
    hook = "echo begin\ncp nothing here\nif false; then echo no; fi\npip install no-such-thing\necho end\n"
    yaml = "".join(f"    {line}\n" for line in hook.splitlines())
    config = f"name: app\ntype: 'python:{MINOR}'\nhooks:\n  build: |\n{yaml}"
    config += "web: {commands: {start: python server.py}}\n"
    platform = answer(build, {".platform.app.yaml": config, "server.py": SERVER}, "--until", "install")
    (finding,) = (f for f in platform["findings"] if f["rule"].endswith("hook-line-fails-unnoticed"))
    assert [place["line"] for place in finding["evidence"]] == [6, 8]
    assert "+predeploy" not in log_of(platform, "build-hook")


def test_upsun_builds_from_its_own_files(build: Build) -> None:
    config = f"""\
applications:
  app:
    type: 'python:{MINOR}'
    relationships: {{database: }}
    hooks:
      build: pip install alpha
      deploy: test "$DATABASE_HOST" = database.internal
    web: {{commands: {{start: python server.py}}}}
services:
  database: {{type: 'postgresql:16'}}
"""
    platform = answer(build, {".upsun/config.yaml": config, "server.py": SERVER}, platform="upsun")
    assert platform["boot"]["http_status"] == 200
    assert steps(platform)["deploy-hook"] == "ok"
    assert "alpha" in {item["name"] for item in platform["installed"]}


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a PostgreSQL of this test; skip where there is none."""
    if shutil.which("initdb") is None or shutil.which("psql") is None or shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL is not installed")
    base = tmp_path_factory.mktemp("postgres")
    place = Path("/tmp") / f"predeploy-postgres-{os.getpid()}"
    shutil.copytree(base, place)
    (place / "password").write_text(PASSWORD, "utf-8")
    switch = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"] if os.getuid() == 0 else []
    if switch:
        for path in (place, place / "password"):
            os.chown(path, 1000, 1000)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    data = str(place / "data")
    make = ["initdb", "-D", data, "-U", "main", "--pwfile", str(place / "password"), "-A", "md5"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off"
    start = ["pg_ctl", "-D", data, "-o", options, "-l", f"{place}/log", "-w", "start"]
    try:
        for argv in (make, start):
            done = subprocess.run([*switch, *argv], capture_output=True, cwd=place, check=False)
            if done.returncode:
                pytest.skip(f"PostgreSQL does not run here: {done.stderr[-200:]!r}")
        yield f"postgresql://main:{PASSWORD}@127.0.0.1:{port}/postgres"
    finally:
        stop = ["pg_ctl", "-D", data, "-m", "immediate", "stop"]
        subprocess.run([*switch, *stop], capture_output=True, cwd=place, check=False)
        shutil.rmtree(place, ignore_errors=True)


def test_a_migration_runs_on_a_real_database(build: Build, postgres: str) -> None:
    hook = (
        "set -eu\n"
        'value() { echo $PLATFORM_RELATIONSHIPS | base64 -d | python -c "import json, sys; '
        "print(json.load(sys.stdin)['database'][0]['$1'])\"; }\n"
        "export PGPASSWORD=$(value password)\n"
        "psql -h $(value host) -p $(value port) -U $(value username) $(value path) -c 'create table notes (id int)'\n"
    )
    platform = answer(build, tree(hook), "--service", f"db={postgres}")
    assert steps(platform)["deploy-hook"] == "ok", log_of(platform, "deploy-hook")
    assert "CREATE TABLE" in log_of(platform, "deploy-hook")
