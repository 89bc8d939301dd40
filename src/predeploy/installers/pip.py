"""pip: lives in the virtualenv it installs into, in the host's version."""

from __future__ import annotations

from collections.abc import Mapping


class Pip:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ("pip",)
    tools: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:
        """Return a requirements file or a project file as it is: uv reads both."""
        return (manifest,) if manifest.endswith((".txt", "pyproject.toml")) else ()


class PipOutside(Pip):
    """The same from an environment of its own: the virtualenv it installs into holds no pip."""

    seeded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ("pip",)
    environment: Mapping[str, str] = {"PIP_PYTHON": "{bin}/python", "VIRTUAL_ENV": "{venv}"}


INSTALLER = Pip()
OUTSIDE = PipOutside()
