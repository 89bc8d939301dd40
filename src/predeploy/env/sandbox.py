"""What keeps a build and its app apart from this machine: one interface, bubblewrap or nothing.

A plan names places in braces (see :mod:`predeploy.env.places`). A sandbox says what they stand for as the
commands see them, which is where the host has them, and which confinement a command runs in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from predeploy.env.confinement import Confinement, Mount
from predeploy.env.work import WorkDirectory

Kind = Literal["bwrap", "none"]

OURS = "/opt/predeploy"
"""Where a confined command finds what no host has: uv, the pinned tools, the interpreter."""

WORDS: Mapping[str, str] = {
    "app": "/app",
    "venv": f"{OURS}/venv",
    "home": "/home/predeploy",
    "temp": "/tmp",  # noqa: S108 - the run's own
    "work": f"{OURS}/work",
    "cache": f"{OURS}/work/cache",
    "kept": f"{OURS}/work/kept",
    "python": f"{OURS}/python",
    "run": "/run",
}
"""What the words of a plan stand for inside; a profile's ``paths`` win."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What one command is to see; paths are those inside."""

    own_network: bool = True
    writable: tuple[str, ...] | None = None
    """Directories that can be written to; ``None``: all of the run's."""
    empty: tuple[str, ...] = ()
    """Directories of the app in whose place there are empty writable ones."""
    guarded: tuple[str, ...] = ()
    """Directories of the run that cannot be written to, whatever else is said."""
    instead: tuple[Mount, ...] = ()
    """What is seen in place of directories of the run."""
    mounts: tuple[Mount, ...] = ()
    """Further files and directories of this machine."""


class Sandbox(Protocol):
    """Keeps commands apart from this machine."""

    kind: Kind

    def places(self) -> dict[str, str]:
        """Return what the words of a plan stand for, as commands see them."""

    def python(self, executable: Path, prefixes: Iterable[Path]) -> str:
        """Let commands see an interpreter with these prefixes; return its path inside."""

    def tool(self, directory: Path) -> str:
        """Let commands see the ``bin`` directory of a tool's environment; return its path inside."""

    def show(self, mounts: Iterable[Mount]) -> None:
        """Let all further commands see these files and directories of this machine."""

    def confinement(self, view: View) -> Confinement | None:
        """Return what a command is confined to; ``None``: nothing."""

    def outside(self, inside: str) -> Path:
        """Return where a path of a command lies on this machine, or a path where nothing is."""


class Unconfined:
    """No sandbox: commands see this machine as it is."""

    kind: Kind = "none"

    def __init__(
        self, work: WorkDirectory, *, cache: Path, uv: Path, root: str = "", kept: Path | None = None
    ) -> None:
        self._work = work
        self._kept = kept or work.cache
        self._app = work.app / root
        self._cache = cache
        self._uv = uv

    def places(self) -> dict[str, str]:
        """See :class:`Sandbox`."""
        work = self._work
        return {
            "app": str(self._app),
            "venv": str(work.venv),
            "bin": str(work.venv / "bin"),
            "home": str(work.home),
            "temp": str(work.temp),
            "work": str(work.root),
            "cache": str(self._cache),
            "kept": str(self._kept),
            "run": str(work.run),
            "uv": str(self._uv),
        }

    def python(self, executable: Path, prefixes: Iterable[Path]) -> str:  # noqa: ARG002 - the interface
        """See :class:`Sandbox`."""
        return str(executable)

    def tool(self, directory: Path) -> str:
        """See :class:`Sandbox`."""
        return str(directory)

    def show(self, mounts: Iterable[Mount]) -> None:
        """See :class:`Sandbox`."""

    def confinement(self, view: View) -> Confinement | None:  # noqa: ARG002 - the interface
        """See :class:`Sandbox`."""
        return None

    def outside(self, inside: str) -> Path:
        """See :class:`Sandbox`."""
        return Path(inside)


@dataclass(kw_only=True)
class Bubblewrapped:
    """Bubblewrap: the host's own paths, and of this machine only what a build needs."""

    work: WorkDirectory
    paths: Mapping[str, str]
    """The words of :data:`WORDS` that the host has elsewhere."""
    uv: Path
    shown: tuple[Path, ...] = ()
    """What the user wants seen: local indexes and certificates of the index settings, ``--expose``."""
    root: str = ""
    """The directory of the upload that is the app's place."""
    kept: Path | None = None
    """What the host keeps of one build for the next."""
    kind: Kind = "bwrap"
    _added: dict[str, Mount] = field(default_factory=dict)
    _whole: Confinement | None = None
    """All that can be seen, as long as nothing is added."""

    def __post_init__(self) -> None:
        from predeploy.env.system import SYSTEM_MOUNTS, write_identity

        self._where = {**WORDS, **self.paths}
        self.work.venv.mkdir(exist_ok=True)
        self.work.temp.chmod(0o1777)
        self._system = (*SYSTEM_MOUNTS(), *write_identity(self.work.identity, home=self._where["home"]))

    def places(self) -> dict[str, str]:
        """See :class:`Sandbox`."""
        where = self._where
        return {**where, "bin": f"{where['venv']}/bin", "uv": f"{OURS}/bin/uv"}

    def python(self, executable: Path, prefixes: Iterable[Path]) -> str:
        """See :class:`Sandbox`; a relocatable one is also where the host has its own."""
        for prefix in prefixes:
            self._add(prefix, str(prefix))
        home = executable.parent.parent
        if self._is_system(home) or executable.parent.name != "bin":
            return str(executable)
        self._add(home, self._where["python"])
        return f"{self._where['python']}/bin/{executable.name}"

    def tool(self, directory: Path) -> str:
        """See :class:`Sandbox`."""
        inside = f"{OURS}/tools/{directory.parent.name}"
        self._add(directory.parent, inside)
        return f"{inside}/{directory.name}"

    def show(self, mounts: Iterable[Mount]) -> None:
        """See :class:`Sandbox`."""
        for mount in mounts:
            self._add(mount.source, mount.target)

    def _add(self, source: Path, target: str) -> None:
        if not self._is_system(Path(target)):
            self._added[target] = Mount(source=source, target=target)
            self._whole = None

    def _is_system(self, path: Path) -> bool:
        return any(path.is_relative_to(mount.target) for mount in self._system)

    def confinement(self, view: View) -> Confinement:
        """See :class:`Sandbox`."""
        from predeploy.env.system import ROOT_LINKS

        mounts = [*self._own(view), *self._replaced(view)]
        return Confinement(
            mounts=(*self._system, *ordered([*self._ours(), *view.mounts, *mounts], own=self.work.root)),
            links=ROOT_LINKS(),
            own_network=view.own_network,
        )

    def _ours(self) -> list[Mount]:
        uv = Mount(source=self.uv, target=f"{OURS}/bin/uv")
        local = [Mount(source=path, target=str(path)) for path in self.shown if not self._is_system(path)]
        return [uv, *local, *self._added.values()]

    def _own(self, view: View) -> list[Mount]:
        """Return the run's own directories, those writable that the view leaves so."""
        work, where = self.work, self._where
        directories = {
            where["app"]: work.app / self.root,
            where["venv"]: work.venv,
            where["home"]: work.home,
            where["temp"]: work.temp,
            where["cache"]: work.cache,
            where["run"]: work.run,
        }
        if self.kept is not None and view.writable is None:  # not where the host has made it read-only
            directories[where["kept"]] = self.kept
        directories |= {mount.target: mount.source for mount in view.instead}
        free = None if view.writable is None else {*view.writable, where["run"]}
        return [
            Mount(
                source=source,
                target=target,
                writable=(free is None or target in free) and target not in view.guarded,
            )
            for target, source in directories.items()
        ]

    def _replaced(self, view: View) -> list[Mount]:
        mounts = []
        for number, target in enumerate(view.empty):
            source = self.work.mounts / str(number)
            source.mkdir(parents=True, exist_ok=True)
            mounts.append(Mount(source=source, target=target, writable=True))
        return mounts

    def outside(self, inside: str) -> Path:
        """See :class:`Sandbox`."""
        if self._whole is None:
            self._whole = self.confinement(View())
        return self._whole.outside(inside) or Path("/nonexistent") / inside.lstrip("/")


def ordered(mounts: list[Mount], *, own: Path) -> list[Mount]:
    """Return mounts so that one that lies inside another comes after it, its mount point made.

    A mount point below ``own``, the run's directory, is made what is mounted, and no link: bubblewrap follows
    links while it prepares the mounts, and what an app put there must not decide where that leads.
    """
    kept: list[Mount] = []
    for mount in sorted(mounts, key=lambda mount: mount.target.count("/")):
        parents = [parent for parent in kept if mount.target.startswith(parent.target + "/")]
        if parents:
            relative = mount.target[len(parents[-1].target) + 1 :]
            if parents[-1].source / relative == mount.source:
                continue  # seen already
            if parents[-1].source.is_relative_to(own):
                _make_mount_point(parents[-1].source, relative, file=mount.source.is_file())
        kept.append(mount)
    return kept


def _make_mount_point(root: Path, relative: str, *, file: bool) -> None:
    place = root
    *above, last = relative.split("/")
    for part in above if file else (*above, last):
        place = place / part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            place.unlink()
        if not place.exists():
            place.mkdir()
    if file and (place / last).is_symlink():
        (place / last).unlink()
    if file and not (place / last).exists():
        (place / last).touch()
