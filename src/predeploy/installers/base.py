"""The interface of a package manager, and the step every host makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from predeploy.model.decisions import Step
from predeploy.model.profile import Installer as Declared


class Installer(Protocol):
    """One package manager, whatever host runs it."""

    @property
    def seeded(self) -> tuple[str, ...]:
        """Return the distributions it needs inside the virtualenv, keys of the profile's ``tools``."""

    @property
    def tools(self) -> tuple[str, ...]:
        """Return the pinned tools it is run from, each in an environment of its own."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables that make it install into the run's virtualenv and nowhere else."""

    def requirement_files(self, manifest: str) -> tuple[str, ...]:
        """Return what of its manifest uv can resolve for a Python that is not here."""


def pinned(names: tuple[str, ...], versions: Mapping[str, str]) -> dict[str, str]:
    """Return the host's versions of these tools."""
    return {name: versions[name] for name in names}


def install_step(
    kind: Installer,
    declared: Declared,
    *,
    reason: str,
    step_id: str = "install-dependencies",
    argv: tuple[str, ...] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str = "{app}",
    timeout_seconds: float = 900,
    fallback_of: str | None = None,
) -> Step:
    """Return the step of one command line; the host's variables win over ours, the caller's over both."""
    return Step(
        id=step_id,
        phase="install",
        reason=reason,
        argv=declared.command if argv is None else argv,
        env={**kind.environment, **declared.env, **(env or {})},
        cwd=cwd,
        timeout_seconds=timeout_seconds,
        fallback_of=fallback_of,
    )
