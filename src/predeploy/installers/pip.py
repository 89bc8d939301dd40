"""pip: lives in the virtualenv it installs into, in the host's version."""

from __future__ import annotations

from collections.abc import Mapping

from predeploy.model.decisions import Step

_PLAIN_FLAGS = ("--no-cache-dir", "--no-compile", "--quiet", "-q")
"""Options that change what pip keeps, writes or prints, and nothing of what it chooses."""


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


def decision_arguments(step: Step) -> tuple[str, ...] | None:
    """Return what follows ``pip install`` in a step that runs it, without what does not bear on the choice.

    ``None``: the step runs something else.
    """
    if step.shell is not None or not step.argv:
        return None
    program, words = step.argv[0].rpartition("/")[2], step.argv[1:]
    if program.startswith("python") and words[:2] == ("-m", "pip"):
        words = words[2:]
    elif program != "pip":
        return None
    if words[:1] != ("install",):
        return None
    return tuple(word for word in words[1:] if word not in _PLAIN_FLAGS)


def version_in(text: str) -> tuple[int, ...]:
    """Return the first two numbers of a version."""
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
