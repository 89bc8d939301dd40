"""Free ports, and one bounded question to a server that may misbehave."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from predeploy.env.commands import Target

BODY_LIMIT = 64 * 1024


class Connect(Protocol):
    """Makes a connection to a server, or returns ``None``."""

    def __call__(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
        """Connect within so many seconds."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; the body may be cut, at 64 KB or where the time was up."""

    status: int
    body: bytes


def free_port(preferred: int | None = None, *, taken: Collection[int] = ()) -> int:
    """Return ``preferred`` when a server could listen there and it is not ``taken``, else some free port."""
    if preferred is not None and preferred not in taken and _bindable(preferred):
        return preferred
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("0.0.0.0", 0))  # noqa: S104 - as a server that asks for any address
            port = int(probe.getsockname()[1])
        if port not in taken and _bindable(port):
            return port


def _bindable(port: int) -> bool:
    for host in ("0.0.0.0", "127.0.0.1"):  # noqa: S104 - nothing listens
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # as servers do: old connections may linger
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except (OSError, OverflowError):
                return False
    return True


class _Connection(http.client.HTTPConnection):
    """An HTTP connection over a socket that is connected already."""

    def __init__(self, connected: socket.socket) -> None:
        super().__init__("localhost")
        self.sock = connected


def ask(
    target: Target,
    path: str,
    timeout: float,
    *,
    ipv6: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
    connecting: Connect | None = None,
) -> Answer | None:
    """Return what a GET of ``path`` brings within ``timeout`` seconds, or ``None`` when that is not HTTP.

    ``ipv6``: a port that is closed on IPv4 is asked there too. ``cancelled`` is looked at all the while,
    and ends the wait for an answer. ``connecting`` makes the connection where this machine's is not wanted.
    """
    connecting = connecting or connect
    deadline = time.monotonic() + timeout
    connected = connecting(target, timeout)
    if connected is None and ipv6:
        connected = connecting(target, timeout, ipv6=True)
    if connected is None:
        return None
    # A socket's own timeout starts again with every byte; this ends a dripping answer in time.
    done = threading.Event()
    guard = threading.Thread(target=_guard, args=(connected, done, deadline, cancelled), daemon=True)
    guard.start()
    try:
        return _exchange(_Connection(connected), path)
    finally:
        done.set()
        guard.join()
        connected.close()


def connect(target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
    """Return a connection over this machine's loopback, or ``None`` when nothing listens."""
    unix = isinstance(target, Path)
    host, family = ("::1", socket.AF_INET6) if ipv6 else ("127.0.0.1", socket.AF_INET)
    try:
        connected = socket.socket(socket.AF_UNIX if unix else family, socket.SOCK_STREAM)
    except OSError:  # a system without IPv6
        return None
    connected.settimeout(timeout)
    try:
        connected.connect(str(target) if unix else (host, target))
    except (OSError, OverflowError, ValueError):
        connected.close()
        return None
    return connected


def _guard(
    connected: socket.socket, done: threading.Event, deadline: float, cancelled: Callable[[], bool]
) -> None:
    """Hang up when the time is over or nobody wants the answer any more."""
    while not done.wait(min(max(deadline - time.monotonic(), 0.01), 0.1)):
        if cancelled() or time.monotonic() >= deadline:
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
            return


def _exchange(connection: _Connection, path: str) -> Answer | None:
    headers = {"Accept": "*/*", "Connection": "close", "User-Agent": "predeploy"}
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    body = b""
    with suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
        while len(body) < BODY_LIMIT and (piece := response.read1(BODY_LIMIT - len(body))):
            body += piece
    response.close()
    return Answer(status=response.status, body=body)
