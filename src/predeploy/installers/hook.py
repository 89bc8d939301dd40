"""A shell script of the app's own, which may call any of the others; kept in by what the run gives it."""

from __future__ import annotations

from collections.abc import Mapping


class Hook:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ("pip",)
    tools: tuple[str, ...] = ()
    # None: the run's own interpreter passes for the host's, and no variable must give it away.
    environment: Mapping[str, str] = {}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:
        """Return a requirements file; what else the script installs is not known."""
        return (manifest,) if manifest.endswith(".txt") else ()


INSTALLER = Hook()
