"""Limits as a person writes them: ``memory=2G``, ``boot.time=60``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from predeploy.errors import UsageError, suggestion
from predeploy.lazy import pattern
from predeploy.model import PHASES
from predeploy.model.limits import KINDS, UNITS, Limits
from predeploy.record import replace


def parse_limits(pairs: Iterable[str]) -> dict[str, Limits]:
    """Return ``[PHASE.]KIND=VALUE`` words as limits by phase, those of every phase under ``all``."""
    limits: dict[str, Limits] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        phase, dot, kind = name.rpartition(".")
        if not equals or kind not in KINDS:
            near = suggestion(kind, KINDS)
            raise UsageError(
                f"--limit {pair}: expected [PHASE.]KIND=VALUE, KIND one of {', '.join(KINDS)}{near}"
            )
        if dot and phase not in ("install", "verify", "boot"):
            raise UsageError(
                f"--limit {pair}: the phase is install, verify or boot{suggestion(phase, PHASES)}"
            )
        given: dict[str, Any] = {kind: _amount(pair, kind, value)}
        limits[phase or "all"] = replace(limits.get(phase or "all", Limits()), **given)
    return limits


LIMIT_VALUES = {
    "time": "seconds, such as 600",
    "memory": "a size, such as 512M or 2G",
    "processes": "a number, such as 200",
    "output": "a size, such as 64M",
    "disk": "a size, such as 5G",
}
_AMOUNT = pattern(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(?:([KMGTkmgt])(?:i?[Bb])?|s)?")


def _amount(pair: str, kind: str, value: str) -> float | int:
    found = _AMOUNT.fullmatch(value.strip())
    unit = (found[2] or "").upper() if found else ""
    number = float(found[1]) if found else 0.0
    sized = kind in ("memory", "output", "disk")
    if number <= 0 or (unit and not sized) or (kind == "processes" and number != int(number)):
        raise UsageError(f"--limit {pair}: expected {LIMIT_VALUES[kind]}")
    return number if kind == "time" else int(number * UNITS.get(unit, 1))
