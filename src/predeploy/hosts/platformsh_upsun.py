"""Upsun's configuration: every YAML file in ``.upsun``, merged on three keys at the top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from predeploy.hosts.platformsh_config import UPSUN, App, ConfigProblem, Part, Project, Reader
from predeploy.record import replace

if TYPE_CHECKING:
    from predeploy.app.tree import Tree

TOP_KEYS = ("applications", "services", "routes")


def upsun_files(tree: Tree) -> tuple[str, ...]:
    """Return the files that are read, in the order in which they are merged."""
    names = sorted(name for name in tree.names(UPSUN) if name.endswith(".yaml")) if tree.is_dir(UPSUN) else []
    return tuple(f"{UPSUN}/{name}" for name in names if tree.is_file(f"{UPSUN}/{name}"))


def read_upsun(tree: Tree, *, hidden: frozenset[str] = frozenset()) -> Project:
    """Return the project that the files in ``.upsun`` describe; ``hidden`` ones are left out."""
    return _UpsunReader(tree, hidden).project()


class _UpsunReader(Reader):
    def project(self) -> Project:
        files = [part for part in self._files() if isinstance(part.data, dict)]
        apps: dict[str, App] = {}
        for part in files:
            for app in self._apps(part.get("applications")):
                if app.name in apps:
                    other = apps[app.name].part.file
                    self.problems.append(
                        app.part.says("app-defined-twice", f"{app.name!r} is also in {other}")
                    )
                apps[app.name] = app
        if files and not any("applications" in part.data for part in files):
            problem = ConfigProblem("upsun-applications-missing", files[0].file, 1, "no applications")
            self.problems.append(problem)
        return Project(
            apps=tuple(apps.values()),
            services=self._merged(files, "services"),
            routes=self._merged(files, "routes"),
            problems=tuple(self.problems),
            unreadable=tuple(self.unreadable),
        )

    def _files(self) -> Iterator[Part]:
        for path in upsun_files(self.tree):
            document = None if path in self.hidden else self._load(path)
            if document is None:
                continue
            data = self._resolved(document.data, path, (UPSUN, ""))
            if data is not None and not isinstance(data, dict):
                self.problems.append(ConfigProblem("yaml-invalid", path, 1, "the file is not a mapping"))
                continue
            part = Part(path, data or {}, document)
            for key, value in part.entries():
                if key not in TOP_KEYS:
                    self.problems.append(value.says("upsun-unknown-top-key", key, TOP_KEYS))
            yield part

    def _apps(self, part: Part) -> Iterator[App]:
        if part.data is not None and not isinstance(part.data, dict):
            self.problems.append(part.says("config-value-type", "applications is not a mapping of names"))
        duplicates = {path for path, _ in part.document.duplicates}
        for name, entry in part.entries():
            if (*part.at, name) in duplicates:
                self.problems.append(entry.says("app-name-duplicate", repr(name)))
            if not isinstance(entry.data, dict):
                problem = entry.says("config-value-type", f"{entry.name}: an application is a mapping")
                self.problems.append(problem)
                continue
            yield self._app(entry, default_root="", listed=False, name=name)

    def _merged(self, files: list[Part], key: str) -> Part:
        parts = []
        for file in files:
            part = file.get(key)
            if isinstance(part.data, dict):
                parts.append(part)
            elif part.data is not None:
                self.problems.append(part.says("config-value-type", f"{key} is not a mapping of names"))
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Part(files[0].file if files else UPSUN, {})
        data = {name: value for part in parts for name, value in part.data.items()}
        return replace(parts[-1], data=data, others=tuple(parts))
