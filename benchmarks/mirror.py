"""A package index on this machine for measuring: TLS, JSON pages, announced metadata, validators, a log.

What it does not have yet it takes once from the index that pip is configured with, and keeps outside of the
repository; pages list all versions, as a resolver meets them in earnest. Measuring then needs no network.
"""

from __future__ import annotations

import hashlib
import html.parser
import json
import os
import re
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from base64 import b64encode
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
KIND = "TLS on loopback, JSON pages, announced metadata, ETag, max-age 600"


@dataclass
class Log:
    """What was asked for, and how many bytes went out."""

    requests: int = 0
    sent: int = 0
    upstream: int = 0
    """Pages and files that had to be taken from the configured index."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, sent: int = 0, requests: int = 0, upstream: int = 0) -> None:
        """Count."""
        with self.lock:
            self.sent += sent
            self.requests += requests
            self.upstream += upstream


class Mirror:
    """The index; ``delay`` seconds are added to every answer."""

    def __init__(self, store: Path, certificates: Path) -> None:
        self.store = store
        self.log = Log()
        self.delay = 0.0
        self.upstream = configured_index()
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._pages: dict[str, bytes] = {}
        for name in ("pages", "files"):
            (store / name).mkdir(parents=True, exist_ok=True)
        self.authority = certificates / "authority.pem"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.mirror = self
        self._server.socket = _secured(self._server.socket, certificates, self.authority)
        self.url = f"https://localhost:{self._server.server_port}/simple/"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def forget_pages(self) -> None:
        """Make the pages anew, since more files are here now."""
        self._pages.clear()

    def page(self, project: str) -> bytes | None:
        """Return the page of a project, ``None`` where nobody has it."""
        with self._lock(project):
            if project not in self._pages:
                rows = self._rows(project)
                if rows is None:
                    return None
                body = {"meta": {"api-version": "1.1"}, "name": project, "files": rows}
                self._pages[project] = json.dumps(body).encode()
            return self._pages[project]

    def _rows(self, project: str) -> list[dict[str, Any]] | None:
        kept = self.store / "pages" / f"{project}.json"
        if not kept.exists():
            found = _upstream_rows(f"{self.upstream}{project}/", self.log)
            if found is None:
                return None
            _write(kept, json.dumps(found).encode())
        rows = []
        for row in json.loads(kept.read_bytes()):
            shown = {**row, "url": f"/files/{project}/{urllib.parse.quote(row['filename'])}"}
            metadata = self._metadata(row["filename"])
            if metadata is not None:
                shown["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
            rows.append(shown)
        return rows

    def file(self, project: str, name: str) -> Path | bytes | None:
        """Return a file, or the metadata of a wheel; ``None`` where nobody has it."""
        if name.endswith(".metadata"):
            return self._metadata(name.removesuffix(".metadata"))
        path = self.store / "files" / name
        with self._lock(name):
            if not path.exists():
                rows = json.loads((self.store / "pages" / f"{project}.json").read_bytes())
                url = next((row["url"] for row in rows if row["filename"] == name), None)
                content = None if url is None else _fetched(url, "*/*", self.log)
                if content is None:
                    return None
                _write(path, content[0])
        return path

    def _metadata(self, filename: str) -> bytes | None:
        """Return the metadata of a wheel that is here."""
        path = self.store / "files" / filename
        if path.suffix != ".whl" or not path.exists():
            return None
        beside = path.with_name(f"{filename}.metadata")
        if not beside.exists():
            with zipfile.ZipFile(path) as wheel:
                name = next(n for n in wheel.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
                _write(beside, wheel.read(name))
        return beside.read_bytes()

    def _lock(self, name: str) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(name, threading.Lock())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    mirror: Mirror

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        mirror = self.server.mirror
        mirror.log.add(requests=1)
        if mirror.delay:
            time.sleep(mirror.delay)
        words = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).strip("/").split("/")
        if words[0] == "simple" and len(words) == 2:
            content: Path | bytes | None = mirror.page(re.sub(r"[-_.]+", "-", words[1]).lower())
            self._answer(content, JSON_TYPE, "max-age=600, public")
        elif words[0] == "files" and len(words) == 3:
            kind = "application/octet-stream"
            self._answer(mirror.file(words[1], words[2]), kind, "max-age=365000000, immutable, public")
        else:
            self._answer(None, "", "")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, content: Path | bytes | None, kind: str, freshness: str) -> None:
        if content is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = content.read_bytes() if isinstance(content, Path) else content
        tag = f'"{content.name if isinstance(content, Path) else hashlib.sha256(body).hexdigest()[:32]}"'
        known = self.headers.get("If-None-Match") == tag
        self.send_response(304 if known else 200)
        self.send_header("ETag", tag)
        self.send_header("Cache-Control", freshness)
        if not known:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not known and self.command != "HEAD":
            self.server.mirror.log.add(sent=len(body))
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: the mirror counts."""


def _secured(listening: Any, certificates: Path, authority: Path) -> Any:
    """Return the socket with TLS: uv refuses a certificate that is its own authority."""
    import trustme

    certificates.mkdir(parents=True, exist_ok=True)
    issuer = trustme.CA()
    issuer.cert_pem.write_to_path(str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    # The handshake belongs to the thread of the connection, not to the one that accepts.
    return context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_bytes(content)
    temporary.replace(path)


# --- the configured index


def configured_index() -> str:
    """Return the index that pip is configured with, else pip's own default."""
    pip = [sys.executable, "-m", "pip", "config", "get"]
    for key in (":env:.index-url", "global.index-url", "install.index-url"):
        done = subprocess.run([*pip, key], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.strip().rstrip("/") + "/"
    code = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    own = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return own.stdout.strip().rstrip("/") + "/"


def _fetched(url: str, accept: str, log: Log) -> tuple[bytes, str, str] | None:
    """Return content, type and final address; ``None`` for what is not there."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": accept}
    if parts.username:
        login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + b64encode(login.encode()).decode()
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    log.add(upstream=1)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=180) as answer:
            return answer.read(), answer.headers.get_content_type(), answer.geturl()
    except urllib.error.HTTPError as error:
        if error.code in {403, 404}:
            return None
        raise


def _upstream_rows(url: str, log: Log) -> list[dict[str, Any]] | None:
    answer = _fetched(url, f"{JSON_TYPE}, text/html;q=0.5", log)
    if answer is None:
        return None
    content, kind, base = answer
    if kind == JSON_TYPE:
        rows = json.loads(content)["files"]
    else:
        reader = _Links()
        reader.feed(content.decode("utf-8", "replace"))
        rows = reader.rows
    kept = ("filename", "hashes", "requires-python", "yanked", "size", "upload-time")
    return [
        {key: row[key] for key in kept if row.get(key)} | {"url": urllib.parse.urljoin(base, row["url"])}
        for row in rows
    ]


class _Links(html.parser.HTMLParser):
    """Reads an HTML page of the simple API."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        url, _, digest = (given.get("href") or "").partition("#")
        if tag != "a" or not url:
            return
        name = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2])
        row: dict[str, Any] = {"filename": name, "url": url, "hashes": {}}
        if digest.startswith("sha256="):
            row["hashes"] = {"sha256": digest.removeprefix("sha256=")}
        row["requires-python"] = given.get("data-requires-python")
        row["yanked"] = (given["data-yanked"] or True) if "data-yanked" in given else None
        self.rows.append(row)
