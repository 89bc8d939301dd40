"""uv: run from its own environment; never fetches an interpreter of its own here."""

from __future__ import annotations

from collections.abc import Mapping

from predeploy.model.decisions import Step

_PLAIN_FLAGS = ("--no-cache", "--link-mode=copy", "--compile-bytecode", "--quiet", "-q")
"""Options that change what uv keeps, writes or prints, and nothing of what it chooses."""


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


def decision_arguments(step: Step) -> tuple[str, ...] | None:
    """Return what follows ``uv pip install`` in a step, without what does not bear on the choice.

    ``None``: the step runs something else.
    """
    if step.shell is not None or not step.argv or step.argv[0].rpartition("/")[2] != "uv":
        return None
    if step.argv[1:3] != ("pip", "install"):
        return None
    return tuple(word for word in step.argv[3:] if word not in _PLAIN_FLAGS)
