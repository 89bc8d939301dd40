"""Where Python keeps what it compiles, so that the next start of the same app and packages need not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from predeploy.pipeline.stage import Stage

LIMIT = 64 * 1024 * 1024
"""Bytes of an app that are read to know it by; a larger one compiles anew."""

MOST = 512 * 1024 * 1024
"""Bytes of bytecode of one app that are kept."""

INSIDE = "/opt/predeploy/pycache"
"""Where a confined command sees it."""


def directory(stage: Stage) -> Path | None:
    """Return a directory for the bytecode of this very app with these very packages; ``None``: keep none.

    Whoever may write bytecode decides what later starts run. So nothing is shared between apps, nor between
    two states of one: what a hostile state left is never met by another.
    """
    if stage.sandbox.kind == "none" or not stage.placed:
        return None
    known = _digest(stage.work.app)
    if known is None:
        return None
    inputs = (stage.platform, str(stage.interpreter), stage.python_version, *stage.placed_files, known)
    name = hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:32]
    place = stage.cache / "pycache" / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        os.utime(place)
    except OSError:
        return None
    return place


def bounded(place: Path) -> None:
    """Remove a directory of bytecode into which an app wrote more than bytecode takes."""
    from predeploy.env.limits import usage
    from predeploy.env.work import remove_tree

    if usage((place,)) > MOST:
        remove_tree(place)


def _digest(app: Path) -> str | None:
    """Return what an app's copy holds; ``None`` where that is too much to read."""
    found, left = hashlib.sha256(), LIMIT
    for path in sorted(app.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes() if path.stat().st_size <= left else None
        if data is None:
            return None
        left -= len(data)
        found.update(f"{path.relative_to(app)}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
        found.update(data)
    return found.hexdigest()
