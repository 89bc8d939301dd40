"""Procfile: one ``name: command`` per line, which is not YAML."""

from __future__ import annotations

import re

from predeploy.app.text import Problem, lines_of
from predeploy.lazy import pattern
from predeploy.record import record

_LINE = pattern(r"([A-Za-z0-9_-]+):[ \t]*(.+)", re.DOTALL)
_NO_COMMAND = pattern(r"[A-Za-z0-9_-]+:\s*")
_NOT_A_NAME = pattern(r"[^\s:]+:\s*\S")

LINE_LIMIT = 100_000
"""Lines read of a Procfile; real ones have fewer than fifty."""


@record
class Process:
    """One process type."""

    name: str
    """As written; case-sensitive."""
    command: str
    """The shell command, stripped."""
    line: int
    """Line in the Procfile."""


@record
class Procfile:
    """What a Procfile says, repeated names included."""

    processes: tuple[Process, ...]
    """In file order; Heroku takes the last of a name, Google's builder the first."""
    problems: tuple[Problem, ...]
    """Lines that say nothing, and repeated names."""

    def command(self, name: str, *, first: bool = False) -> str | None:
        """Return the command of a process type; of a repeated one the last, or the ``first``."""
        commands = [process.command for process in self.processes if process.name == name]
        return commands[0 if first else -1] if commands else None


def parse_procfile(text: str, path: str = "Procfile") -> Procfile:
    """Return the process types of a Procfile; blank lines, ``#`` lines and CRLF are accepted."""
    processes: list[Process] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines_of(text), start=1):
        if number > LINE_LIMIT:
            reason = f"is longer than we read ({LINE_LIMIT} lines)"
            problems.append(Problem(path=path, line=number, reason=reason))
            break
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or not match[2].strip():
            problems.append(Problem(path=path, line=number, text=line, reason=_reason(line)))
            continue
        name = match[1]
        if name in seen:
            reason = f"repeats the process type {name} of line {seen[name]}"
            problems.append(Problem(path=path, line=number, text=line, reason=reason))
        seen[name] = number
        processes.append(Process(name=name, command=match[2].strip(), line=number))
    return Procfile(processes=tuple(processes), problems=tuple(problems))


def _reason(line: str) -> str:
    if line[0].isspace():
        return "is indented; a process type starts in the first column"
    if _NO_COMMAND.fullmatch(line):
        return "has no command"
    if _NOT_A_NAME.match(line):
        return "names a process type with other characters than letters, digits, '-' and '_'"
    return "is not 'name: command'"
