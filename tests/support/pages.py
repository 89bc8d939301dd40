"""What an index says: the pages of the simple API as HTML and JSON, and the facts behind them."""

from __future__ import annotations

import email.message
import email.parser
import hashlib
import html
import json
import re
import tarfile
import urllib.parse
import zipfile
from dataclasses import dataclass
from pathlib import Path

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True)
class IndexFile:
    """One file the index serves."""

    project: str
    version: str
    path: Path
    sha256: str
    requires_python: str | None
    yanked: bool | str
    metadata: bytes | None
    """METADATA of a wheel, served beside it; None for an sdist."""
    uploaded: str | None = None
    """When it came, as the JSON page says it, such as ``2025-01-31T00:00:00Z``."""

    @property
    def url(self) -> str:
        """Path of the file on the server."""
        return f"/files/{urllib.parse.quote(self.path.name)}"


def normalise(name: str) -> str:
    """Return the normalised name of a project."""
    return re.sub(r"[-_.]+", "-", name).lower()


def describe(path: Path, *, yanked: bool | str, uploaded: str | None = None) -> IndexFile:
    """Read what the index must say about a wheel or a .tar.gz sdist."""
    metadata = _metadata(path)
    fields = email.parser.BytesParser().parsebytes(metadata)
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return IndexFile(
        project=normalise(_header(fields, "Name") or path.name.split("-")[0]),
        version=_header(fields, "Version") or "0",
        path=path,
        sha256=digest,
        requires_python=_header(fields, "Requires-Python"),
        yanked=yanked,
        metadata=metadata if path.suffix == ".whl" else None,
        uploaded=uploaded,
    )


def _header(fields: email.message.Message, name: str) -> str | None:
    value = fields[name]
    return None if value is None else str(value)


def _metadata(path: Path) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return archive.read(next(n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)))
    with tarfile.open(path) as archive:
        member = next(n for n in archive.getnames() if re.fullmatch(r"[^/]+/PKG-INFO", n))
        stream = archive.extractfile(member)
        return stream.read() if stream else b""


def list_page(projects: set[str], *, as_json: bool) -> bytes:
    """Return the list of projects."""
    names = sorted(projects)
    return _json_list(names) if as_json else _html_list(names)


def project_page(project: str, files: list[IndexFile], *, as_json: bool) -> bytes:
    """Return the page of one project."""
    return _json_page(project, files) if as_json else _html_page(project, files)


def _json_list(names: list[str]) -> bytes:
    return json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": n} for n in names]}).encode()


def _json_page(project: str, files: list[IndexFile]) -> bytes:
    rows = []
    for file in files:
        row: dict[str, object] = {
            "filename": file.path.name,
            "url": file.url,
            "hashes": {"sha256": file.sha256},
            "size": file.path.stat().st_size,
            "yanked": file.yanked,
        }
        if file.uploaded:
            row["upload-time"] = file.uploaded
        if file.requires_python:
            row["requires-python"] = file.requires_python
        if file.metadata is not None:
            row["core-metadata"] = row["data-dist-info-metadata"] = {"sha256": _sha(file.metadata)}
        rows.append(row)
    versions = sorted({file.version for file in files})
    body = {"meta": {"api-version": "1.1"}, "name": project, "versions": versions, "files": rows}
    return json.dumps(body).encode()


def _html_list(names: list[str]) -> bytes:
    links = "".join(f'<a href="/simple/{name}/">{name}</a><br>\n' for name in names)
    return f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n".encode()


def _html_page(project: str, files: list[IndexFile]) -> bytes:
    lines = []
    for file in files:
        attributes = {"href": f"{file.url}#sha256={file.sha256}"}
        if file.requires_python:
            attributes["data-requires-python"] = file.requires_python
        if file.metadata is not None:
            attributes["data-core-metadata"] = f"sha256={_sha(file.metadata)}"
            attributes["data-dist-info-metadata"] = attributes["data-core-metadata"]
        if file.yanked:
            attributes["data-yanked"] = file.yanked if isinstance(file.yanked, str) else ""
        text = " ".join(f'{name}="{html.escape(value)}"' for name, value in attributes.items())
        lines.append(f"<a {text}>{file.path.name}</a><br>\n")
    return f"<!DOCTYPE html>\n<html><body>\n<h1>{project}</h1>\n{''.join(lines)}</body></html>\n".encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
