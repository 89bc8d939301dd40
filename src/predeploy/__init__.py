"""Would this Python app deploy? Answers for several hosts, before the push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from predeploy.api import build as build
    from predeploy.api import check as check
    from predeploy.model.findings import Evidence as Evidence
    from predeploy.model.findings import Finding as Finding
    from predeploy.model.results import PlatformResult as PlatformResult
    from predeploy.model.results import Report as Report

__version__ = "0.1.0"

_HOMES = {
    "build": "predeploy.api",
    "check": "predeploy.api",
    "Evidence": "predeploy.model.findings",
    "Finding": "predeploy.model.findings",
    "PlatformResult": "predeploy.model.results",
    "Report": "predeploy.model.results",
}

__all__ = ["Evidence", "Finding", "PlatformResult", "Report", "__version__", "build", "check"]


def __getattr__(name: str) -> Any:
    """Import what the package offers when it is asked for, so that the command line does not wait for it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
