"""The package managers: what each needs in and beside the virtualenv, and how it is kept inside it.

Hosts differ in version and command line, which are data of their profiles; the rest is the same everywhere
and stands here, once. A profile's installer names one of these by ``kind``.
"""

from __future__ import annotations

from predeploy.installers import conda, hook, pip, pipenv, poetry, uv
from predeploy.installers.base import Installer, install_step
from predeploy.model.profile import Installer as Declared

INSTALLERS: dict[str, Installer] = {
    "pip": pip.INSTALLER,
    "pip-outside": pip.OUTSIDE,
    "pipenv": pipenv.INSTALLER,
    "poetry": poetry.INSTALLER,
    "uv": uv.INSTALLER,
    "conda": conda.INSTALLER,
    "hook": hook.INSTALLER,
}

__all__ = ["INSTALLERS", "Installer", "install_step", "kind_of"]


def kind_of(name: str, declared: Declared) -> Installer:
    """Return the package manager that a profile's installer is."""
    return INSTALLERS[declared.kind or name]
