"""The CPython interpreters of this machine, and the one nearest to a host's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from packaging.version import Version

    from predeploy.env.commands import Runner

OLDEST_SUBSTITUTE = 8
"""An interpreter below 3.8 stands in for no other: virtualenv and the tools have left it behind."""

MEMORY = "interpreters.json"
"""File of the cache in which the answers of interpreters are kept."""

PROBE_SECONDS = 5.0
FETCH_SECONDS = 300.0
FETCH_AGAIN_AFTER = 3600.0
"""Seconds during which a failed download is not tried again."""

_PROBE = """
import os, sys
v = sys.version_info
full = "%d.%d.%d" % v[:3]
if v[3] != "final":
    full += {"alpha": "a", "beta": "b", "candidate": "rc"}[v[3]] + str(v[4])
name = "python%d.%d" % v[:2]
base = os.path.join(sys.base_prefix, "bin", name)
if not os.path.exists(base):
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
print("\\t".join(["predeploy", sys.implementation.name + getattr(sys, "abiflags", ""), full, base]))
"""
"""A virtualenv names its base prefix; the executable there is what a new environment must be made from."""

_NAMES = ("python3", "python3.[0-9]", "python3.[0-9][0-9]", "python")

Match = Literal["exact", "minor", "none"]
Probe = Callable[[Sequence[tuple[str, ...]]], tuple[str | None, ...]]
"""Asks several commands at once what they print; ``None`` for one that fails or hangs."""


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A CPython, never a virtualenv's."""

    path: Path
    version: str
    implementation: str
    source: str
    """Where it was found: ``PATH``, ``pyenv``, ``uv``, ``asdf``, ``mise``, ``system``, ``extra``."""


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where to look; ``extra`` holds executables, ``bin`` directories, and directories of installations."""

    home: Path
    path: str = ""
    extra: tuple[Path, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    """``PYENV_ROOT``, ``UV_PYTHON_INSTALL_DIR``, ``ASDF_DATA_DIR``, ``MISE_DATA_DIR``, ``XDG_DATA_HOME``."""
    memory: Path | None = None
    """File in which the answers of interpreters are kept."""
    system: tuple[Path, ...] = (Path("/usr/bin"), Path("/usr/local/bin"), Path("/opt/python"))

    @classmethod
    def from_environ(
        cls,
        environ: Mapping[str, str],
        home: Path,
        *,
        extra: tuple[Path, ...] = (),
        cache: Path | None = None,
    ) -> Search:
        """Return the search a user's environment describes; ``cache`` is predeploy's cache directory."""
        names = ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR", "XDG_DATA_HOME")
        overrides = {name: environ[name] for name in names if environ.get(name)}
        memory = cache / MEMORY if cache else None
        return cls(home=home, path=environ.get("PATH", ""), extra=extra, overrides=overrides, memory=memory)

    def root(self, variable: str, default: str) -> Path:
        """Return the directory of a version manager."""
        return Path(self.overrides.get(variable) or self.home / default)

    @property
    def data(self) -> Path:
        """Return the user's data directory."""
        return self.root("XDG_DATA_HOME", ".local/share")


def probe_processes(search: Search) -> Probe:
    """Return the probe that really runs the candidates, with what a version manager's shim needs."""

    def probe(argvs: Sequence[tuple[str, ...]]) -> tuple[str | None, ...]:
        from predeploy.env.ask import capture_all

        env = {"HOME": str(search.home), "PATH": search.path or os.defpath, **search.overrides}
        return capture_all(argvs, timeout=PROBE_SECONDS, env=env)

    return probe


def discover(search: Search, probe: Probe | None = None) -> tuple[Interpreter, ...]:
    """Return every working CPython, each once, in the order of the search."""
    candidates = tuple(_candidates(search))
    ask = probe or probe_processes(search)
    answers = _answers([path for path, _ in candidates], ask, search.memory)
    found: dict[str, Interpreter] = {}
    for (_, source), answer in zip(candidates, answers, strict=True):
        interpreter = _interpreter(answer, source)
        if interpreter is not None:
            found.setdefault(os.path.realpath(interpreter.path), interpreter)
    return tuple(found.values())


def _answers(paths: Sequence[Path], probe: Probe, memory: Path | None) -> Sequence[str | None]:
    def ask(unknown: Sequence[Path]) -> Sequence[str | None]:
        return probe([(str(path), "-I", "-S", "-c", _PROBE) for path in unknown])

    if memory is None:
        return ask(paths)
    from predeploy.env.known_interpreters import answers

    return answers(paths, ask, base_of=_base, memory=memory)


def _base(answer: str) -> Path | None:
    found = _interpreter(answer, "")
    return found.path if found else None


def _interpreter(answer: str | None, source: str) -> Interpreter | None:
    for line in (answer or "").splitlines():  # a shim may talk before the interpreter does
        fields = line.split("\t")
        if len(fields) == 4 and fields[0] == "predeploy":
            implementation, _, flags = fields[1].partition("cpython")
            if implementation or "t" in flags:  # another Python, or one without the GIL that no host runs
                return None
            return Interpreter(
                path=Path(fields[3]), version=fields[2], implementation="cpython", source=source
            )
    return None


def _candidates(search: Search) -> Iterator[tuple[Path, str]]:
    """Yield what may be an interpreter, each file once."""
    seen: set[str] = set()
    for path, source in _places(search):
        real = os.path.realpath(path)
        if real not in seen and os.access(real, os.X_OK) and not Path(real).is_dir():
            seen.add(real)
            yield path, source


def _places(search: Search) -> Iterator[tuple[Path, str]]:
    pyenv, asdf = search.root("PYENV_ROOT", ".pyenv"), search.root("ASDF_DATA_DIR", ".asdf")
    mise = Path(search.overrides.get("MISE_DATA_DIR") or search.data / "mise")
    managed = Path(search.overrides.get("UV_PYTHON_INSTALL_DIR") or search.data / "uv/python")
    # A manager's shims lead to the versions listed below, or to the rest of PATH, at 50 ms or more each.
    shims = {str(root / "shims") for root in (pyenv, asdf, mise)}
    for directory in search.path.split(os.pathsep):
        if directory and directory.rstrip("/") not in shims and Path(directory).is_absolute():
            yield from _in_bin(Path(directory), "PATH")
    yield from _installations(pyenv / "versions", "pyenv")
    yield from _installations(managed, "uv")
    yield from _installations(asdf / "installs/python", "asdf")
    yield from _installations(mise / "installs/python", "mise")
    for directory_ in search.system:
        yield from _anywhere(directory_, "system")
    for place in search.extra:
        yield from [(place, "extra")] if place.is_file() else _anywhere(place, "extra")


def _anywhere(directory: Path, source: str) -> Iterator[tuple[Path, str]]:
    yield from _in_bin(directory, source)
    yield from _in_bin(directory / "bin", source)
    if directory.name != "bin":
        yield from _installations(directory, source)


def _in_bin(directory: Path, source: str) -> Iterator[tuple[Path, str]]:
    for pattern in _NAMES:
        for path in _globbed(directory, pattern):
            yield path, source


def _installations(directory: Path, source: str) -> Iterator[tuple[Path, str]]:
    for path in _globbed(directory, "*/bin/python3"):
        yield path, source


def _globbed(directory: Path, pattern: str) -> list[Path]:
    try:
        return sorted(directory.glob(pattern))
    except OSError:  # a directory on another user's PATH, which we may not search
        return []


def choose(interpreters: Sequence[Interpreter], wanted: str) -> tuple[Interpreter, Match] | None:
    """Return the interpreter nearest to ``wanted`` (``3.14.7`` or ``3.14``) and how near it is.

    The exact version, else the same minor (the newest patch not above, else the newest), else the nearest
    minor, the lower of two. A wanted minor version alone is never called exact.
    """
    from packaging.version import Version

    known = [(Version(one.version), one) for one in interpreters]
    goal = Version(wanted)
    exact = [one for version, one in known if version == goal and len(goal.release) > 2]
    if exact:
        return exact[0], "exact"
    same = [pair for pair in known if pair[0].release[:2] == goal.release[:2]]
    if same:
        return _newest(same, goal if len(goal.release) > 2 else None), "minor"
    others = [pair for pair in known if pair[0].major == goal.major and pair[0].minor >= OLDEST_SUBSTITUTE]
    if not others:
        return None
    nearest = min((abs(version.minor - goal.minor), version.minor) for version, _ in others)[1]
    return _newest([pair for pair in others if pair[0].minor == nearest], None), "none"


def _newest(known: list[tuple[Version, Interpreter]], limit: Version | None) -> Interpreter:
    """Return the newest not above ``limit``, else the newest; the first found of equals, releases first."""

    def rank(pair: tuple[Version, Interpreter]) -> tuple[bool, bool, Version]:
        return not pair[0].is_prerelease, limit is None or pair[0] <= limit, pair[0]

    return max(known, key=rank)[1]


def fetch(
    minor: str,
    *,
    directory: Path,
    runner: Runner,
    env: Mapping[str, str],
    memory: Path,
    now: Callable[[], float] | None = None,
) -> bool:
    """Download CPython ``X.Y`` into ``directory`` with uv; returns whether it is there.

    A failure is kept in the file ``memory``, so that for an hour nobody waits for the same one again.
    """
    import time

    from predeploy.env.commands import Command
    from predeploy.env.tools import uv_binary

    moment = (now or time.time)()
    failures = _failures(memory)
    if 0 <= moment - failures.get(minor, -FETCH_AGAIN_AFTER) < FETCH_AGAIN_AFTER:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    settings = {
        "UV_PYTHON_INSTALL_DIR": str(directory),
        "UV_PYTHON_DOWNLOADS": "automatic",
        "UV_NO_CONFIG": "1",
        "UV_HTTP_RETRIES": "1",
        "UV_HTTP_CONNECT_TIMEOUT": "5",
    }
    done = runner.run(
        Command(
            argv=(str(uv_binary()), "python", "install", minor, "--no-bin", "--no-progress"),
            cwd=directory,
            env={**env, **settings},
            log=memory.with_suffix(".log"),
            timeout_seconds=FETCH_SECONDS,
        )
    )
    if done.status in ("failed", "timeout"):
        _remember(memory, {**failures, minor: moment})
    return done.status == "ok"


def _failures(memory: Path) -> dict[str, float]:
    import json

    try:
        stored = json.loads(memory.read_text("utf-8"))
        return {str(minor): float(moment) for minor, moment in stored.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _remember(memory: Path, failures: Mapping[str, float]) -> None:
    import json
    from contextlib import suppress

    with suppress(OSError):  # then the next run waits as this one did
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps(dict(failures)), "utf-8")
