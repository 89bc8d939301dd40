"""What the figures are measured with: an app, an index, clean surroundings, and clocks around processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from mirror import Mirror

from predeploy.env.interpreters import Search, choose, discover
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot

HERE = Path(__file__).parent
PLATFORM = "heroku"
FOUR = ("heroku", "heroku-cnb", "cloud-run", "app-engine")
"""Platforms that run one command to install; a hook of the app's own, as on Platform.sh, is run as it is."""
IMPORTS = {
    "flask": "import flask, gunicorn, app",
    "streamlit": "import streamlit, pandas, numpy",
    "django": "import app",
}


def seconds_text(value: float) -> str:
    return f"{value:.3f} s"


def bytes_text(value: float) -> str:
    return f"{value / 1e6:.2f} MB"


@dataclass
class Figure:
    """Two things to measure in turns."""

    ours: Callable[[], float]
    theirs: Callable[[], float]
    note: str = ""
    repeat: bool = True
    show: Callable[[float], str] = seconds_text


class Bench:
    """One app with everything around it."""

    def __init__(self, app: str, base: Path, store: Path, *, delay: float, four: Sequence[str]) -> None:
        self.app = app
        self.four = tuple(four)
        self.base = base
        base.mkdir(parents=True)
        self.delay = delay
        # Not in the work directory: a sandbox may have a /tmp of its own.
        self.mirror = Mirror(store, store / f"certificates-{os.getpid()}")
        self.tree = base / "app"
        shutil.copytree(HERE / "apps" / app, self.tree)
        self.requirements = (self.tree / "requirements.txt").read_text()
        self.changes = 0
        self.numbers = 0
        facts = snapshot(Registry(plugins={}).profile(PLATFORM), datetime.now(UTC).date())
        self.pip = facts.tools["pip"]

    def close(self) -> None:
        """Stop the index."""
        self.mirror.close()
        shutil.rmtree(self.mirror.authority.parent, ignore_errors=True)

    # --- surroundings

    @cached_property
    def python(self) -> str:
        """The interpreter that both sides build with."""
        wanted = (self.tree / ".python-version").read_text().strip()
        chosen = choose(discover(Search.from_environ(os.environ, Path.home())), wanted)
        if chosen is None:
            sys.exit("no interpreter is here to measure with")
        return str(chosen[0].path)

    def environ(self, *, pip_cache: Path, cache: Path) -> dict[str, str]:
        """Return the variables of a process under measurement: nothing of the caller's own places."""
        home = self.base / "home"
        temp = self.base / "tmp"
        for place in (home, temp):
            place.mkdir(exist_ok=True)
        authority = str(self.mirror.authority)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "TMPDIR": str(temp),
            "PYENV_ROOT": os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": self.mirror.url,
            "PIP_CERT": authority,
            "PIP_CACHE_DIR": str(pip_cache),
            "SSL_CERT_FILE": authority,
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": self.mirror.url,
            "UV_CACHE_DIR": str(self.base / "uv-cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            "PREDEPLOY_CACHE_DIR": str(cache),
            "NO_PROXY": "localhost,127.0.0.1",
            "no_proxy": "localhost,127.0.0.1",
        }

    @property
    def warm(self) -> Mapping[str, str]:
        """The caches that stay from round to round, each side its own."""
        return self.environ(pip_cache=self.base / "pip-cache", cache=self.base / "cache")

    def cold(self) -> Mapping[str, str]:
        """Return surroundings whose caches have never been used."""
        new = self.fresh("cold")
        return self.environ(pip_cache=new / "pip", cache=new / "predeploy")

    def fresh(self, name: str) -> Path:
        """Return a path that is not there yet."""
        self.numbers += 1
        return self.base / f"{name}-{self.numbers}"

    def change(self) -> None:
        """Change what is asked for, so that all must be decided again; what comes of it is the same."""
        self.changes += 1
        more = f"packaging!=0.0.{self.changes}\n" if self.app != "django" else f"idna!=0.0.{self.changes}\n"
        (self.tree / "requirements.txt").write_text(self.requirements + more)

    # --- what is measured

    def build(
        self, platforms: Sequence[str], env: Mapping[str, str], *more: str, until: str = "verify"
    ) -> tuple[float, dict[str, Any]]:
        """Return the seconds of a build that must succeed, and its document."""
        argv = [str(Path(sys.executable).with_name("predeploy")), "build", str(self.tree), "--until", until]
        argv += ["-f", "json", "-q", "--no-fetch-python", "--no-strict", *more]
        argv += [word for name in platforms for word in ("-p", name)]
        begun = perf_counter()
        done = subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False)
        seconds = perf_counter() - begun
        try:
            document: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            sys.exit(f"predeploy build said nothing: {done.stderr[-2000:]}")
        for result in document["platforms"]:
            steps = {step["phase"] for step in result.get("steps", []) if step["status"] == "ok"}
            if result["status"] not in {"accept", "warn"} and "verify" not in steps:
                end = f"{result['platform']} did not come to the end of verify"
                sys.exit(f"{end}: {json.dumps(result['findings'], indent=1)[:3000]}")
        return seconds, document

    def naive(self, env: Mapping[str, str], number: int = 1) -> float:
        """Return the seconds of making as many environments by hand, side by side."""
        places = [self.fresh("naive") for _ in range(number)]
        begun = perf_counter()
        running = [
            subprocess.Popen(
                ["/bin/sh", "-ec", self._by_hand(place)],
                env=dict(env),
                cwd=self.tree,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            for place in places
        ]
        printed = [process.communicate()[0] for process in running]
        seconds = perf_counter() - begun
        for process, text in zip(running, printed, strict=True):
            if process.returncode:
                sys.exit(f"the install by hand failed:\n{text.decode()[-3000:]}")
        for place in places:
            shutil.rmtree(place)
        return seconds

    def _by_hand(self, place: Path) -> str:
        return (
            f"{self.python} -m venv {place}\n"
            f"{place}/bin/python -m pip install -q pip=={self.pip}\n"
            f"{place}/bin/python -m pip install -q -r requirements.txt\n"
            f"{place}/bin/python -c '{IMPORTS[self.app]}'\n"
        )

    def by_uv(self, pins: Path, env: Mapping[str, str]) -> float:
        """Return the seconds of uv making an environment and installing pinned distributions into it."""
        place = self.fresh("uv")
        uv = str(Path(sys.executable).with_name("uv"))
        begun = perf_counter()
        for argv in (
            [uv, "venv", "-q", "-p", self.python, str(place)],
            [uv, "pip", "install", "-q", "--python", str(place), "-r", str(pins)],
        ):
            done = subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"{' '.join(argv)} failed:\n{done.stderr[-3000:]}")
        seconds = perf_counter() - begun
        shutil.rmtree(place)
        return seconds

    def fill(self) -> None:
        """Bring everything here that the figures need, then warm both sides' own caches."""
        facts = [
            self.app,
            *self.four,
            self.requirements,
            self.python,
            self.pip,
            datetime.now(UTC).date().isoformat(),
        ]
        stamp = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        filled = self.mirror.store / f"filled-{stamp}"
        if not filled.exists():
            env = self.cold()
            self.naive(env)
            self.build(self.four, env)
            filled.touch()
        self.mirror.forget_pages()
        self.mirror.delay = self.delay
        self.naive(self.warm)
        for _ in range(2):  # the second finds what only the first could leave
            self.build(self.four, self.warm)


def disk(places: Sequence[Path], seen: set[tuple[int, int]]) -> int:
    """Return the bytes of files below some places that were not seen yet, and note them as seen."""
    total = 0
    for place in places:
        for directory, below, names in os.walk(place):
            for name in (*below, *names):
                with suppress(OSError):
                    status = os.lstat(os.path.join(directory, name))  # noqa: PTH118
                    if (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        total += status.st_blocks * 512
    return total


def filesystem(place: Path) -> str:
    """Return the kind of file system a directory is on."""
    best = ("", "unknown")
    with suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mounted, kind, *_ = line.split()
            if place.resolve().is_relative_to(mounted) and len(mounted) >= len(best[0]):
                best = (mounted, kind)
    return best[1]


def version_of(argv: Sequence[str]) -> str:
    """Return what a tool says its version is."""
    done = subprocess.run([*argv, "--version"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split()[:2])
