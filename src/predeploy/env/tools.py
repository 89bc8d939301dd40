"""Tools in the host's versions, each in an environment of its own that is made once."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.env.commands import Command, Completed, Runner
from predeploy.errors import ToolError, TransientError

if TYPE_CHECKING:
    from filelock import FileLock

INSTALL_SECONDS = 300.0
LOCK_SECONDS = 600.0
LOOK_SECONDS = 0.2
_COMPLETE = ".predeploy-complete"
"""Written last; an environment without it is never used."""

_ASKING = threading.Lock()
"""uv asks sysconfig, which on Python 3.11 gives a second thread half an answer."""


def uv_binary() -> Path:
    """Return the uv this program brings along; raises :class:`ToolError` when it is missing."""
    from uv import find_uv_bin

    try:
        with _ASKING:
            return Path(find_uv_bin())
    except FileNotFoundError:
        raise ToolError("the uv that belongs to predeploy is missing; install predeploy again") from None


def ensure_tool(
    name: str,
    version: str,
    *,
    cache: Path,
    python: Path,
    runner: Runner,
    env: Mapping[str, str],
    log_dir: Path,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Return the ``bin`` directory of an environment that holds ``name==version``, making it if need be.

    ``cancelled`` ends the wait for another process that is making it.
    Raises :class:`TransientError` when the index cannot be reached, else :class:`ToolError`.
    """
    key = f"{name}-{version}-python{python_minor(python)}"
    target = cache / "tools" / key
    if _usable(target):
        return target / "bin"
    from filelock import FileLock, Timeout

    lock = FileLock(target.parent / f".{key}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _acquired(lock, cancelled):
            if not _usable(target):
                _sweep(target)
                recipe = _Recipe(
                    requirement=f"{name}=={version}",
                    python=python,
                    runner=runner,
                    env={"UV_CACHE_DIR": str(cache / "uv"), **env, "UV_NO_CONFIG": "1"},
                    log=log_dir / f"tool-{name}.log",
                )
                _make(target, recipe)
    except Timeout:
        if cancelled():
            raise ToolError(f"{target}: interrupted") from None
        raise ToolError(f"{target}: another process has been making it for {LOCK_SECONDS:.0f} s") from None
    except OSError as error:
        raise ToolError(f"{target}: cannot be made: {error.strerror or error}") from None
    return target / "bin"


def _acquired(lock: FileLock, cancelled: Callable[[], bool]) -> AbstractContextManager[object]:
    """Return the lock, held, after a wait that notices the cancellation."""
    from filelock import Timeout

    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            if cancelled() or time.monotonic() >= deadline:
                raise


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """What an environment is made of, and by what."""

    requirement: str
    python: Path
    runner: Runner
    env: Mapping[str, str]
    log: Path

    def run(self, arguments: tuple[str, ...], *, cwd: Path, log_suffix: str) -> Completed:
        """Run uv with these arguments."""
        return self.runner.run(
            Command(
                argv=(str(uv_binary()), *arguments),
                cwd=cwd,
                env=self.env,
                log=self.log.with_suffix(log_suffix),
                timeout_seconds=INSTALL_SECONDS,
            )
        )


def python_minor(python: Path) -> str:
    """Return ``X.Y`` of an interpreter; raises :class:`ToolError` when it does not run."""
    from predeploy.env.ask import capture

    answer = capture(
        (str(python), "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"), timeout=10.0
    )
    if answer is None:
        raise ToolError(f"{python}: this interpreter does not run")
    return answer.strip()


def _usable(target: Path) -> bool:
    """Whether it was finished, and its interpreter has not been uninstalled since."""
    return (target / _COMPLETE).is_file() and (target / "bin/python").exists()


def _sweep(target: Path) -> None:
    """Remove what killed runs left of this environment; its lock is held, so nobody works on it."""
    from predeploy.env.work import remove_tree

    half_made = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}")
    for place in target.parent.iterdir():
        if half_made.fullmatch(place.name):
            remove_tree(place)


def _make(target: Path, recipe: _Recipe) -> None:
    """Make the environment beside its place, and move it there when it is complete."""
    from predeploy.env.work import remove_tree

    growing = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    where, python, inside = target.parent, str(recipe.python), str(growing / "bin/python")
    # relocatable: the scripts find their interpreter beside them, before and after the move
    venv = ("venv", "--relocatable", "--no-project", "--python", python, str(growing))
    install = ("pip", "install", "--compile-bytecode", "--python", inside, recipe.requirement)
    try:
        _require(
            recipe.run(venv, cwd=where, log_suffix=".venv.log"), f"no environment for {recipe.requirement}"
        )
        done = recipe.run(install, cwd=where, log_suffix=".log")
        _require(done, f"{recipe.requirement} could not be installed")
        (growing / _COMPLETE).write_text(recipe.requirement + "\n", "utf-8")
        if target.exists():
            remove_tree(target)
        growing.rename(target)
    finally:
        remove_tree(growing)


def _require(completed: Completed, problem: str) -> None:
    if completed.status == "ok":
        return
    from predeploy.env.transient import is_transient

    reason = "\n".join(completed.tail.splitlines()[-10:])
    if completed.status == "interrupted":
        reason = "interrupted"
    kind = TransientError if completed.status == "failed" and is_transient(completed.tail) else ToolError
    raise kind(f"{problem}: {reason}" if reason else f"{problem}: {completed.status}")
