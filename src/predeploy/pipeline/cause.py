"""Find the app's own error in the output of a command that failed."""

from __future__ import annotations

from pathlib import Path

from predeploy.lazy import pattern
from predeploy.model.execution import Cause

READ_LIMIT = 512 * 1024
"""Bytes read from the end of a log; a traceback is a few kilobytes."""

FRAME = pattern(r'^\s*(?:[|+]\s*)?File "(?P<file>[^"]+)", line (?P<line>\d+)')
RICH_FRAME = pattern(r"(?P<file>/.+?):(?P<line>\d+) ?in")
ERROR = pattern(r"^(?:[\w.]+(?:Error|Exception|Warning|Exit|Interrupt|Halt\w*)\b.*|[A-Za-z_][\w.]*: .+)$")

COLOUR = pattern(r"\x1b\[[0-9;]*m")
BORDER = " \u2500\u2502\u256d\u256e\u256f\u2570|"
"""What rich draws around a traceback."""

PATH_LIMIT = 4096
"""Characters of a path that rich broke into lines."""


def read_end(log: Path) -> str:
    """Return the last part of a log as text."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - READ_LIMIT))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def cause(output: str, app: Path) -> Cause | None:
    """Return the error of the first traceback that passes through the app, with the app's innermost line.

    A server that catches its worker's error prints tracebacks of its own after it; the one that went through
    the app's files says what is wrong with the app.
    """
    place: tuple[str, int] | None = None
    path_so_far = ""
    for line in COLOUR.sub("", output).splitlines():
        bare = line.strip(BORDER)
        # rich, which streamlit uses where it is installed, breaks a long path into lines.
        goes_on = bare and path_so_far.startswith("/") and len(path_so_far) < PATH_LIMIT
        path_so_far = path_so_far + bare if goes_on else bare
        frame = FRAME.match(line) or RICH_FRAME.match(path_so_far)
        if frame is not None:
            path_so_far = ""
            path = _inside(frame["file"], app)
            if path is not None:
                place = (path, int(frame["line"]))
        elif bare.startswith("Traceback (most recent call last)"):
            place = None
        elif place is not None and ERROR.match(line):
            return Cause(text=line.strip()[:300], path=place[0], line=place[1])
    return None


def _inside(file: str, app: Path) -> str | None:
    if file.startswith("<"):  # code without a file, such as frozen modules
        return None
    path = Path(file)
    if not path.is_absolute():
        return file
    try:
        return path.relative_to(app).as_posix()
    except ValueError:
        return None
