"""The shared vocabulary: frozen dataclasses without input or output.

They are plain dataclasses so that ``predeploy check`` need not import pydantic; pydantic reads the same
classes where it earns its price, to validate a profile and to write the JSON schemas (see
:mod:`predeploy.profiles.schema`). The string under a field is its documentation in both.
"""

from __future__ import annotations

from typing import Literal

Phase = Literal["detect", "plan", "install", "verify", "boot"]
PHASES: tuple[Phase, ...] = ("detect", "plan", "install", "verify", "boot")

Severity = Literal["note", "warn", "reject", "fail", "unknown"]
Status = Literal["accept", "warn", "reject", "fail", "unknown"]
Confidence = Literal["exact", "modelled", "heuristic"]

STRICT = {"extra": "forbid", "use_attribute_docstrings": True}
"""How pydantic reads these classes; each one carries it as ``__pydantic_config__``."""
