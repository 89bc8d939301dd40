"""A shell script of the app's own, which may call any of the others; kept inside the run's virtualenv."""

from __future__ import annotations

from collections.abc import Mapping


class Hook:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ("pip",)
    tools: tuple[str, ...] = ()
    # PIP_REQUIRE_VIRTUALENV: a pip of this machine that a script finds on the PATH refuses to install.
    environment: Mapping[str, str] = {"VIRTUAL_ENV": "{venv}", "PIP_REQUIRE_VIRTUALENV": "1"}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:
        """Return a requirements file; what else the script installs is not known."""
        return (manifest,) if manifest.endswith(".txt") else ()


INSTALLER = Hook()
