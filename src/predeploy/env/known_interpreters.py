"""What interpreters said of themselves, kept by path, size and time, so that nobody is asked twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from predeploy.paths import own_bytes, replace_file

FORM = 1
MOST = 500
"""Interpreters remembered; beyond, those of this search only."""

Ask = Callable[[Sequence[Path]], Sequence[str | None]]


_ASKING = Lock()
"""Platforms that begin side by side ask for the same; the second finds what the first was told."""


def answers(
    paths: Sequence[Path], ask: Ask, *, base_of: Callable[[str], Path | None], memory: Path
) -> list[str | None]:
    """Return what each path answers: from the file ``memory`` where that still holds, else by ``ask``.

    ``base_of`` names the executable an answer speaks of, which must still be there. A script is asked every
    time, since what it leads to may change without it; so is whatever did not answer.
    """
    with _ASKING:
        return _answers(paths, ask, base_of, memory)


def _answers(
    paths: Sequence[Path], ask: Ask, base_of: Callable[[str], Path | None], memory: Path
) -> list[str | None]:
    stamps = [_stamp(path) for path in paths]
    known = _known(memory)
    found: list[str | None] = []
    for path, stamp in zip(paths, stamps, strict=True):
        kept = known.get(str(path))
        holds = kept is not None and stamp is not None and kept[:-1] == stamp and _is_there(base_of(kept[-1]))
        found.append(kept[-1] if kept is not None and holds else None)
    missing = [index for index, answer in enumerate(found) if answer is None]
    if not missing:
        return found
    for index, answer in zip(missing, ask([paths[index] for index in missing]), strict=True):
        found[index] = answer
    fresh = {
        str(path): (*stamp, answer)
        for path, stamp, answer in zip(paths, stamps, found, strict=True)
        if answer is not None and stamp is not None
    }
    if any(known.get(path) != entry for path, entry in fresh.items()):
        kept_others = known if len(known) < MOST else {}
        document = {"form": FORM, "known": {**kept_others, **fresh}}
        replace_file(memory, json.dumps(document, indent=1).encode())
    return found


def _stamp(path: Path) -> tuple[str, int, int] | None:
    """Return what changes when an executable does; ``None`` for a script and what cannot be read."""
    try:
        real = os.path.realpath(path)
        status = os.stat(real)  # noqa: PTH116 - as the line above
        with open(real, "rb") as file:  # noqa: PTH123
            script = file.read(2) == b"#!"
    except OSError:
        return None
    return None if script else (real, status.st_mtime_ns, status.st_size)


def _is_there(path: Path | None) -> bool:
    return path is None or os.access(path, os.X_OK)


def _known(memory: Path) -> Mapping[str, tuple[str, int, int, str]]:
    """Return what is remembered; nothing where the file is damaged, or another user's."""
    data = own_bytes(memory)
    try:
        document = json.loads(data or b"{}")
        if document.get("form") != FORM:
            return {}
        return {
            str(path): (str(real), int(time), int(size), str(answer))
            for path, (real, time, size, answer) in document["known"].items()
        }
    except (ValueError, AttributeError, TypeError, KeyError):
        return {}
