"""How what a command was given becomes a :class:`RunRequest`, and the registry it selects from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predeploy.cli.redaction import run_secrets
from predeploy.paths import cache_root, home_directory
from predeploy.profiles.registry import Registry
from predeploy.settings import RunRequest, request_of


def request_from(command: str, *, app: Path, **given: Any) -> RunRequest:
    """Merge flags, variables and configuration into one request."""
    from predeploy.pipeline.source import checked_directory

    checked_directory(app)
    return request_of(command, app, given, os.environ, home_directory(os.environ), secrets=run_secrets())


def registry_for(request: RunRequest) -> Registry:
    """Return the registry a request selects from."""
    return registry_of(request.platform_directories, request.environ)


def registry_of(directories: tuple[str | Path, ...], environ: Mapping[str, str]) -> Registry:
    """Return a registry with its cache in the user's cache directory."""
    given = directories or _listed(environ.get("PREDEPLOY_PLATFORM_PATH", ""))
    return Registry(tuple(map(Path, given)), cache_directory=cache_root(environ) / "profiles")


def _listed(paths: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in paths.split(os.pathsep) if part.strip())
