"""Find profiles: built-in, from plugins, from ``--platform-dir``; load only those that are asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from predeploy.errors import ProfileError, UsageError, suggestion
from predeploy.model.profile import Profile
from predeploy.profiles import cache
from predeploy.profiles.load import base_file

Origin = Literal["built-in", "plugin", "directory"]
ENTRY_POINT_GROUP = "predeploy.profiles"


@dataclass(frozen=True)
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
        self._cache = cache_directory
        self._plugins = plugins
        self._loaded: dict[str, Profile] = {}
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
        # A look at the text is enough: whoever selects the profile gets it fully validated.
        try:
            text = self.located[name].path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return re.search(r"^abstract:\s*true\b", text, re.MULTILINE) is not None

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

    def _load(self, name: str) -> Profile:
        from predeploy.rules.registry import load_module

        files = {identity: located.path for identity, located in self.located.items()}
        if self.located[name].overrides is not None:
            files = self._without_self_reference(files, name)
        key = cache.content_key(self._contents(files, name))
        profile = cache.load(self._cache, key) if self._cache else None
        if profile is None:
            from predeploy.profiles.load import profile_from

            profile = profile_from(files, name)
            if profile.id != self.located[name].id:
                path = self.located[name].path
                raise ProfileError(f"{path}: the id {profile.id!r} must be the file's name")
            if self._cache:
                cache.store(self._cache, key, profile)
        load_module(profile.module or "common")
        return profile

    def _without_self_reference(self, files: dict[str, Path], name: str) -> dict[str, Path]:
        """Let ``heroku.yaml`` of a directory extend the built-in ``heroku`` it replaces."""
        overridden = self.located[name].overrides
        return {**files, f"builtin:{name}": overridden} if overridden else files

    def _contents(self, files: Mapping[str, Path], name: str) -> list[bytes]:
        """Return the bytes of a profile's files, found without parsing YAML."""
        contents: list[bytes] = []
        seen: list[Path] = []
        path: Path | None = files[name]
        while path is not None and path not in seen:
            seen.append(path)
            try:
                data = path.read_bytes()
            except OSError as error:
                raise ProfileError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
            contents.append(data)
            base = re.search(rb"^extends:\s*[\"']?([A-Za-z0-9_:-]+)", data, re.MULTILINE)
            path = base_file(files, base.group(1).decode(), seen) if base else None
        return contents


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
