"""The install phase of a host where conda makes the environment, with an interpreter of its own."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

from predeploy.errors import ToolError
from predeploy.installers import conda_worker
from predeploy.model.execution import LocalPython
from predeploy.pipeline import install
from predeploy.pipeline.stage import Stage
from predeploy.pipeline.surroundings import own_runtime

RECORD_LIMIT = 16 * 1024 * 1024
"""Bytes of one record of an installed package; Python's own, with all its files, has one or two million."""


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
    stage.sandbox.show(own_runtime(stage.request.home))
    directory = _programs(stage.work.root / "conda" / "bin")
    stage.places["conda"] = f"{stage.sandbox.tool(directory)}/conda"
    return install.run_steps(stage)


def _programs(directory: Path) -> Path:
    """Write the program that plays conda: the interpreter that runs us, and a copy of our worker."""
    directory.mkdir(parents=True)
    shutil.copyfile(conda_worker.__file__, directory / "worker.py")
    path = directory / "conda"
    # -P: a module of the app, whose directory this may run in, must not be imported
    line = f'exec {shlex.quote(sys.executable)} -P "${{0%/*}}/worker.py" "$@"'
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)
    return directory


def interpreter(stage: Stage) -> LocalPython | None:
    """Return the interpreter that conda brought, by its own record; ``None`` where it brought none.

    It is not asked itself: only a sandboxed step may run what a build has made.
    """
    for record in sorted((stage.work.venv / "conda-meta").glob("python-[0-9]*.json")):
        try:
            status = record.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > RECORD_LIMIT:
                continue
            data = json.loads(record.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(data, dict) and data.get("name") == "python" and isinstance(data.get("version"), str):
            path = str(stage.work.venv / "bin" / "python")
            return LocalPython(version=data["version"], path=path, match="exact")
    return None
