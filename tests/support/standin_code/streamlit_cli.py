"""Stand-in for streamlit's command line and server."""
# ruff: noqa: A002, BLE001 -- the names, arguments and habits of the real one

from __future__ import annotations

import os
import runpy
import socketserver
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import streamlit  # type: ignore[import-not-found]

SCRIPT_TIMEOUT = 60.0
"""Seconds after which the script probe gives up."""

Flags = dict[str, str]


def parse(argv: list[str]) -> tuple[Flags, list[str]]:
    """Split arguments into ``--a.b value`` flags, known or not, and the rest, up to ``--``."""
    flags: Flags = {}
    rest: list[str] = []
    words = iter(argv[: argv.index("--")] if "--" in argv else argv)
    for word in words:
        if not word.startswith("--"):
            rest.append(word)
        elif "=" in word:
            name, _, value = word[2:].partition("=")
            flags[name] = value
        else:
            flags[word[2:]] = next(words, "")
    return flags, rest


def configured(section: str, key: str) -> str | None:
    """Return an option of .streamlit/config.toml in the working directory; a malformed file has none."""
    try:
        import tomllib

        with Path(".streamlit", "config.toml").open("rb") as stream:
            value = tomllib.load(stream).get(section, {}).get(key)
    except (ImportError, OSError, ValueError, AttributeError):
        return None
    return None if value is None else str(value)


def option(flags: Flags, name: str) -> str | None:
    """Return an option by rank: flag, environment, file."""
    section, _, key = name.partition(".")
    snake = "".join(f"_{c}" if c.isupper() else c for c in key).upper()
    return (
        flags.get(name) or os.environ.get(f"STREAMLIT_{section.upper()}_{snake}") or configured(section, key)
    )


class Session:
    """Runs the script on demand, one run at a time."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.lock = threading.Lock()

    def probe(self) -> str:
        """Run the script once: ``ok``, ``error`` or ``timeout``."""
        outcome = ["timeout"]

        def run() -> None:
            try:
                runpy.run_path(self.script, run_name="__main__")
            except SystemExit:
                return
            except streamlit.StopException:
                pass
            except BaseException:
                traceback.print_exc()
                outcome[0] = "error"
                return
            outcome[0] = "ok"

        with self.lock:
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
            thread.join(SCRIPT_TIMEOUT)
        return outcome[0]


class Handler(BaseHTTPRequestHandler):
    """Health, script probe, and the page for any other path."""

    session: Session
    probing = False

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/_stcore/health":
            self.answer(200, "ok", "text/plain")
        elif path == "/_stcore/script-health-check" and self.probing:
            outcome = self.session.probe()
            self.answer(200 if outcome == "ok" else 503, outcome, "text/plain")
        else:
            self.answer(200, "<!doctype html><title>Streamlit</title>", "text/html")

    def answer(self, status: int, body: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Never looks a host name up."""

    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", int(self.server_address[1])


def make_server(flags: Flags, script: str) -> HTTPServer:
    """Open the socket; leave with 1 when that fails."""
    port = int(option(flags, "server.port") or 8501)
    Handler.session = Session(script)
    Handler.probing = (option(flags, "server.scriptHealthCheckEnabled") or "").lower() == "true"
    try:
        return Server((option(flags, "server.address") or "0.0.0.0", port), Handler)
    except OSError as error:
        sys.stderr.write(f"Port {port} is not available: {error}\n")
        raise SystemExit(1) from None


def main() -> None:
    """Be the console script."""
    if "--version" in sys.argv[1:2]:
        sys.stdout.write(f"Streamlit, version {streamlit.__version__}\n")
        return
    flags, rest = parse(sys.argv[1:])
    if len(rest) < 2 or rest[0] != "run":
        sys.stderr.write("Usage: streamlit run [OPTIONS] [TARGET] [ARGS]...\n")
        raise SystemExit(2)
    script = Path(rest[1]).absolute()
    if script.suffix != ".py" or not script.is_file():
        sys.stderr.write(f"Error: Invalid value: File does not exist or is no script: {rest[1]}\n")
        raise SystemExit(2)
    server = make_server(flags, str(script))
    sys.path.insert(0, str(script.parent))
    sys.stdout.write(
        f"\n  You can now view your Streamlit app in your browser.\n\n  URL: :{server.server_port}\n"
    )
    sys.stdout.flush()
    try:
        server.serve_forever(0.05)
    except KeyboardInterrupt:
        sys.stdout.write("  Stopping...\n")
