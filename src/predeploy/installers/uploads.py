"""What pip and uv print when they may take only what was uploaded by a day, and the index gives no days."""

from __future__ import annotations

from predeploy.lazy import pattern

_MISSING = pattern(r"does not provide upload-time metadata|is missing an upload date, but user provided")


def without_upload_times(output: str) -> str:
    """Return the line that says that an index gives no upload times, empty when there is none."""
    return next((line.strip()[:200] for line in output.splitlines() if _MISSING.search(line)), "")
