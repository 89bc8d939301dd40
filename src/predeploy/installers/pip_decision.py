"""pip's decision and nothing else: a program that runs the host's own pip and notes what that read.

It is run by the interpreter of the environment that pip decides for, imports nothing of predeploy, and takes
``RESULT DIRECTORY ARGUMENT...``: where to write what was noted, the directory that pip is imported from, and
pip's own arguments. What pip reads (files, directories, pages of an index) is noted through audit events and
the standard library's HTTP client, which are the same for every version of pip.

A build of a source distribution would run code that is not pip's. Every attempt to start a process is refused
and noted, so that whoever called knows that pip has to be run in another way.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

HARMLESS = ("rustc", "lsb_release", "uname", "ldd", "getconf")
"""Programs that pip or the standard library ask for a line of the User-Agent, and do without."""

STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty")
LISTS = ("os.listdir", "os.scandir")
ASKED = ("accept", "accept-encoding", "if-none-match", "if-modified-since")
TOLD = ("etag", "last-modified", "cache-control", "age")


class Notes:
    """What one run of pip did beside computing."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.files: dict[str, bool] = {}
        self.directories: dict[str, bool] = {}
        self.pages: list[dict[str, Any]] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an audit event; raise for one that starts a process."""
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if mode else bool(flags and flags & 3)
            if isinstance(path, (str, bytes)) and not writes:
                self.files[path if isinstance(path, str) else path.decode("utf-8", "surrogateescape")] = True
        elif event in LISTS:
            self.directories[str(arguments[0] if arguments[0] is not None else ".")] = True
        elif event in STARTS:
            program = str(arguments[0]) if arguments else event
            if program.rpartition("/")[2] not in HARMLESS:
                self.started.append(program)
            raise PermissionError("predeploy: deciding what to install starts no process")

    def note_pages(self) -> None:
        """Make the standard library's HTTP client note requests and what came of them."""
        notes, connection = self, http.client.HTTPConnection
        putrequest, putheader = connection.putrequest, connection.putheader
        getresponse = connection.getresponse

        def put_request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> None:
            self.predeploy_asked = {"method": method, "url": _whole(self, url), "asked": {}}
            putrequest(self, method, url, *args, **kwargs)

        def put_header(self: Any, header: Any, *values: Any) -> None:
            name = _text(header).lower()
            if name in ASKED and len(values) == 1:
                self.predeploy_asked["asked"][name] = _text(values[0])
            putheader(self, header, *values)

        def get_response(self: Any, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:
            response = getresponse(self, *args, **kwargs)
            notes.pages.append(_answer(dict(self.predeploy_asked), response))
            return response

        connection.putrequest = put_request  # type: ignore[method-assign]
        connection.putheader = put_header  # type: ignore[method-assign]
        connection.getresponse = get_response  # type: ignore[method-assign]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _whole(connection: Any, url: str) -> str:
    """Return the whole address of a request, with the host that it was meant for."""
    if "://" in url:
        return url  # asked of a proxy
    host = getattr(connection, "_tunnel_host", None) or connection.host
    port = getattr(connection, "_tunnel_port", None) or connection.port
    secure = hasattr(connection.sock, "getpeercert") or port == 443
    if ":" in host:
        host = "[" + host.strip("[]") + "]"
    return f"{'https' if secure else 'http'}://{host}:{port}{url}"


def _answer(note: dict[str, Any], response: Any) -> dict[str, Any]:
    """Add an answer to a request, and a digest of its body as it comes to be read."""
    note["status"] = response.status
    note["at"] = time.time()
    note["told"] = {name: response.headers[name] for name in TOLD if name in response.headers}
    length = response.headers.get("content-length", "")
    digest, counted, read = hashlib.sha256(), [0], response.read

    def reading(*args: Any, **kwargs: Any) -> bytes:
        data: bytes = read(*args, **kwargs)
        digest.update(data)
        counted[0] += len(data)
        if length == str(counted[0]):
            note["digest"] = digest.hexdigest()
        return data

    response.read = reading
    return note


def main(result: str, directory: str, *arguments: str) -> int:
    """Run pip; write what was noted; return pip's exit status."""
    notes = Notes()
    notes.note_pages()
    sys.path.insert(0, directory)
    sys.argv = ["pip", *arguments]
    sys.addaudithook(notes.hear)
    status = 1
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        noted = {
            "started": notes.started,
            "files": sorted(notes.files),
            "directories": sorted(notes.directories),
            "pages": notes.pages,
        }
        Path(result).write_text(json.dumps(noted), "utf-8", "surrogateescape")
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
