"""The variables of a build: an allow-list made from nothing, so that nothing of the caller leaks in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from predeploy.env.index import IndexSettings

SYSTEM_PATH = (Path("/usr/local/bin"), Path("/usr/bin"), Path("/bin"))


def build_environment(
    *,
    home: Path,
    temp: Path,
    path: tuple[Path, ...],
    index: IndexSettings,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables of a build; ``extra``, what the host and the user declare, wins."""
    entries = [str(entry) for entry in (*path, *SYSTEM_PATH) if entry.name != "shims"]
    return {
        **index.common_env(),
        **index.uv_env(),
        **index.pip_env(),
        "PATH": ":".join(dict.fromkeys(entries)),
        "HOME": str(home),
        "TMPDIR": str(temp),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        **extra,
    }
