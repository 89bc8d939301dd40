"""Every form of a result, by its name; a renderer is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from predeploy.model.results import Report
from predeploy.record import record

if TYPE_CHECKING:
    from predeploy.profiles.registry import Registry

RENDERERS: dict[str, str] = {
    "text": "text",
    "concise": "concise",
    "json": "document",
    "json-lines": "lines",
    "junit": "junit",
    "sarif": "sarif",
    "github": "github",
    "gitlab": "gitlab",
    "markdown": "markdown",
    "html": "page",
}
"""The module of each format; its ``rendered`` takes reports and a :class:`Sheet`."""


@record
class Sheet:
    """What a form is written for."""

    width: int = 100
    colour: bool = False
    exit_code: int = 0
    """Of all reports together."""
    registry: Registry | None = None
    """Where rules are explained from; without it a finding's own words must do."""
    root: str = ""
    """Directory that paths are relative to where a reader wants them so: the checkout in CI."""


Renderer = Callable[[Sequence[Report], Sheet], str]


def rendered(name: str, reports: Sequence[Report], sheet: Sheet) -> str:
    """Return reports in one form."""
    renderer: Renderer = import_module(f"predeploy.report.{RENDERERS[name]}").rendered
    return renderer(reports, sheet)
