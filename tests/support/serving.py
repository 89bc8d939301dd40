"""Processes that serve, started for a test and asked over HTTP, and virtualenvs to start them from."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """Status and text of one HTTP answer."""

    status: int
    text: str
    headers: Mapping[str, str]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(
    where: int | Path,
    path: str = "/",
    *,
    method: str = "GET",
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to a loopback port or a Unix socket; no proxy is ever used."""
    connection = (
        http.client.HTTPConnection("127.0.0.1", where, timeout=10)
        if isinstance(where, int)
        else _UnixConnection(where)
    )
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), dict(response.headers))
    finally:
        connection.close()


@contextlib.contextmanager
def running(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], where: int | Path, seconds: float = 15
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process, wait until it listens, stop it at the end; its output goes to ``cwd/../out.log``."""
    log = cwd.parent / "out.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, where, time.monotonic() + seconds, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def make_venv(directory: Path) -> Path:
    """Make a virtualenv with virtualenv's own pip, offline, and return its bin directory."""
    argv = [sys.executable, "-m", "virtualenv", "--no-download", "--no-periodic-update", str(directory)]
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory.parent)}
    subprocess.run(argv, check=True, capture_output=True, env=env, stdin=subprocess.DEVNULL)
    return directory / "bin"


def _wait(process: subprocess.Popen[bytes], where: int | Path, deadline: float, log: Path) -> None:
    while True:
        if process.poll() is not None:
            raise AssertionError(f"exit {process.returncode} before listening:\n{log.read_text()}")
        family, address = (
            (socket.AF_INET, ("127.0.0.1", where)) if isinstance(where, int) else (socket.AF_UNIX, str(where))
        )
        with socket.socket(family) as probe:
            if probe.connect_ex(address) == 0:
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing listens on {where}:\n{log.read_text()}")
        time.sleep(0.02)
