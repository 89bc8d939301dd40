"""Stand-in for gunicorn's server: a threaded WSGI server on TCP or a Unix socket."""
# ruff: noqa: A002 -- the names, arguments and habits of the real one

from __future__ import annotations

import os
import signal
import socket
import socketserver
import sys
import time
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer


class Handler(WSGIRequestHandler):
    """Answers one connection; writes an access log when asked to."""

    access_log = False

    def log_message(self, format: str, *args: Any) -> None:
        if self.access_log:
            sys.stdout.write(f"{self.client_address[0]} - {format % args}\n")
            sys.stdout.flush()


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Listens on construction; never looks a host name up."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, bind: str) -> None:
        self.family, address = parse_bind(bind)
        self.address_family = self.family
        if self.family == socket.AF_UNIX:
            Path(address).unlink(missing_ok=True)
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        """Bind, and skip the reverse look-up of the standard library."""
        socketserver.TCPServer.server_bind(self)
        unix = self.family == socket.AF_UNIX
        self.server_name = "localhost"
        self.server_port = 0 if unix else int(self.server_address[1])
        self.setup_environ()

    def get_request(self) -> tuple[Any, Any]:
        """Accept; a Unix client has no address, so it is given one."""
        connection, address = super().get_request()
        return connection, address or ("unix", 0)


def parse_bind(bind: str) -> tuple[int, Any]:
    """Return the socket family and the address of ``host:port``, ``[v6]:port``, ``host`` or ``unix:path``."""
    if bind.startswith("unix:"):
        return socket.AF_UNIX, bind.removeprefix("unix:")
    host, colon, port = bind.removeprefix("tcp://").rpartition(":")
    if not colon:
        host, port = port, "8000"
    if not port.isdigit():
        raise ValueError(f"{port!r} is not a valid port number.")
    host = host.strip("[]")
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host or "0.0.0.0", int(port))


def log(message: str) -> None:
    """Write one line of log to stderr."""
    sys.stderr.write(f"[{time.strftime('%Y-%m-%d %H:%M:%S %z')}] [{os.getpid()}] [INFO] {message}\n")
    sys.stderr.flush()


def serve(server: Server, app: Any) -> None:
    """Answer requests until SIGTERM or SIGINT."""

    def stop(number: int, frame: Any) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.set_app(app)
    try:
        server.serve_forever(0.05)
    finally:
        server.server_close()
        if server.family == socket.AF_UNIX:
            Path(str(server.server_address)).unlink(missing_ok=True)
