"""A package index on loopback: simple pages as HTML and JSON, a request log, and ways to misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from support.faults import Fault, misbehave
from support.pages import HTML_TYPE, JSON_TYPE, IndexFile, describe, list_page, normalise, project_page
from support.tools import bundled_wheels, repacked_pip, uv_wheel
from support.wheels import Distribution, build_sdist, build_wheel


@dataclass
class _Failure:
    status: int
    path: str
    left: int | None


class LocalIndex:
    """Serve distributions on 127.0.0.1 while used as a context manager.

    Set ``delay`` (seconds) to slow every answer down.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        """Every request so far as ``METHOD /path``, oldest first."""
        self.delay = 0.0
        self.uploaded: str | None = None
        """When files came that do not say it themselves; None: the pages do not say it either."""
        self.max_age: int | None = None
        """Seconds for which pages may be used without asking again, as the index says; None: it says nothing."""
        self.etags = False
        """Whether pages have an ETag, and one that is known already is answered with 304."""
        self._directory = tempfile.TemporaryDirectory(prefix="predeploy-index-")
        self._files: dict[str, IndexFile] = {}
        self._failures: list[_Failure] = []
        self._cut: set[str] = set()
        self._odd: list[tuple[Fault, str]] = []
        self._lock = threading.Lock()
        self._server: _Server | None = None

    # --- content

    def add(self, dist: Distribution, *, with_sdist: bool = False) -> None:
        """Build and serve a distribution: its wheel, or its sdist where it has only that, or both."""
        directory = Path(self._directory.name)
        only_sdist = dist.sdist_only or dist.broken_sdist
        if not only_sdist:
            self.add_file(build_wheel(dist, directory), yanked=dist.yanked, uploaded=dist.uploaded)
        if only_sdist or with_sdist:
            self.add_file(build_sdist(dist, directory), yanked=dist.yanked, uploaded=dist.uploaded)

    def add_file(self, path: Path, *, yanked: bool | str = False, uploaded: str | None = None) -> None:
        """Serve a wheel or a .tar.gz sdist that exists already, from where it is."""
        self._files[path.name] = describe(path, yanked=yanked, uploaded=uploaded)

    def add_bundled_pip(self) -> None:
        """Serve the pip wheels that virtualenv carries."""
        self.add_bundled("pip")

    def add_bundled(self, name: str) -> None:
        """Serve the wheels of pip or setuptools that virtualenv carries."""
        for path in bundled_wheels(name):
            self.add_file(path)

    def add_pip(self, version: str) -> None:
        """Serve the bundled pip as if it were this version."""
        self.add_file(repacked_pip(version, Path(self._directory.name)))

    def add_uv(self, version: str) -> None:
        """Serve this environment's uv as if it were this version."""
        self.add_file(uv_wheel(version))

    def remove(self, project: str) -> None:
        """Stop serving a project."""
        self._files = {name: file for name, file in self._files.items() if file.project != normalise(project)}

    @property
    def files(self) -> tuple[IndexFile, ...]:
        """Everything served, by file name."""
        return tuple(self._files[name] for name in sorted(self._files))

    # --- misbehaviour

    def fail_with(self, status: int, *, path: str = "", times: int | None = None) -> None:
        """Answer requests whose path contains ``path`` with a status, always or so many times."""
        with self._lock:
            self._failures.append(_Failure(status, path, times))

    def cut_off(self, filename: str) -> None:
        """Close the connection half-way through a file, every time it is asked for."""
        if filename not in self._files:
            raise KeyError(filename)
        self._cut.add(filename)

    def misbehave(self, kind: Fault, *, path: str = "") -> None:
        """Answer requests whose path contains ``path`` in an odd way: see :mod:`support.faults`."""
        with self._lock:
            self._odd.append((kind, path))

    def behave(self) -> None:
        """Take back every failure, cut, oddity and delay."""
        with self._lock:
            self._failures.clear()
            self._odd.clear()
        self._cut.clear()
        self.delay = 0.0

    # --- service

    def start(self) -> None:
        """Open the socket and serve from a thread."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", 0), _Handler)
            self._server.index = self
            thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
            thread.start()

    def close(self) -> None:
        """Stop serving and remove the files built for this index."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        self._directory.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Port of the server; raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the index is not running")
        return self._server.server_port

    @property
    def url(self) -> str:
        """Address of the index, with a final slash."""
        return f"http://127.0.0.1:{self.port}/simple/"

    def environ(self, *, retries: int = 0) -> dict[str, str]:
        """Return variables that make pip and uv use this index and no other source.

        Cache directories are the caller's: PIP_CACHE_DIR and UV_CACHE_DIR.
        """
        nothing = (
            *("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_CONSTRAINT"),
            *("UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_CONSTRAINT"),
        )
        return dict.fromkeys(nothing, "") | {
            "PIP_INDEX_URL": self.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INPUT": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_RETRIES": str(retries),
            "UV_DEFAULT_INDEX": self.url,
            "UV_NO_CONFIG": "1",
            "UV_HTTP_RETRIES": str(retries),
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    # --- what the handler asks

    def note(self, request: str) -> int | None:
        """Log a request and return the status it must fail with, if any."""
        with self._lock:
            self.requests.append(request)
            for failure in self._failures:
                if failure.path in request and failure.left != 0:
                    if failure.left is not None:
                        failure.left -= 1
                    return failure.status
        return None

    def odd(self, path: str) -> Fault | None:
        """Return the odd way in which a path is answered, if any."""
        with self._lock:
            return next((kind for kind, part in self._odd if part in path), None)

    def find(self, filename: str) -> tuple[IndexFile | None, bool]:
        """Return a file by name and whether to cut it off."""
        return self._files.get(filename), filename in self._cut

    def page(self, project: str | None, *, as_json: bool) -> bytes | None:
        """Return the list of projects, or the page of one; None for an unknown name."""
        if project is None:
            return list_page({file.project for file in self._files.values()}, as_json=as_json)
        files = [
            replace(file, uploaded=file.uploaded or self.uploaded)
            for file in self.files
            if file.project == normalise(project)
        ]
        return project_page(normalise(project), files, as_json=as_json) if files else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    index: LocalIndex

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        index = self.server.index
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        status = index.note(f"{self.command} {path}")
        if index.delay:
            time.sleep(index.delay)
        if status is not None:
            self._answer(status, b"as ordered\n", "text/plain")
        elif (odd := index.odd(path)) is not None:
            misbehave(self, odd)
        elif path.startswith("/files/"):
            self._file(path.removeprefix("/files/"))
        elif found := re.fullmatch(r"/simple(?:/(?:([^/]+)/?)?)?", path):
            self._page(found[1])
        else:
            self._answer(404, b"not found\n", "text/plain")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _page(self, project: str | None) -> None:
        as_json = JSON_TYPE in self.headers.get("Accept", "")
        body = self.server.index.page(project, as_json=as_json)
        if body is None:
            self._answer(404, b"not found\n", "text/plain")
        else:
            wanted = HTML_TYPE if HTML_TYPE in self.headers.get("Accept", "") else "text/html"
            self._revalidated(body, JSON_TYPE if as_json else wanted)

    def _revalidated(self, body: bytes, kind: str) -> None:
        index = self.server.index
        said = {} if index.max_age is None else {"Cache-Control": f"max-age={index.max_age}"}
        if index.etags:
            said["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
        if index.etags and self.headers.get("If-None-Match") == said["ETag"]:
            self._answer(304, b"", kind, said)
        else:
            self._answer(200, body, kind, said)

    def _file(self, name: str) -> None:
        file, cut = self.server.index.find(name.removesuffix(".metadata"))
        if file is None or (name.endswith(".metadata") and file.metadata is None):
            self._answer(404, b"not found\n", "text/plain")
        elif name.endswith(".metadata") and file.metadata is not None:
            self._answer(200, file.metadata, "application/octet-stream")
        else:
            self._stream(file, cut=cut)

    def _stream(self, file: IndexFile, *, cut: bool) -> None:
        size = file.path.stat().st_size
        self._head(200, size, "application/octet-stream")
        if self.command == "HEAD":
            return
        with file.path.open("rb") as stream, contextlib.suppress(ConnectionError):
            if cut:
                self.wfile.write(stream.read(size // 2))
                self.close_connection = True
            else:
                shutil.copyfileobj(stream, self.wfile)

    def _answer(self, status: int, body: bytes, kind: str, said: Mapping[str, str] | None = None) -> None:
        self._head(status, len(body), kind, said)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str, said: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in (said or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: the index keeps its own log."""
