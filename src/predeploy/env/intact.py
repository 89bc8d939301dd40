"""Whether the files of placed distributions are what their publishers put into them."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

OF_UV = ("direct_url.json", "uv_cache.json", "uv_build.json")
"""What uv notes in a description beside what pip does."""

OURS = frozenset({"INSTALLER", "REQUESTED", "RECORD", *OF_UV})
"""Files of a description that whoever installs writes."""


def damaged(descriptions: Iterable[Path], notes: Path) -> tuple[str, ...]:
    """Return the names of distributions with a file that is not what its ``RECORD`` says.

    ``descriptions`` are ``*.dist-info`` directories. A file is read once; ``notes`` holds the size and time
    it had then, and only one that has changed since is read again. Links into a cache keep both.
    """
    found = []
    for place in descriptions:
        kept = notes / f"{place.name}.json"
        known, state, sound = _known(kept), {}, True
        for path, digest in _recorded(place):
            try:
                status = os.lstat(path)
            except OSError:
                sound = False
                break
            now = [status.st_size, status.st_mtime_ns, status.st_ino]
            if known.get(digest) != now and not (stat.S_ISREG(status.st_mode) and _digest(path) == digest):
                sound = False
                break
            state[digest] = now
        if not sound:
            found.append(place.name.partition("-")[0])
            with suppress(OSError):
                kept.unlink(missing_ok=True)
        elif state != known:
            _note(kept, state)
    return tuple(found)


def _recorded(place: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of a distribution with the digests its record gives; scripts are not among them."""
    packages = str(place.parent)
    with (place / "RECORD").open(encoding="utf-8", newline="") as record:
        for row in csv.reader(record):
            if len(row) != 3 or not row[1].startswith("sha256=") or row[0].startswith(("..", "/")):
                continue
            directory, _, name = row[0].rpartition("/")
            if directory != place.name or name not in OURS:
                yield f"{packages}/{row[0]}", row[1][7:]


def _digest(path: str) -> str:
    with open(path, "rb") as file:  # noqa: PTH123 - hot path
        digest = hashlib.file_digest(file, "sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _known(kept: Path) -> dict[str, list[int]]:
    try:
        known = json.loads(kept.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _note(kept: Path, state: dict[str, list[int]]) -> None:
    beside = kept.with_name(f".{kept.name}.{os.getpid():08x}")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(state), "utf-8")
        beside.replace(kept)
