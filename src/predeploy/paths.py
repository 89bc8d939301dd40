"""Where predeploy keeps what it may lose: caches, never answers."""

from __future__ import annotations

import os
import sys
from _thread import get_ident
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from predeploy.errors import UsageError, at

MARKER = "CACHEDIR.TAG"
"""File that says whose a cache directory is; backup programs know it too and leave the directory out."""

MARK = b"""Signature: 8a477f597d28d172789f06886806bc55
# This directory is a cache of predeploy, which may remove everything in it.
"""


def text_of(path: Path) -> str:
    """Return the text of a file that the user named; raise :class:`UsageError` where there is none."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(at(path, None, (error.strerror or "cannot be read").lower())) from None
    except UnicodeDecodeError:
        raise UsageError(at(path, None, "is not UTF-8")) from None


def home_directory(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory; ``/`` for a user without one, as containers have."""
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:
        return Path("/")


def cache_root(environ: Mapping[str, str]) -> Path:
    """Return the cache directory: ``PREDEPLOY_CACHE_DIR``, else the user's own for this system."""
    given = environ.get("PREDEPLOY_CACHE_DIR")
    if given:
        return Path(given).absolute()
    if environ.get("XDG_CACHE_HOME"):
        return Path(environ["XDG_CACHE_HOME"]).absolute() / "predeploy"
    if sys.platform == "linux":  # platformdirs would say the same, for a tenth of the time of a whole check
        return home_directory(environ).absolute() / ".cache" / "predeploy"
    from platformdirs import user_cache_path

    return user_cache_path("predeploy")


def own_bytes(path: Path) -> bytes | None:
    """Return the bytes of a file that only this user can have written; ``None`` where there is no such."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a hot path
            status = os.fstat(file.fileno())
            return file.read() if status.st_uid == os.geteuid() and not status.st_mode & 0o022 else None
    except OSError:
        return None


def replace_file(path: Path, data: bytes) -> OSError | None:
    """Put a whole file in place at once, for this user alone; return the trouble, which costs only time."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}{get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        return error
    return None


def claim(root: Path) -> None:
    """Make a cache directory, and mark it as ours when there was nothing in it; raises :class:`OSError`."""
    if (root / MARKER).exists():
        return
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not any(root.iterdir()):
        replace_file(root / MARKER, MARK)


def is_claimed(root: Path) -> bool:
    """Return whether a cache directory was made by predeploy for this user."""
    return own_bytes(root / MARKER) == MARK
