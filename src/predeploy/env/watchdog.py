"""Ends a run's commands when the run itself was killed and could not.

:func:`watch` starts :mod:`predeploy.env.watchdog_program` once a run. It holds one end of a pipe, whose other
end the kernel closes with the run, whatever ended that. In the ordinary case the run ends the watchdog first.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from predeploy.env.processes import MARKER, RUN
from predeploy.env.spawn import spawn

_PROGRAM = Path(__file__).with_name("watchdog_program.py")
_LOCK = threading.Lock()
_started: list[bool] = []


def watch() -> None:
    """Start the watchdog of this process, once; Linux only, where others' variables can be read.

    A machine that cannot start it loses only what it is for.
    """
    with _LOCK:
        if _started or sys.platform != "linux":
            return
        _started.append(True)
        with suppress(OSError, ValueError):
            _start()


def _start() -> None:
    alive, held = os.pipe()  # children of ours inherit neither
    try:
        argv = (sys.executable, "-I", "-S", str(_PROGRAM), str(alive), f"{MARKER}={RUN}-")
        process = spawn(argv, env={}, pass_fds=(alive,), merged=False)
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(alive)
    if process.stdout is not None:
        process.stdout.close()

    def end() -> None:
        process.kill()
        process.wait()
        os.close(held)

    atexit.register(end)
