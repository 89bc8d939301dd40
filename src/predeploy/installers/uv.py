"""uv: run from its own environment; never fetches an interpreter of its own here."""

from __future__ import annotations

from collections.abc import Mapping


class Uv:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("uv",)
    environment: Mapping[str, str] = {
        "VIRTUAL_ENV": "{venv}",
        "UV_PROJECT_ENVIRONMENT": "{venv}",
        "UV_PYTHON_DOWNLOADS": "never",
    }

    def requirement_files(self, manifest: str) -> tuple[str, ...]:
        """Return a requirements or project file; a lock is made for one Python and needs no resolution."""
        return (manifest,) if manifest.endswith((".txt", "pyproject.toml")) else ()


INSTALLER = Uv()
