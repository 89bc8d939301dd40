"""The variables of a build: an allow-list made from nothing, so that nothing of the caller leaks in."""

from __future__ import annotations

from collections.abc import Mapping

from predeploy.env.index import IndexSettings

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


def build_environment(
    *,
    home: str,
    temp: str,
    path: tuple[str, ...],
    index: IndexSettings,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the variables of a build; ``extra``, what the host and the user declare, wins."""
    entries = [entry for entry in (*path, *SYSTEM_PATH) if not entry.endswith("/shims")]
    return {
        **index.common_env(),
        **index.uv_env(),
        **index.pip_env(),
        "PATH": ":".join(dict.fromkeys(entries)),
        "HOME": home,
        "TMPDIR": temp,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        **(extra or {}),
    }
