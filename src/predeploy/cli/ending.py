"""The one place where exceptions become messages and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from predeploy.cli.redaction import registered
from predeploy.env.secrets import Secrets
from predeploy.errors import ExitCode, PredeployError


def ended(command: Callable[[], int]) -> int:
    """Run a command and return its exit code; only here does an exception become a message."""
    _open_missing_streams()
    secrets = Secrets()
    with registered(secrets):
        try:
            return command()
        except PredeployError as error:
            return _say(secrets(str(error)), error.exit_code)
        except KeyboardInterrupt:
            return _say("interrupted", ExitCode.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a bug of ours: say so, never show a bare traceback
            return _bug(error, secrets)


def to_stderr(text: str) -> None:
    """Write a line to stderr, at once."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _open_missing_streams() -> None:
    """Give a process that was started with closed streams something in their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end


def _say(message: str, code: ExitCode) -> int:
    from predeploy.report.escape import terminal

    for line in message.splitlines() or [""]:
        to_stderr(f"predeploy: {terminal(line)}")
    return code


def _bug(error: Exception, secrets: Secrets) -> int:
    import tempfile
    import traceback

    text = secrets("".join(traceback.format_exception(error)))
    if os.environ.get("PREDEPLOY_DEBUG"):
        to_stderr(text)
    what = secrets(f"bug: {type(error).__name__}: {error}")
    try:
        handle, name = tempfile.mkstemp(prefix="predeploy-bug-", suffix=".log", text=True)
        with open(handle, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
    except OSError:
        return _say(f"{what}\n{text}", ExitCode.BUG)
    return _say(f"{what} (the traceback is in {name})", ExitCode.BUG)
