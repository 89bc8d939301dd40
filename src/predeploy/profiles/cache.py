"""Parsed profiles kept by content, so that YAML and validation cost nothing the second time.

A file is a digest followed by plain data in the form of ``marshal``, which cannot name code to run. It is
read only where nobody else can have written it; the digest finds truncation and bit rot. What is kept is the
profile and, since ``check`` needs no more, what holds of it on the day last asked for.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from predeploy import __version__
from predeploy.model.profile import Profile
from predeploy.model.snapshot import HostSnapshot
from predeploy.paths import claim, own_bytes, replace_file
from predeploy.profiles.codec import Encoded, decode, encode

DIGEST = 16
DEPENDED_ON = ("model", "profiles", "rules", "hosts")
"""Rooms whose code decides what a parsed profile looks like."""


def digest(data: bytes) -> bytes:
    """Return a digest of some bytes."""
    try:
        from _blake2 import blake2b  # hashlib would load OpenSSL first, for a fiftieth of the time of a check
    except ImportError:
        from hashlib import blake2b
    return bytes(blake2b(data, digest_size=DIGEST).digest())


def own_key() -> bytes:
    """Return what tells this predeploy from another: its version and its sources, and those of Python."""
    package = Path(__file__).parent.parent
    words = [__version__, sys.version]
    for room in DEPENDED_ON:
        with suppress(OSError), os.scandir(package / room) as entries:
            words += sorted(_stamp(entry) for entry in entries if entry.name.endswith(".py"))
    return digest("\n".join(words).encode())


def _stamp(entry: os.DirEntry[str]) -> str:
    status = entry.stat()
    return f"{entry.name} {status.st_size} {status.st_mtime_ns}"


def content_key(own: bytes, digests: Iterable[bytes]) -> str:
    """Return the key of a profile made of files with these digests."""
    return digest(own + b"".join(digests)).hex()


class Store:
    """The cache of one directory; what went wrong with it is in ``problem``, to be said once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problem: str | None = None

    def profile(self, key: str) -> Profile | None:
        """Return a profile; ``None`` when there is none or it is damaged."""
        found = self._read(f"{key}.profile", key)
        return found if isinstance(found, Profile) else None

    def keep_profile(self, key: str, profile: Profile) -> None:
        """Keep a profile."""
        self._write(f"{key}.profile", key, encode(profile))

    def facts(self, name: str, key: str, day: date) -> tuple[HostSnapshot, str | None] | None:
        """Return what holds of a profile on a day, and its module, if this day was the last one asked for."""
        found = self._read(f"{name}.day", f"{key} {day}")
        if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], HostSnapshot):
            return found
        return None

    def keep_facts(self, name: str, key: str, facts: HostSnapshot, module: str | None) -> None:
        """Keep what holds on a day in place of that of another."""
        self._write(f"{name}.day", f"{key} {facts.as_of}", encode((facts, module)))

    def _read(self, name: str, key: str) -> Any:
        path = self.directory / name
        data = own_bytes(path)
        if data is None:
            return None
        try:
            if digest(data[DIGEST:]) != data[:DIGEST]:
                raise ValueError("damaged")
            stored_key, encoded = marshal.loads(data[DIGEST:])  # noqa: S302 - data of our own, see above
            return decode(encoded) if stored_key == key else None
        except Exception:  # noqa: BLE001 - whatever is wrong with it, the YAML is at hand
            self.problem = f"{path}: was damaged and is made anew"
            return None

    def _write(self, name: str, key: str, encoded: Encoded) -> None:
        payload = marshal.dumps((key, encoded))
        try:
            claim(self.directory.parent)
            error = replace_file(self.directory / name, digest(payload) + payload)
        except OSError as trouble:
            error = trouble
        if error is not None:
            reason = (error.strerror or "cannot be written").lower()
            self.problem = f"{self.directory}: {reason}; profiles are not kept and are read anew every time"
