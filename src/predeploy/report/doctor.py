"""What ``predeploy doctor`` found, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from predeploy.model.machine import Diagnosis
from predeploy.report.text import Paper
from predeploy.report.told import bytes_text

FIDELITY = {
    "full": ("accept", "builds with the host's Python"),
    "substitute": ("warn", "builds with another Python, which the answer says"),
    "static": ("unknown", "check and plan only: no usable Python is here"),
}


def as_json(found: Diagnosis) -> str:
    """Return the diagnosis as JSON; fields may be added, never renamed."""
    document: dict[str, Any] = {
        "schema_version": 1,
        "system": found.system,
        "system_matches": found.system_matches,
        "interpreters": [
            {"version": one.version, "path": str(one.path), "source": one.source}
            for one in found.interpreters
        ],
        "platforms": [
            {
                "platform": one.platform,
                "name": one.name,
                "fidelity": one.fidelity,
                "default_python": one.default_python,
                "pythons": dict(one.pythons),
            }
            for one in found.platforms
        ],
        "tools": [dict(tool.__dict__) for tool in found.tools],
        "cache": {"path": found.cache, "writable": found.cache_writable, "free_bytes": found.free_bytes},
        "index_settings": list(found.index_settings),
        "advice": list(found.advice),
    }
    return json.dumps(document, indent=2) + "\n"


def as_text(found: Diagnosis, *, width: int, colour: bool) -> str:
    """Return the diagnosis for people."""
    paper = Paper(width=width, colour=colour)
    fits = "as the hosts'" if found.system_matches else "not as the hosts'"
    paper.wrapped(f"{found.system} ({fits})", indent=0, first="system    ", hanging=10)
    versions = ", ".join(one.version for one in found.interpreters) or "none"
    paper.wrapped(versions, indent=0, first="Pythons   ", hanging=10)
    for tool in found.tools:
        paper.wrapped(tool.path or f"missing: {tool.purpose}", indent=0, first=f"{tool.name:<10}", hanging=10)
    state = "writable" if found.cache_writable else "not writable"
    cache = f"{found.cache} ({state}, {bytes_text(found.free_bytes)} free)"
    paper.wrapped(cache, indent=0, first="cache     ", hanging=10)
    for number, setting in enumerate(found.index_settings):
        paper.wrapped(setting, indent=0, first="index     " if number == 0 else " " * 10, hanging=10)
    paper.line()
    for platform in found.platforms:
        ink, words = FIDELITY[platform.fidelity]
        lead = f"{platform.platform:<17} "
        paper.wrapped(words, indent=0, first=paper.ink(lead, "bold"), hanging=len(lead), ink=ink)
        here = [minor for minor, local in platform.pythons.items() if not local.startswith("missing")]
        missing = [minor for minor in platform.pythons if minor not in here]
        text = f"here {', '.join(here) or 'none'}" + (f"; not here {', '.join(missing)}" if missing else "")
        paper.wrapped(text, indent=len(lead))
    paper.line()
    for advice in found.advice or ("nothing is missing",):
        paper.wrapped(advice, indent=0, first="advice    ", hanging=10)
    return paper.text()
