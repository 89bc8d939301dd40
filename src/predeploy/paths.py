"""Where predeploy keeps what it may lose: caches, never answers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path


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
