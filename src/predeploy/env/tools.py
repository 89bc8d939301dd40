"""Tools in the host's versions, each in an environment of its own that is made once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from predeploy.env.commands import Command, Completed, Runner
from predeploy.env.store import Say, made_once, unheard
from predeploy.errors import ToolError, TransientError

INSTALL_SECONDS = 300.0

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
    minor: str = "",
    cancelled: Callable[[], bool] = lambda: False,
    say: Say = unheard,
) -> Path:
    """Return the ``bin`` directory of an environment that holds ``name==version``, making it if need be.

    ``minor`` is the interpreter's ``X.Y`` where that is known. ``cancelled`` ends the wait for another
    process that is making it; ``say`` hears of one that had to be made again.
    Raises :class:`TransientError` when the index cannot be reached, else :class:`ToolError`.
    """
    recipe = _Recipe(
        requirement=f"{name}=={version}",
        python=python,
        runner=runner,
        env={"UV_CACHE_DIR": str(cache / "uv"), **env, "UV_NO_CONFIG": "1"},
        log=log_dir / f"tool-{name}.log",
    )
    target = cache / "tools" / f"{name}-{version}-python{minor or python_minor(python)}"
    return made_once(target, recipe.make, cancelled=cancelled, say=say) / "bin"


@dataclass(frozen=True, kw_only=True)
class _Recipe:
    """What an environment is made of, and by what."""

    requirement: str
    python: Path
    runner: Runner
    env: Mapping[str, str]
    log: Path

    def make(self, place: Path) -> None:
        """Make the environment; it works wherever it is moved to."""
        where, python, inside = place.parent, str(self.python), str(place / "bin/python")
        # relocatable: the scripts find their interpreter beside them, before and after the move
        venv = ("venv", "--relocatable", "--no-project", "--python", python, str(place))
        install = ("pip", "install", "--compile-bytecode", "--python", inside, self.requirement)
        require(self._run(venv, cwd=where, log_suffix=".venv.log"), f"no environment for {self.requirement}")
        done = self._run(install, cwd=where, log_suffix=".log")
        require(done, f"{self.requirement} could not be installed")

    def _run(self, arguments: tuple[str, ...], *, cwd: Path, log_suffix: str) -> Completed:
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


def require(completed: Completed, problem: str) -> None:
    """Raise for a command that did not end well: :class:`TransientError` where the index is to blame."""
    if completed.status == "ok":
        return
    from predeploy.env.transient import is_transient

    reason = "\n".join(completed.tail.splitlines()[-10:])
    if completed.status == "interrupted":
        reason = "interrupted"
    kind = TransientError if completed.status == "failed" and is_transient(completed.tail) else ToolError
    raise kind(f"{problem}: {reason}" if reason else f"{problem}: {completed.status}")
