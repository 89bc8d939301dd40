"""The install phase of a host where conda makes the environment, with an interpreter of its own."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path

from predeploy.errors import ToolError
from predeploy.model.execution import LocalPython
from predeploy.pipeline import install
from predeploy.pipeline.stage import Stage

WORKER = "predeploy.installers.conda_worker"


def run_steps(stage: Stage) -> bool:
    """Run the plan's install steps with our conda; return whether the last word was success.

    Raise :class:`ToolError` where the packages of Linux cannot be solved or linked here.
    """
    if find_spec("rattler") is None:
        raise ToolError(
            f"{stage.case.selection.manifest} is read, but solving it takes the conda extra, "
            "which is not installed: pip install 'predeploy[conda]'"
        )
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise ToolError("the host's conda packages are for Linux on x86-64, and this machine is another")
    stage.places["conda"] = str(_program(stage.work.root / "conda"))
    return install.run_steps(stage)


def _program(path: Path) -> Path:
    """Write the program that plays conda: the interpreter that runs us, and our worker."""
    # -P: a module of the app, whose directory this may run in, must not be imported
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m {WORKER} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def interpreter(stage: Stage) -> LocalPython | None:
    """Return the interpreter that conda brought, ``None`` where it brought none."""
    from predeploy.env.runner import capture

    path = stage.work.venv / "bin" / "python"
    code = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    version = capture((str(path), "-I", "-S", "-c", code), timeout=20)
    return LocalPython(version=version.strip(), path=str(path), match="exact") if version else None
