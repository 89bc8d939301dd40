"""How a virtualenv with exactly the host's seeds is made."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

SEEDABLE = ("pip", "setuptools")
"""What virtualenv itself puts in; other seeds are installed right afterwards."""
OLDEST_SEEDED = 9
"""Minor version of the oldest Python 3 into which virtualenv still puts anything."""


def seedable(python: str) -> tuple[str, ...]:
    """Return what virtualenv itself puts into an environment of this Python (``3.8.18``)."""
    parts = python.split(".")
    old = len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < OLDEST_SEEDED
    return () if old else SEEDABLE


def creation_argv(
    *,
    python: Path,
    destination: str,
    seeds: Mapping[str, str],
    app_data: Path | None = None,
    wheels: Path | None = None,
) -> tuple[str, ...]:
    """Return the command that creates a virtualenv holding exactly ``seeds`` (name to version).

    ``app_data`` is where virtualenv keeps what it unpacked and downloaded. The network is used only for a
    version that neither virtualenv bundles, nor the interpreter below ``wheels``, nor an earlier run left.
    """
    unknown = sorted(set(seeds) - set(SEEDABLE))
    if unknown:
        raise ValueError(f"virtualenv cannot seed {', '.join(unknown)}")
    # -P: a module of the app, whose directory this may run in, must not be imported
    argv = [sys.executable, "-P", "-m", "virtualenv", "--python", str(python), "--no-periodic-update"]
    if app_data is not None:
        argv += ["--app-data", str(app_data)]
    argv += _seed_options(seeds, app_data, wheels)
    return (*argv, destination)


def _seed_options(seeds: Mapping[str, str], app_data: Path | None, wheels: Path | None) -> list[str]:
    if not seeds:
        return ["--no-seed"]
    options: list[str] = []
    for name in SEEDABLE:
        options += [f"--{name}", seeds[name]] if name in seeds else [f"--no-{name}"]
    directories = [bundled_wheels()]
    if app_data is not None:
        directories.append(app_data / "wheel/house")
    for directory in directories:  # of its bundle, virtualenv itself only considers the newest for a Python
        options += ["--extra-search-dir", str(directory)]
    own = sorted(wheels.glob("lib*/python3*/ensurepip/_bundled")) if wheels is not None else []
    for directory in own:
        options += ["--extra-search-dir", str(directory)]
    here = (directories[0], *own)
    bundled = all(any(any(place.glob(f"{name}-{seeds[name]}-*.whl")) for place in here) for name in seeds)
    return [*options, "--no-download" if bundled else "--download"]


def bundled_wheels() -> Path:
    """Return the directory of the wheels that virtualenv brings along."""
    spec = importlib.util.find_spec("virtualenv")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0], "seed/wheels/embed") if places else Path("virtualenv-is-not-installed")
