"""Runs that are killed at a moment, and the look at what is left of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from support.apps import clean_environ, write_tree
from support.building import MINOR
from support.cases import TODAY

HOOK = "#!/bin/sh\nsetsid sleep 300 > /dev/null 2>&1 &\nsleep 0.3\n"
SERVER = """
import http.server, os, subprocess
subprocess.Popen(["sleep", "300"], start_new_session=True)
http.server.HTTPServer(("0.0.0.0", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
TREE = {
    "requirements.txt": "streamlit\nalpha<2\n",
    ".python-version": MINOR,
    "bin/pre_compile": HOOK,
    "Procfile": "web: python serve.py\n",
    "serve.py": SERVER,
    "streamlit_app.py": "import streamlit as st\n\nst.title('hello')\n",
}
"""An app for two platforms, one of which needs a pinned tool; its hook and its server start daemons."""

HOSTS = ("-p", "heroku", "-p", "streamlit-cloud", "--set", f"streamlit-cloud.python={MINOR}")
OPTIONS = ("-f", "json", "--no-fetch-python", "--as-of", TODAY.isoformat(), "--current-packages", "-v")


@dataclass(kw_only=True)
class Range:
    """A place where runs are killed: an app, a cache and a base of work directories of their own."""

    root: Path
    index: Mapping[str, str]
    sandbox: str = "auto"
    hosts: tuple[str, ...] = HOSTS
    options: tuple[str, ...] = OPTIONS
    tree: Mapping[str, str | bytes | None] = field(default_factory=lambda: TREE)
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = write_tree(self.root / "app", self.tree)
        self.cache = self.root / "cache"
        self.base = self.root / "base"
        self.base.mkdir()
        (self.root / "home").mkdir()

    def start(self) -> Run:
        """Start a run."""
        env = {
            **clean_environ(self.root / "home", self.cache),
            **self.index,
            "TMPDIR": str(self.base),
            **self.env,
        }
        argv = [sys.executable, "-P", "-m", "predeploy", "build", str(self.app)]
        argv += [*self.hosts, *self.options, "--sandbox", self.sandbox]
        return Run(
            subprocess.Popen(
                argv,
                env=env,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )

    def leftovers(self) -> list[str]:
        """Return what should not be there after a run that ended well."""
        found = [path.name for path in self.base.iterdir() if "predeploy-" in path.name]
        tools = self.cache / "tools"
        if tools.is_dir():
            found += [path.name for path in tools.iterdir() if re.fullmatch(r"\..+\.[0-9a-f]{8}", path.name)]
        found += [str(path) for path in self.cache.glob("profiles/.*")]
        return found

    def right_answer(self) -> dict[str, Any]:
        """Run once more without disturbance, and return the answer after a look at everything."""
        run = self.start()
        document = run.answer()
        assert not self.leftovers()
        assert not run.processes()
        return document

    def forget_tools(self) -> None:
        """Let the next run make its pinned tools again."""
        shutil.rmtree(self.cache / "tools", ignore_errors=True)


class Run:
    """A run of the command, whose story is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.story: list[str] = []
        self.stdout = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._out = threading.Thread(target=self._take, daemon=True)
        self._out.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.story.append(line.rstrip("\n"))

    def _take(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as answer:
            self.stdout = answer.read()

    def reaches(self, words: str, seconds: float = 120) -> None:
        """Wait until a line of the story matches."""
        deadline = time.monotonic() + seconds
        while not any(re.search(words, line) for line in list(self.story)):
            assert self.process.poll() is None, f"it ended before {words}: {self.story}"
            assert time.monotonic() < deadline, f"never reached {words}: {self.story}"
            time.sleep(0.005)

    def processes(self) -> list[psutil.Process]:
        """Return the living commands of this run, by the marker that each of them carries."""
        needle = f"PREDEPLOY_RUN={self.process.pid:x}-".encode()
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                variables = Path(f"/proc/{process.pid}/environ").read_bytes()
                if needle in variables and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill(self, number: int) -> None:
        """Send a signal to the run itself."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill_a_child(self, chance: random.Random) -> None:
        """Kill one of its commands."""
        commands = self.processes()
        if commands:
            with contextlib.suppress(psutil.Error):
                chance.choice(commands).kill()

    def end(self, seconds: float = 120) -> int:
        """Wait for its end, and for that of every command; return its exit status."""
        code = self.process.wait(seconds)
        deadline = time.monotonic() + 30
        while left := self.processes():
            assert time.monotonic() < deadline, f"orphans: {[process.cmdline() for process in left]}"
            time.sleep(0.05)
        self._reader.join(30)
        self._out.join(30)
        assert not self._reader.is_alive(), "somebody holds the pipe"
        # A tool that is interrupted may print its own traceback; ours would be called a bug.
        assert "predeploy: bug" not in "\n".join(self.story), self.story
        return code

    def answer(self) -> dict[str, Any]:
        """Wait for a good end and return the document."""
        code = self.end(300)
        assert code == 0, (code, self.story, self.stdout)
        return dict(json.loads(self.stdout))


def kill_at_random(place: Range, chance: random.Random, *, longest: float) -> str:
    """Kill one run at a random moment in a random way; return what was done."""
    if chance.random() < 0.5:
        place.forget_tools()
    moment = chance.uniform(0.02, longest)
    way = chance.choice(["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "child"])
    run = place.start()
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.process.wait(moment)
    if way == "child":
        run.kill_a_child(chance)
    else:
        run.kill(getattr(signal, way))
    code = run.end()
    for line in run.story:  # a step that was killed failed, and what failed is kept until its user removes it
        if (kept := re.search(r": kept (\S+)$", line)) is not None:
            shutil.rmtree(kept[1])
    return f"{way} after {moment:.2f} s: exit {code}"


def say(line: str) -> None:
    """Show how far it is."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(times: int) -> None:
    """Kill so many runs with and without bubblewrap, then let one go on in each place."""
    import tempfile

    from predeploy.env.bubblewrap import trouble
    from support.building import index_with_tools

    seed = int(os.environ.get("SEED") or time.time())
    chance = random.Random(seed)
    say(f"seed {seed}")
    kinds = ["none"] if trouble() else ["bwrap", "none"]
    with index_with_tools() as index, tempfile.TemporaryDirectory(prefix="kills-") as scratch:
        places = []
        for kind in kinds:
            (Path(scratch) / kind).mkdir()
            places.append(Range(root=Path(scratch) / kind, index=index.environ(), sandbox=kind))
        begun = time.monotonic()
        places[0].right_answer()
        longest = (time.monotonic() - begun) * 1.2
        for number in range(times):
            place = places[number % len(places)]
            say(f"{number + 1} {place.sandbox} {kill_at_random(place, chance, longest=longest)}")
        for place in places:
            statuses = [answer["status"] for answer in place.right_answer()["platforms"]]
            say(f"{place.sandbox}: then {statuses}, and nothing is left")


if __name__ == "__main__":
    main(int(sys.argv[1]))
