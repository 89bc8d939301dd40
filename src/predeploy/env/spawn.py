"""The only module that starts processes: from argv, without a terminal, in a session of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
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


def capture(
    argv: Sequence[str],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> str | None:
    """Return what a quick question prints, or ``None`` when it fails or takes over ``timeout`` seconds."""
    try:
        process = spawn(argv, env=env or {}, merged=False)
    except (OSError, ValueError):
        return None
    try:
        printed, _ = process.communicate(timeout=timeout)
    except TimeoutExpired:
        printed = None
    finally:
        with suppress(OSError):  # also what a shim started and left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if printed is None or process.returncode != 0:
        return None
    # As file names are: git prints names that are not UTF-8, and they must be found again.
    return printed.decode("utf-8", "surrogateescape")


def capture_all(
    argvs: Sequence[Sequence[str]],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> tuple[str | None, ...]:
    """Ask several questions at once; the answers come in their order."""
    from concurrent.futures import ThreadPoolExecutor

    if not argvs:
        return ()
    with ThreadPoolExecutor(max_workers=min(len(argvs), 16)) as pool:
        return tuple(pool.map(lambda argv: capture(argv, timeout=timeout, env=env), argvs))


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
