"""Poetry: installs into the virtualenv that is active instead of making one."""

from __future__ import annotations

from collections.abc import Mapping


class Poetry:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("poetry",)
    environment: Mapping[str, str] = {"VIRTUAL_ENV": "{venv}"}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return nothing: uv reads no ``poetry.lock``."""
        return ()


INSTALLER = Poetry()
