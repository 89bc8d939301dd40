"""Pipenv: installs into the virtualenv that is active instead of making one."""

from __future__ import annotations

from collections.abc import Mapping


class Pipenv:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("pipenv",)
    environment: Mapping[str, str] = {"VIRTUAL_ENV": "{venv}"}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return nothing: uv reads neither ``Pipfile`` nor ``Pipfile.lock``."""
        return ()


INSTALLER = Pipenv()
