"""The check that installed distributions agree with each other."""

from __future__ import annotations

from predeploy.model.decisions import Step

CONFLICT_CHECK = "conflict-check"


def conflict_check(
    *,
    fatal: bool = False,
    reason: str | None = None,
    python: str = "{bin}/python",
    argv: tuple[str, ...] | None = None,
) -> Step:
    """Return the verify step that lists contradictions; ``fatal`` where the host's build ends on them.

    ``python`` is the interpreter whose environment is looked at; ``argv`` another command that says the same.
    """
    return Step(
        id=CONFLICT_CHECK,
        phase="verify",
        reason=reason or "predeploy asks whether the installed distributions agree; this host does not",
        argv=argv or ("{uv}", "pip", "check", "--python", python),
        timeout_seconds=120,
        otherwise="fail" if fatal else "ignore",
    )


def conflicts_in(output: str) -> tuple[str, ...]:
    """Return the contradictions that ``pip check`` or ``uv pip check`` printed, one each."""
    found = []
    for line in output.splitlines():
        text = line.strip()
        if text.startswith("The package `"):
            found.append(text.replace("`", "").removeprefix("The package "))
        elif " has requirement " in text or (" requires " in text and text.endswith("is not installed.")):
            found.append(text)
    return tuple(found)
