"""What a running app holds: its memory, and the shared objects it has loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from predeploy.lazy import pattern

_LINE = pattern(r"(?m)^Vm(RSS|HWM):\s+(\d+) kB$")
_MAPPED = pattern(r"(?m)/site-packages/(\S.*\.so[\w.]*)$")


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """The sum of some processes."""

    resident: int
    """Bytes in memory now."""
    peak: int
    """Bytes in memory at most so far, each process by itself."""
    loaded: frozenset[str]
    """Shared objects of the environment that are loaded, relative to site-packages; known on Linux only."""


def footprint(pids: Iterable[int]) -> Footprint | None:
    """Return what these processes hold, ``None`` when none of them is there any more."""
    found = [one for pid in pids if (one := _of(pid)) is not None]
    if not found:
        return None
    return Footprint(
        resident=sum(one.resident for one in found),
        peak=sum(one.peak for one in found),
        loaded=frozenset().union(*(one.loaded for one in found)),
    )


def _of(pid: int) -> Footprint | None:
    if sys.platform != "linux":
        return _by_psutil(pid)
    place = Path("/proc") / str(pid)
    with suppress(OSError):
        sizes = {key: int(number) * 1024 for key, number in _LINE.findall((place / "status").read_text())}
        maps = (place / "maps").read_text("utf-8", "replace")
        if sizes:
            resident = sizes["RSS"]
            peak = max(resident, sizes.get("HWM", 0))
            return Footprint(resident=resident, peak=peak, loaded=frozenset(_MAPPED.findall(maps)))
    return None


def _by_psutil(pid: int) -> Footprint | None:
    import psutil

    try:
        resident = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
    return Footprint(resident=resident, peak=resident, loaded=frozenset())
