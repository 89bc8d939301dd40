"""Which commands of a shell script failed without ending it: the shell's trace, read and taken out again."""

from __future__ import annotations

from pathlib import Path

from predeploy.lazy import pattern

PROMPT = "+predeploy:$?: "
"""What the shell puts before each command it runs: a mark, and the status of the command before."""
MARK = "+predeploy:"
LINE = pattern(r"\++predeploy:(\d+): (.*)")
READ_LIMIT = 4 * 1024 * 1024
"""Bytes of a log that are looked through."""
SHOWN = 200
FAILURES = 20


def traced(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line of a shell with its trace on."""
    return (argv[0], "-x", *argv[1:])


def without_trace(text: str) -> str:
    """Return an output without the lines of the trace."""
    if MARK not in text:
        return text
    return "".join(line for line in text.splitlines(keepends=True) if not LINE.match(line))


def unnoticed(log: Path) -> tuple[str, ...]:
    """Return the commands after which another one ran although they had failed; clean the log.

    The status of the last command is the script's own, and no matter of this.
    """
    try:
        data = log.read_bytes()
    except OSError:
        return ()
    if len(data) > READ_LIMIT:
        return ()
    text = data.decode("utf-8", "replace")
    failed: list[str] = []
    before = ""
    for line in text.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        if match.group(1) != "0" and before:
            failed.append(before[:SHOWN])
        before = match.group(2)
    log.write_text(without_trace(text), "utf-8")
    return tuple(dict.fromkeys(failed))[:FAILURES]
