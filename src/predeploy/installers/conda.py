"""conda: makes the whole environment, Python too; here by py-rattler, see :mod:`.conda_worker`."""

from __future__ import annotations

from collections.abc import Mapping


class Conda:
    """See :class:`predeploy.installers.base.Installer`."""

    seeded: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}

    def requirement_files(self, manifest: str) -> tuple[str, ...]:  # noqa: ARG002 - the interface
        """Return nothing: an ``environment.yml`` names conda's packages, not the index's."""
        return ()


INSTALLER = Conda()
