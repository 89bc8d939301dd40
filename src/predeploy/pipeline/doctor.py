"""What this machine can simulate: its interpreters against each host's, its tools, its caches."""

from __future__ import annotations

import os
import platform as machine
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from predeploy.env.bubblewrap import trouble
from predeploy.env.index import IndexSettings
from predeploy.env.interpreters import Interpreter, Search, choose, discover
from predeploy.errors import PredeployError
from predeploy.model.machine import Diagnosis, LocalInterpreter, PlatformFidelity, Tool
from predeploy.model.snapshot import HostSnapshot
from predeploy.paths import cache_root
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot

TOOLS: dict[str, tuple[str, str]] = {
    "git": ("which files a host receives by a push", "git"),
    "sh": ("hooks and start commands", "dash or bash"),
    "bash": ("hooks of hosts that run them with bash", "bash"),
    "bwrap": ("a sandbox around every build, and the read-only file systems of hosts", "bubblewrap"),
    "cc": ("distributions that have no wheel and are built from source", "build-essential"),
}
"""Programs a build may need: what for, and what to install."""
OLDEST_FETCHED = (3, 8)
"""The oldest minor that uv offers."""
ENOUGH_DISK = 2 * 1024**3


def diagnose(registry: Registry, day: date, environ: Mapping[str, str], home: Path) -> Diagnosis:
    """Look at this machine; starts interpreters to ask their version, keeps that, and does nothing else."""
    cache = cache_root(environ)
    found = discover(Search.from_environ(environ, home, cache=cache))
    platforms = tuple(_fidelity(facts, found) for facts in _snapshots(registry, day))
    tools = tuple(_tool(name, environ) for name in TOOLS)
    system, matches = _system()
    writable, free = _writable(cache), _free(cache)
    return Diagnosis(
        system=system,
        system_matches=matches,
        interpreters=tuple(
            LocalInterpreter(version=one.version, path=str(one.path), source=one.source) for one in found
        ),
        platforms=platforms,
        tools=tools,
        cache=str(cache),
        cache_writable=writable,
        free_bytes=free,
        index_settings=IndexSettings.read(environ, home).described(),
        advice=tuple(_advice(platforms, tools, matches, writable, free)),
    )


def _snapshots(registry: Registry, day: date) -> Iterator[HostSnapshot]:
    for name in registry.ids():
        try:
            yield snapshot(registry.profile(name), day)
        except PredeployError as error:
            registry.remarks.append(f"{name}: {error}")


def _fidelity(facts: HostSnapshot, found: Sequence[Interpreter]) -> PlatformFidelity:
    pythons = {}
    for minor, newest in facts.releases.items():
        chosen = choose(found, minor)
        here = chosen[0].version if chosen and chosen[1] != "none" else None
        pythons[minor] = here or f"missing; the host has {newest}"
    default = facts.python_default or next(iter(facts.releases), None)
    near = choose(found, default) if default else None
    fidelity = "static" if near is None else "substitute" if near[1] == "none" else "full"
    return PlatformFidelity(
        platform=facts.id, name=facts.name, fidelity=fidelity, default_python=default, pythons=pythons
    )


def _tool(name: str, environ: Mapping[str, str]) -> Tool:
    purpose, install = TOOLS[name]
    path = shutil.which(name, path=environ.get("PATH", os.defpath))
    return Tool(name=name, path=path, purpose=purpose, install=install)


def _system() -> tuple[str, bool]:
    libc = " ".join(part for part in machine.libc_ver() if part)
    text = f"{machine.system()} {machine.machine()} {libc}".strip()
    fits = machine.system() == "Linux" and machine.machine() == "x86_64" and libc.startswith("glibc")
    return text, fits


def _writable(cache: Path) -> bool:
    nearest = next((path for path in (cache, *cache.parents) if path.exists()), Path("/"))
    return nearest.is_dir() and os.access(nearest, os.W_OK)


def _free(cache: Path) -> int:
    nearest = next((path for path in (cache, *cache.parents) if path.exists()), Path("/"))
    try:
        return shutil.disk_usage(nearest).free
    except OSError:
        return 0


def _advice_on(tool: Tool) -> str | None:
    if tool.path is None:
        return f"install {tool.install}: {tool.purpose}"
    if tool.name == "bwrap" and trouble():
        return f"{trouble()}: allow user namespaces, else builds run without a sandbox"
    return None


def _advice(
    platforms: Sequence[PlatformFidelity],
    tools: Sequence[Tool],
    matches: bool,
    writable: bool,
    free: int,
) -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for platform in platforms:
        for minor, here in platform.pythons.items():
            if here.startswith("missing"):
                missing.setdefault(minor, []).append(platform.platform)
    numbered = {minor: tuple(map(int, minor.split("."))) for minor in missing}
    minors = sorted((m for m in missing if numbered[m] >= OLDEST_FETCHED), key=numbered.__getitem__)
    if minors:
        yield f"uv python install {' '.join(minors)}: the Pythons of hosts that are not here"
    yield from filter(None, map(_advice_on, tools))
    if not matches:
        yield "build on Linux on x86-64 with glibc: wheels and system libraries differ here"
    if not writable:
        yield "make the cache directory writable, or set PREDEPLOY_CACHE_DIR: every build starts cold"
    if free < ENOUGH_DISK:
        yield f"free disk space: {free // 1024**2} MB are left for environments and wheels"
