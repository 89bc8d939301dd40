"""Starts the processes of a run: from argv, without a terminal, in a session of their own.

Only this module and :mod:`predeploy.env.ask` start processes.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]
TimeoutExpired = subprocess.TimeoutExpired


def spawn(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    pass_fds: tuple[int, ...] = (),
    merged: bool = True,
) -> Process:
    """Start a process with a pipe for its output; raises what :class:`subprocess.Popen` raises.

    ``merged``: its errors go into the same pipe, else nowhere. ``pass_fds`` are the descriptors it inherits.
    """
    return subprocess.Popen(
        tuple(argv),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merged else subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=pass_fds,
        bufsize=0,
    )


def capture_with_errors(argv: Sequence[str], *, timeout: float) -> tuple[bool, str]:
    """Return whether a quick command of this machine succeeds, and all that it prints."""
    try:
        process = spawn(argv, env={})
    except (OSError, ValueError) as error:
        return False, str(error)
    try:
        printed, _ = process.communicate(timeout=timeout)
    except TimeoutExpired:
        process.kill()
        printed, _ = process.communicate()
        return False, f"no answer within {timeout:.0f} s"
    return process.returncode == 0, printed.decode("utf-8", "replace")
