"""What a machine can simulate."""

from __future__ import annotations

from collections.abc import Mapping

from predeploy.record import record


@record
class LocalInterpreter:
    """A CPython of this machine."""

    version: str
    path: str
    source: str
    """Where it was found: ``PATH``, ``pyenv``, ``uv`` …"""


@record
class Tool:
    """A program a build may need."""

    name: str
    path: str | None
    purpose: str
    install: str


@record
class PlatformFidelity:
    """How closely one host can be followed here."""

    platform: str
    name: str
    fidelity: str
    """``full``: its default Python's minor is here; ``substitute``: another one; ``static``: none at all."""
    default_python: str | None
    pythons: Mapping[str, str]
    """Per minor version the host offers: the local version, or what is missing."""


@record
class Diagnosis:
    """Everything ``predeploy doctor`` says."""

    system: str
    system_matches: bool
    """Whether the system is one the hosts' wheels fit: Linux on x86-64 with glibc."""
    interpreters: tuple[LocalInterpreter, ...]
    platforms: tuple[PlatformFidelity, ...]
    tools: tuple[Tool, ...]
    cache: str
    cache_writable: bool
    free_bytes: int
    index_settings: tuple[str, ...]
    advice: tuple[str, ...]
