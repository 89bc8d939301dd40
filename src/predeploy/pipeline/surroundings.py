"""What one platform's commands run in: sandbox, variables, places and limits, made once per build."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.env.sandbox import Bubblewrapped, Kind, Sandbox, Unconfined
from predeploy.errors import UsageError

if TYPE_CHECKING:
    from predeploy.env.confinement import Mount
    from predeploy.env.work import WorkDirectory
    from predeploy.model.snapshot import HostSnapshot
    from predeploy.settings import RunRequest

PARTS_OF_A_PREFIX = ("bin", "lib", "lib64", "include", "share")
"""What is shown of an interpreter whose prefix also holds the user's home."""


@dataclass(frozen=True, kw_only=True)
class SandboxChoice:
    """Which sandbox a run uses, and why none where there is none."""

    kind: Kind
    detail: str = ""


def choose_sandbox(request: RunRequest) -> SandboxChoice:
    """Return the sandbox that was asked for; raises :class:`UsageError` where this machine cannot have it."""
    from predeploy.env.bubblewrap import trouble

    why = "" if request.sandbox == "none" else trouble()
    if request.sandbox == "bwrap" and why:
        raise UsageError(f"--sandbox bwrap: {why}")
    if request.sandbox == "none" or why:
        if request.network == "none":
            raise UsageError(f"--network none needs a sandbox: {why or '--sandbox none was given'}")
        return SandboxChoice(kind="none", detail=why or "--sandbox none was given")
    return SandboxChoice(kind="bwrap")


def make_sandbox(
    kind: Kind,
    *,
    snapshot: HostSnapshot,
    app_name: str,
    work: WorkDirectory,
    cache: Path,
    shown: tuple[Path, ...],
    root: str = "",
    kept: Path | None = None,
) -> Sandbox:
    """Return the sandbox of one build; ``root`` is the plan's, ``kept`` what earlier builds have left."""
    from predeploy.env.tools import uv_binary

    if kind == "none":
        return Unconfined(work, cache=cache, uv=uv_binary(), root=root, kept=kept)
    name = re.sub(r"[^a-z0-9._-]+", "-", app_name.lower()).strip(".-") or "app"
    paths = {word: path.replace("{repo}", name) for word, path in snapshot.paths.items()}
    return Bubblewrapped(work=work, paths=paths, uv=uv_binary(), shown=shown, root=root, kept=kept)


def prefixes(executable: Path, home: Path) -> Iterator[Path]:
    """Yield the directories of an interpreter's installation, and never the user's home as a whole."""
    for prefix in {executable.parent.parent, executable.resolve().parent.parent}:
        if not home.is_relative_to(prefix):
            yield prefix
            continue
        yield from (prefix / part for part in PARTS_OF_A_PREFIX if (prefix / part).is_dir())


def own_runtime(home: Path) -> tuple[Mount, ...]:
    """Return what a confined command needs to run predeploy's own interpreter and virtualenv."""
    from predeploy.env.confinement import Mount

    places = [Path(sys.prefix), *prefixes(Path(sys.base_prefix, "bin/python"), home)]
    places += [Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    found = [place for place in dict.fromkeys(places) if place.is_dir() and not place.is_relative_to("/usr")]
    return tuple(
        Mount(source=place, target=str(place))
        for place in found
        if not any(place != other and place.is_relative_to(other) for other in found)
    )
