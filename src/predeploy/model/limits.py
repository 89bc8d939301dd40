"""What a command may use: time, memory, processes, output, disk."""

from __future__ import annotations

from predeploy.model import STRICT
from predeploy.record import field_names, record, replace

UNITS = {"K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


@record
class Limits:
    """The most one command may use; ``None``: no limit of this kind."""

    __pydantic_config__ = STRICT

    time: float | None = None
    """Seconds; a step's own limit holds too when it is shorter."""
    memory: int | None = None
    """Bytes of memory of all its processes together."""
    processes: int | None = None
    """Processes at the same time."""
    output: int | None = None
    """Bytes of its log; a longer one loses its middle, which is no failure."""
    disk: int | None = None
    """Bytes of the run's directories, and of any one file written."""

    def under(self, stronger: Limits) -> Limits:
        """Return these limits with those that ``stronger`` names in their place."""
        given = {name: getattr(stronger, name) for name in KINDS}
        return replace(self, **{name: value for name, value in given.items() if value is not None})


KINDS = field_names(Limits)


def bytes_text(size: float) -> str:
    """Return a size for people: ``512 MiB``, ``1.5 GiB``."""
    for unit, factor in (("GiB", UNITS["G"]), ("MiB", UNITS["M"]), ("KiB", UNITS["K"])):
        if size >= factor:
            return f"{size / factor:.4g} {unit}"
    return f"{size:.0f} bytes"
