"""What a malicious build script, hook or app tries; it writes what it got to a file beside itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.serving import free_port

CANARY = "canary-7f3a9c51e2"
"""A text that must stay where it is."""

_PROGRAM = """\
import json, os, socket, subprocess, sys, time

SPEC = json.loads({spec!r})
got = {{}}


def attempt(name):
    def run(function):
        try:
            got[name] = function()
        except BaseException as error:
            got[name] = "refused: %s" % type(error).__name__
    return run


def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


@attempt("home")
def _():
    return read(SPEC["home_file"])


@attempt("parent-directory")
def _():
    return read(SPEC["parent_file"])


@attempt("own-environment")
def _():
    return [name for name, value in os.environ.items() if SPEC["canary"] in value] or "refused: nothing there"


@attempt("other-processes")
def _():
    seen = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            for part in ("environ", "cmdline"):
                try:
                    with open("/proc/%s/%s" % (name, part), "rb") as file:
                        if SPEC["canary"].encode() in file.read():
                            seen.append(name)
                except OSError:
                    pass
    return seen or "refused: nothing there"


@attempt("signal")
def _():
    os.kill(SPEC["victim"], 9)
    return "killed"


@attempt("write-outside")
def _():
    with open(SPEC["written"], "w") as file:
        file.write("was here")
    return "written"


@attempt("write-system")
def _():
    with open("/usr/lib/" + SPEC["canary"], "w") as file:
        file.write("was here")
    return "written"


@attempt("loopback")
def _():
    with socket.create_connection(("127.0.0.1", SPEC["port"]), timeout=3) as connection:
        return connection.recv(100).decode()


@attempt("leave-a-process")
def _():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(null, descriptor)
            environ = {{"PATH": "/usr/bin:/bin"}}
            os.execve("/bin/sleep", [SPEC["left"], "600"], environ)
        os._exit(0)
    return "tried"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "got.json"), "w") as file:
    json.dump(got, file)
"""


def processes_with(word: str) -> list[int]:
    """Return the processes whose command line has this word."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words:
                found.append(int(entry.name))
    return found


@dataclass(frozen=True)
class Targets:
    """What the attack is after, on this machine."""

    home: Path
    parent: Path
    port: int
    victim: int
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> str:
        """The name of the process that the attack leaves."""
        return f"left-{self.port}"

    def program(self) -> str:
        """Return the attack as a Python program."""
        spec = {
            "canary": CANARY,
            "home_file": str(self.home / "secret.txt"),
            "parent_file": str(self.parent / "beside.txt"),
            "written": str(self.parent / "written.txt"),
            "port": self.port,
            "victim": self.victim,
            "left": self.left,
        }
        return _PROGRAM.format(spec=json.dumps(spec))

    def left_processes(self) -> list[int]:
        """Return the processes that the attack left."""
        return processes_with(self.left)


@contextmanager
def targets(directory: Path) -> Iterator[Targets]:
    """Yield a home with a secret, a secret beside the app, a server, and a process to kill."""
    home = directory / "home"
    home.mkdir()
    (home / "secret.txt").write_text(CANARY)
    (directory / "beside.txt").write_text(CANARY)
    server = subprocess.Popen([sys.executable, "-c", _SERVER, str(port := free_port())])
    victim = subprocess.Popen(["sleep", "600"], env={"SECRET": CANARY, "PATH": "/usr/bin:/bin"})
    try:
        environ = {"HOME": str(home), "AWS_SECRET_ACCESS_KEY": CANARY}
        yield (aim := Targets(home=home, parent=directory, port=port, victim=victim.pid, environ=environ))
    finally:
        for process in (server, victim):
            process.kill()
            process.wait()
        for pid in aim.left_processes():
            os.kill(pid, 9)


_SERVER = f"""
import socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
while True:
    connection, _ = server.accept()
    connection.sendall({CANARY!r}.encode())
    connection.close()
"""


def loot(work_dir: str, where: str) -> dict[str, Any]:
    """Return what the attack wrote into the kept copy of the app."""
    got: dict[str, Any] = json.loads(Path(work_dir, "app", where, "got.json").read_text())
    return got
