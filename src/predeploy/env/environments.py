"""Environments with a host's seeds: each made once, then placed into every build by linking its files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from predeploy.env.commands import Command, Runner
from predeploy.env.store import COMPLETE, Say, made_once
from predeploy.env.tools import require, uv_binary
from predeploy.env.virtualenvs import creation_argv, seedable

MADE_AT = ".predeploy-made-at"
"""Where the environment was when its scripts were written."""

SECONDS = 300.0
_NO_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an environment is made of: an interpreter, seeds with exact versions, and who makes it."""

    python: Path
    version: str
    """The interpreter's own full version."""
    seeds: Mapping[str, str]
    runner: Runner
    env: Mapping[str, str]
    logs: Path

    @property
    def name(self) -> str:
        """Return a directory name: the same inputs, the same name."""
        status = self.python.stat()
        inputs = [str(self.python), status.st_mtime_ns, status.st_size, sorted(self.seeds.items())]
        digest = hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]
        return f"python{self.version}-{digest}"

    def ensure(self, cache: Path, *, cancelled: Callable[[], bool], say: Say) -> Path:
        """Return the environment in the cache, making it if need be.

        Raises :class:`TransientError` when the index cannot be reached, else :class:`ToolError`.
        """

        def make(place: Path) -> None:
            self._make(place, cache)

        return made_once(cache / "environments" / self.name, make, cancelled=cancelled, say=say)

    def argv(self, place: str, cache: Path) -> tuple[str, ...]:
        """Return the command that makes it."""
        known = {name: self.seeds[name] for name in seedable(self.version) if name in self.seeds}
        return creation_argv(
            python=self.python,
            destination=place,
            seeds=known,
            app_data=cache / "virtualenv",
            wheels=self.python.resolve().parent.parent,
        )

    def _make(self, place: Path, cache: Path) -> None:
        seeds = ", ".join(f"{name} {version}" for name, version in self.seeds.items())
        problem = f"no environment with {seeds or 'Python'} could be made"
        self._run(self.argv(str(place), cache), place.parent, "create-environment", problem)
        first = seedable(self.version)
        later = [f"{name}=={version}" for name, version in self.seeds.items() if name not in first]
        python = str(place / "bin/python")
        if later:
            install = (str(uv_binary()), "pip", "install", "--quiet", "--no-deps", "--python", python, *later)
            self._run(install, place.parent, "seed-environment", problem)
        packages = [str(path) for path in place.glob("lib/python*/site-packages")]
        compiled = (python, "-I", "-m", "compileall", "-q", "-j", "0", *packages)
        done = self.runner.run(self._command(compiled, place.parent, "compile-environment"))
        if done.status == "interrupted":  # what else goes wrong only costs time later
            require(done, problem)
        (place / MADE_AT).write_text(str(place), "utf-8")

    def _run(self, argv: tuple[str, ...], cwd: Path, name: str, problem: str) -> None:
        require(self.runner.run(self._command(argv, cwd, name)), problem)

    def _command(self, argv: tuple[str, ...], cwd: Path, name: str) -> Command:
        log = self.logs / f"{name}.log"
        return Command(argv=argv, cwd=cwd, env=self.env, log=log, timeout_seconds=SECONDS)


def place(template: Path, destination: Path, *, moved: Mapping[str, str], link: bool) -> bool:
    """Put a copy of an environment at ``destination``; return whether its files are links into the template.

    ``moved`` says how paths are spelled there: the template's own, by the word ``venv``, and those of its
    interpreter. With ``link`` files share their content with the template, so that nothing but predeploy
    may write to them; where the file system cannot link, they are copied.
    """
    made_at = (template / MADE_AT).read_text("utf-8")
    spelled = {made_at: moved["venv"], **{old: new for old, new in moved.items() if old != "venv"}}
    destination.mkdir(exist_ok=True)
    for source, target in _entries(template, destination):
        if source.is_symlink():
            target.symlink_to(_respelled(str(source.readlink()), spelled))
        elif source.is_dir():
            target.mkdir(exist_ok=True)
        elif _has_paths(source, template):
            _write_respelled(source, target, spelled)
        else:
            link = _linked(source, target, link=link)
    return link


def _entries(template: Path, destination: Path) -> Iterator[tuple[Path, Path]]:
    waiting = [(template, destination)]
    while waiting:
        source, target = waiting.pop()
        for entry in os.scandir(source):
            if entry.name not in (COMPLETE, MADE_AT):
                pair = Path(entry.path), target / entry.name
                yield pair
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(pair)


def _has_paths(source: Path, template: Path) -> bool:
    return source.parent == template / "bin" or source.parent == template


def _respelled(text: str, spelled: Mapping[str, str]) -> str:
    for old, new in spelled.items():
        text = text.replace(old, new)
    return text


def _write_respelled(source: Path, target: Path, spelled: Mapping[str, str]) -> None:
    data = source.read_bytes()
    for old, new in spelled.items():
        data = data.replace(os.fsencode(old), os.fsencode(new))
    target.write_bytes(data)
    target.chmod(stat.S_IMODE(source.stat().st_mode))


def _linked(source: Path, target: Path, *, link: bool) -> bool:
    """Put one file in place; return whether links are still worth trying."""
    if link:
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
        else:
            return True
    shutil.copy2(source, target)
    return False


def shadow(environment: Path, destination: Path) -> Path:
    """Make an environment that says it holds what another holds, and holds none of it; return its place.

    It is what a tool may write to that only asks what is installed.
    """
    from predeploy.env.work import remove_tree

    remove_tree(destination)
    destination.mkdir()
    shutil.copy2(environment / "pyvenv.cfg", destination)
    shutil.copytree(environment / "bin", destination / "bin", symlinks=True)
    for packages in environment.glob("lib/python*/site-packages"):
        for described in packages.glob("*.dist-info"):
            shutil.copytree(described, destination / described.relative_to(environment), symlinks=True)
    return destination


def own_files(environment: Path) -> None:
    """Give an environment files of its own in place of those it shares, so that anybody may write to them."""
    for directory, _, names in os.walk(environment):
        for name in names:
            path = Path(directory, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                beside = path.with_name(f".{name[:40]}.own")
                shutil.copy2(path, beside)
                beside.replace(path)
