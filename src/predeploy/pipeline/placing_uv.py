"""uv's decision: the host's own uv says what it would install, in the sandbox and with a cache of its own."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from time import time
from typing import TYPE_CHECKING

from predeploy.app.requirements import read_requirements
from predeploy.env import decided
from predeploy.env.decided import Decision, Page, Pin
from predeploy.env.environments import shadow
from predeploy.installers.uv import decision_arguments
from predeploy.lazy import pattern
from predeploy.pipeline.placing import Placing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from predeploy.model.decisions import Step
    from predeploy.model.execution import StepResult
    from predeploy.pipeline.stage import Stage

_CHANGE = pattern(r"^ [+~] ([A-Za-z0-9._-]+)==([^\s()]+)(.*)$", re.MULTILINE)
_ASKED = pattern(r"No cache entry for: (https?://\S+)")
_FILES = ("-r", "--requirement", "-c", "--constraint")
_TOLD = "uv_client::cached_client=debug"
"""uv's own word for the part of it that says what it asks an index for."""

LOG_LIMIT = 32 * 1024 * 1024


class UvPlacing(Placing):
    """See :class:`predeploy.pipeline.placing.Placing`."""

    tool = "uv"

    @staticmethod
    def arguments(step: Step) -> tuple[str, ...] | None:
        """See :class:`Placing`."""
        return decision_arguments(step)

    @staticmethod
    def obstacle(stage: Stage, step: Step) -> str:
        """See :class:`Placing`."""
        declared = sorted(name for name in stage.case.env if name.startswith("UV_"))
        if declared:
            return f"{declared[0]} is set"
        for path in _named(step):
            read = read_requirements(stage.case.tree, path)
            special = any(line.url or line.editable or line.hashes for line in read.lines)
            if special or read.options or read.problems:
                return f"{path} has more than names and versions"
        return ""

    def decide(self) -> Decision | StepResult | str:
        """See :class:`Placing`."""
        stage = self.stage
        deciding = replace(
            self.step,
            argv=(*self.step.argv[:3], "--dry-run", *self.given),
            env={**self.step.env, "RUST_LOG": _TOLD},
            spares_environment=True,
        )
        command = stage.command(deciding, environment=self._environment())
        self.begin()
        completed = stage.runner.run(command, on_line=None)
        if completed.status != "ok":
            return self.failed(command, completed)
        said = _text(command.log)
        pins = []
        for name, version, more in _CHANGE.findall(said):
            if more.strip():
                return self.must_build(f"{name} comes from a place of its own", self._read())
            pins.append(Pin(name=name, version=version, url="", sha256="", requested=True))
        decision = Decision(pins=tuple(pins), files=self._read(), pages=(), made_at=time())
        pages = self._pages(said)
        if pages or not pins:
            self.keep(replace(decision, pages=pages))
        return decision

    def _environment(self) -> Path | None:
        """Return an environment that uv may write to while it decides, as what it builds then may."""
        stage = self.stage
        if stage.sandbox.kind == "none":
            return None
        return shadow(stage.work.venv, stage.work.root / "deciding")

    def _read(self) -> dict[str, str]:
        """Return the state of every file that the requirements name, one through the other."""
        app, state = self.stage.places["app"], {}
        for path in _named(self.step):
            for file in (path, *read_requirements(self.stage.case.tree, path).files):
                inside = f"{app}/{file}"
                kept = inside.replace(str(self.stage.work.root), "{work}")
                state[kept] = decided.state_of(self.stage.sandbox.outside(inside), whole=True)
        return state

    def _pages(self, said: str) -> tuple[Page, ...]:
        """Return the pages that were asked for, asked for once more: uv does not say what it was told."""
        from predeploy.env.revalidate import first_seen

        urls = [url for url in dict.fromkeys(_ASKED.findall(said)) if not decided.is_archive(url)]
        return first_seen(tuple(urls), self.host.env) or ()


def _text(log: Path) -> str:
    try:
        with log.open("rb") as file:
            return file.read(LOG_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""


def _named(step: Step) -> Iterator[str]:
    """Yield the requirements files that a command line names, seen from the app's root."""
    words = iter(step.argv)
    directory = step.cwd.removeprefix("{app}").strip("/")
    for word in words:
        if word in _FILES:
            yield posixpath.join(directory, next(words, ""))
