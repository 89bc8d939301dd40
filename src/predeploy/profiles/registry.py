"""Find profiles: built-in, from plugins, from ``--platform-dir``; load only those that are asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from predeploy.errors import ProfileError, UsageError, suggestion
from predeploy.model.profile import Profile
from predeploy.profiles import cache
from predeploy.record import positional

if TYPE_CHECKING:
    from datetime import date

    from predeploy.model.snapshot import HostSnapshot

Origin = Literal["built-in", "plugin", "directory"]
ENTRY_POINT_GROUP = "predeploy.profiles"


@positional
class Located:
    """A profile's file and where it comes from."""

    id: str
    path: Path
    origin: Origin
    overrides: Path | None = None


def builtin_directory() -> Path:
    """Return the directory of the built-in profiles: inside a wheel, else beside ``src`` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "platforms", package.parent.parent / "platforms"):
        if (candidate / "base.yaml").is_file():
            return candidate
    raise ProfileError("the built-in profiles are missing from this installation")


class Registry:
    """All profiles that can be chosen by id."""

    def __init__(
        self,
        directories: tuple[Path, ...] = (),
        *,
        cache_directory: Path | None = None,
        plugins: Mapping[str, Path] | None = None,
    ) -> None:
        self._directories = directories
        self._store = cache.Store(cache_directory) if cache_directory else None
        self._plugins = plugins
        self._loaded: dict[str, Profile] = {}
        self._read: dict[Path, _Text] = {}
        self.remarks: list[str] = []

    @cached_property
    def located(self) -> dict[str, Located]:
        """Every profile file by id, abstract ones included."""
        known = {path.stem: Located(path.stem, path, "built-in") for path in _yaml_in(builtin_directory())}
        plugins = self._plugins if self._plugins is not None else self._plugin_files()
        for name, path in plugins.items():
            if name in known:
                raise ProfileError(f"{path}: the id {name!r} is taken by {known[name].path}")
            known[name] = Located(name, path, "plugin")
        for directory in self._directories:
            if not directory.is_dir():
                raise UsageError(f"--platform-dir {directory}: no such directory")
            for path in _yaml_in(directory):
                before = known.get(path.stem)
                known[path.stem] = Located(path.stem, path, "directory", before.path if before else None)
        return known

    def _plugin_files(self) -> dict[str, Path]:
        """Return the profiles of installed packages; one that cannot be read is a remark, not an error."""
        if not _any_plugin_installed():
            return {}
        from importlib.metadata import entry_points
        from importlib.util import find_spec

        files: dict[str, Path] = {}
        for point in entry_points(group=ENTRY_POINT_GROUP):
            try:
                spec = find_spec(point.value)
            except Exception as error:  # noqa: BLE001 - a broken plugin is one line, not our end
                self.remarks.append(f"plugin {point.name}: {error}")
                continue
            places = list(spec.submodule_search_locations or ()) if spec else []
            if not places:
                self.remarks.append(f"plugin {point.name}: {point.value} is not a package")
            for place in places:
                files.update({path.stem: path for path in _yaml_in(Path(place))})
        return files

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all profiles that can be chosen, built-in ones first."""
        return tuple(name for name in self.located if not self._is_abstract(name))

    def default_ids(self) -> tuple[str, ...]:
        """Return what is judged when nothing is asked for: the built-in platforms, replaced ones included."""
        builtin = {path.stem for path in _yaml_in(builtin_directory())}
        return tuple(name for name in self.ids() if name in builtin)

    def _is_abstract(self, name: str) -> bool:
        try:
            return self._text(self.located[name].path).abstract
        except ProfileError:
            return False

    def profile(self, name: str) -> Profile:
        """Return one profile, validated, with its host's functions registered."""
        if name not in self._loaded:
            self.located_or_error(name)
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def located_or_error(self, name: str) -> Located:
        """Return where a profile lies, or raise :class:`UsageError` with the nearest known id."""
        if name not in self.located:
            raise UsageError(f"unknown platform {name!r}{suggestion(name, self.ids())}")
        return self.located[name]

    def facts(self, name: str, day: date) -> HostSnapshot:
        """Return what holds of one profile on a day, with its host's functions registered."""
        from predeploy.rules.registry import load_module

        self.located_or_error(name)
        known = None
        if self._store and name not in self._loaded:
            key = self._key(name)
            known = self._store.facts(name, key, day)
            if known is not None:
                load_module(known[1] or "common")
                return known[0]
        from predeploy.profiles.timeline import snapshot

        profile = self.profile(name)
        facts = snapshot(profile, day)
        if self._store:
            self._store.keep_facts(name, self._key(name), facts, profile.module)
        return facts

    @property
    def cache_problem(self) -> str | None:
        """What is wrong with the cache of profiles, if anything; it costs time only."""
        return self._store.problem if self._store else None

    def _load(self, name: str) -> Profile:
        from predeploy.rules.registry import load_module

        key = self._key(name)
        profile = self._store.profile(key) if self._store else None
        if profile is None:
            from predeploy.profiles.load import profile_from

            profile = profile_from(self._files(name), name)
            if profile.id != self.located[name].id:
                path = self.located[name].path
                raise ProfileError(f"{path}: the id {profile.id!r} must be the file's name")
            if self._store:
                self._store.keep_profile(key, profile)
        load_module(profile.module or "common")
        return profile

    def _files(self, name: str) -> dict[str, Path]:
        """Return the files by id that a profile may extend."""
        files = {identity: located.path for identity, located in self.located.items()}
        if self.located[name].overrides is not None:
            files = self._without_self_reference(files, name)
        return files

    def _key(self, name: str) -> str:
        return cache.content_key(self._own_key, self._digests(self._files(name), name))

    @cached_property
    def _own_key(self) -> bytes:
        return cache.own_key()

    def _without_self_reference(self, files: dict[str, Path], name: str) -> dict[str, Path]:
        """Let ``heroku.yaml`` of a directory extend the built-in ``heroku`` it replaces."""
        overridden = self.located[name].overrides
        return {**files, f"builtin:{name}": overridden} if overridden else files

    def _digests(self, files: Mapping[str, Path], name: str) -> list[bytes]:
        """Return the digests of a profile's files, found without parsing YAML."""
        digests: list[bytes] = []
        seen: list[Path] = []
        path: Path | None = files[name]
        while path is not None and path not in seen:
            seen.append(path)
            text = self._text(path)
            digests.append(text.digest)
            path = base_file(files, text.extends, seen) if text.extends else None
        return digests

    def _text(self, path: Path) -> _Text:
        if path not in self._read:
            self._read[path] = _Text.of(path)
        return self._read[path]


@positional
class _Text:
    """What can be told of a profile's file without parsing YAML: whoever selects it gets it validated."""

    digest: bytes
    extends: str | None
    abstract: bool

    @classmethod
    def of(cls, path: Path) -> _Text:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ProfileError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
        base = _word_after(data, b"extends:")
        return cls(cache.digest(data), base or None, _word_after(data, b"abstract:") == "true")


def _word_after(data: bytes, key: bytes) -> str:
    """Return the word after a key at the beginning of a line, without quotes; empty where there is none."""
    begin = 0 if data.startswith(key) else data.find(b"\n" + key) + 1
    if begin == 0 and not data.startswith(key):
        return ""
    line = data[begin + len(key) : data.find(b"\n", begin) % (len(data) + 1)]
    words = line.decode("utf-8", "replace").split()
    return words[0].strip("\"'") if words else ""


def base_file(files: Mapping[str, Path], base: str, seen: list[Path]) -> Path | None:
    """Return the file of an extended profile; one that replaces a built-in may extend what it replaces."""
    path = files.get(base)
    return files.get(f"builtin:{base}", path) if path in seen else path


def _yaml_in(directory: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - a hot path
    except OSError:
        return []
    return [directory / name for name in names if name.endswith(".yaml")]


def _any_plugin_installed() -> bool:
    """Return whether some installed distribution declares our entry-point group.

    ``importlib.metadata`` takes tens of milliseconds to import; looking for the group's name in the
    ``entry_points.txt`` files directly takes one, and is right in all but the rarest cases.
    """
    import sys

    group = f"[{ENTRY_POINT_GROUP}]".encode()
    for entry in sys.path:
        if not entry.endswith(("site-packages", "dist-packages")):
            continue
        if any(group in _entry_points(entry, name) for name in _listed(entry)):
            return True
    return False


def _listed(directory: str) -> list[str]:
    try:
        return [name for name in os.listdir(directory) if name.endswith((".dist-info", ".egg-info"))]  # noqa: PTH208
    except OSError:
        return []


def _entry_points(directory: str, name: str) -> bytes:
    try:
        with open(f"{directory}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""
