"""What a package manager decided, kept with all it rested on, and used again while that still holds."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

FORMAT = 1
SIZE_LIMIT = 64 * 1024 * 1024
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".metadata")
"""Ends of addresses whose content a hash of the decision pins, or that never change under their name."""

Outside = Callable[[str], Path]
"""Where a path that a confined command used lies on this machine."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """One distribution that was chosen: this very file."""

    name: str
    version: str
    url: str
    sha256: str
    requested: bool
    """Whether the app named it, and not one of its dependencies."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of an index that was consulted."""

    url: str
    asked: Mapping[str, str]
    """Headers of the request that choose its form."""
    validators: Mapping[str, str]
    """``etag`` and ``last-modified``, where the index gives them."""
    digest: str
    """SHA-256 of the body as it was sent; empty where it was not read whole."""
    fresh_until: float
    """Seconds since the epoch until which the index itself lets it be used without asking again."""
    there: bool = True
    """Whether the index had it at all."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to place, and what that rests on."""

    pins: tuple[Pin, ...]
    files: Mapping[str, str]
    """Files and directories that were read, as the command saw them, and what they held."""
    pages: tuple[Page, ...]
    made_at: float
    why: str = ""
    """Why there is nothing to place and the tool has to install by itself."""

    @property
    def fresh_until(self) -> float:
        """Return until when no page needs to be asked for again; without pages, for ever."""
        return min((page.fresh_until for page in self.pages), default=float("inf"))


def load(path: Path) -> Decision | None:
    """Return a kept decision; ``None`` where there is none, or it is not what was written."""
    try:
        data = path.read_bytes()
        digest, _, body = data.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise ValueError("damaged")
        kept = json.loads(body)
        pins = tuple(Pin(**pin) for pin in kept["pins"])
        pages = tuple(Page(**page) for page in kept["pages"])
        return Decision(pins=pins, files=kept["files"], pages=pages, made_at=kept["made_at"], why=kept["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def save(path: Path, decision: Decision) -> None:
    """Keep a decision; where that cannot be done it is made again next time."""
    body = json.dumps(asdict(decision), sort_keys=True).encode()
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        beside.replace(path)
    with suppress(OSError):
        beside.unlink(missing_ok=True)


def state_of(path: Path, *, whole: bool) -> str:
    """Return what a file or directory holds, in a word; ``whole``: a file is read, else its time counts."""
    try:
        status = path.stat()
        if path.is_dir():
            names = sorted(os.listdir(path))  # noqa: PTH208 - only names
            return "directory " + hashlib.sha256("\0".join(names).encode("utf-8", "replace")).hexdigest()
        if whole and status.st_size <= SIZE_LIMIT:
            return "sha256 " + hashlib.sha256(path.read_bytes()).hexdigest()
        return f"file {status.st_size} {status.st_mtime_ns}"
    except OSError:
        return "nothing"


def is_same(decision: Decision, outside: Outside) -> bool:
    """Return whether every file that was read is still what it was."""
    return all(
        state_of(outside(path), whole=known.startswith("sha256")) == known
        for path, known in decision.files.items()
    )


def report_of(text: str) -> tuple[tuple[Pin, ...], str]:
    """Return what pip's report chose, and why that cannot be placed by hash; one of them is empty."""
    pins = []
    for item in json.loads(text)["install"]:
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        download = item["download_info"]
        archive = download.get("archive_info", {})
        legacy = str(archive.get("hash", ""))
        sha256 = archive.get("hashes", {}).get("sha256") or (
            legacy.removeprefix("sha256=") if legacy.startswith("sha256=") else ""
        )
        if item.get("is_direct") or not sha256:
            return (), f"{name} comes from a place of its own"
        if not download["url"].partition("#")[0].endswith(".whl"):
            return (), f"{name} {version} has to be built"
        requested = bool(item.get("requested"))
        pins.append(Pin(name=name, version=version, url=download["url"], sha256=sha256, requested=requested))
    return tuple(pins), ""


def is_archive(url: str) -> bool:
    """Return whether an address is a distribution's, or its metadata's, and no page of an index."""
    return url.partition("#")[0].partition("?")[0].endswith(_ARCHIVES)


def pages_of(noted: list[dict[str, Any]]) -> tuple[Page, ...] | None:
    """Return the pages among the noted requests; ``None`` where one cannot be asked for again."""
    pages = []
    for note in noted:
        url = str(note["url"])
        if is_archive(url):
            continue
        if note["method"] != "GET":
            return None
        if note["status"] in (301, 302, 303, 307, 308):
            continue  # where it led is a page of its own
        if note["status"] not in (200, 304, 404):
            return None
        pages.append(_page(note))
    return tuple(pages)


def _page(note: dict[str, Any]) -> Page:
    asked, told = note["asked"], note["told"]
    validators = {name: told[name] for name in ("etag", "last-modified") if name in told}
    if note["status"] == 304:
        before = {"etag": asked.get("if-none-match"), "last-modified": asked.get("if-modified-since")}
        validators = {**{name: value for name, value in before.items() if value}, **validators}
    return Page(
        url=note["url"],
        asked={name: value for name, value in asked.items() if name.startswith("accept")},
        validators=validators,
        digest=note.get("digest", "") if note["status"] == 200 else "",
        fresh_until=fresh_until(told, float(note["at"])),
        there=note["status"] != 404,
    )


def fresh_until(told: Mapping[str, str], at: float) -> float:
    """Return until when an answer may be used without asking, by its ``Cache-Control`` and ``Age``."""
    seconds = 0.0
    for word in told.get("cache-control", "").lower().split(","):
        name, _, value = word.strip().partition("=")
        if name in ("no-store", "no-cache"):
            return at
        if name == "max-age" and value.strip('"').isdigit():
            seconds = float(value.strip('"'))
    age = told.get("age", "0")
    return at + max(seconds - (float(age) if age.isdigit() else 0.0), 0.0)


def renewed(decision: Decision, pages: tuple[Page, ...]) -> Decision:
    """Return the decision after its pages were found unchanged."""
    return replace(decision, pages=pages)


def is_fresh(decision: Decision) -> bool:
    """Return whether the index itself lets all its pages be used without asking again."""
    return time.time() < decision.fresh_until
