"""What an installed environment lets the app import, read from its files; nothing of it is run."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from predeploy.app.imports import EXTENSION, Import, Reached
from predeploy.app.python_source import syntax_tree
from predeploy.lazy import pattern
from predeploy.model.execution import MissingImport

FILE_LIMIT = 1024 * 1024
"""Bytes read of one ``.pth`` file, finder or ``__init__.py``."""

_MAPPED = pattern(r"""map_module\(\s*['"]([\w.]+)['"]""")
_NAMESPACE_INIT = pattern(r"extend_path|declare_namespace")


Outside = Callable[[str], Path]
"""Where an absolute path that the environment names lies on this machine: a sandbox has its own."""


def names_in_environment(site_packages: tuple[Path, ...], outside: Outside = Path) -> frozenset[str]:
    """Return the top-level names importable from site-packages, editable installs included."""
    return _Environment(site_packages, outside).names()


def names_in_directory(directory: Path) -> frozenset[str]:
    """Return the top-level names importable from a directory on the path; an empty directory is one, too."""
    return _Environment((), Path).importable(directory)


class _Environment:
    """Site-packages with every directory listed at most once."""

    def __init__(self, site_packages: tuple[Path, ...], outside: Outside) -> None:
        self._outside = outside
        self._listings: dict[Path, dict[str, bool]] = {}
        self._modules: dict[Path, frozenset[str]] = {}
        self.site_packages = site_packages
        self.directories = self._search_path()
        self.editable = frozenset(self._editable())

    def names(self) -> frozenset[str]:
        """Return the importable top-level names."""
        names = set(self.editable)
        for directory in self.directories:
            names |= self.importable(directory)
        return frozenset(names)

    def importable(self, directory: Path) -> frozenset[str]:
        """Return the top-level names one directory provides, namespace packages included."""
        below = {name for name, is_dir in self.listing(directory).items() if is_dir and name.isidentifier()}
        return self.modules(directory) | (below - {"__pycache__"})

    def listing(self, directory: Path) -> dict[str, bool]:
        """Return the names in a directory, each with whether it is a directory."""
        known = self._listings.get(directory)
        if known is None:
            try:
                with os.scandir(directory) as entries:
                    known = {entry.name: entry.is_dir() for entry in entries}
            except (OSError, ValueError):
                known = {}
            self._listings[directory] = known
        return known

    def modules(self, directory: Path) -> frozenset[str]:
        """Return the modules in a directory that are single files."""
        known = self._modules.get(directory)
        if known is None:
            files = (name for name, is_dir in self.listing(directory).items() if not is_dir)
            known = self._modules[directory] = frozenset(filter(None, map(_module_of, files)))
        return known

    def _search_path(self) -> tuple[Path, ...]:
        """Return site-packages and the directories their ``.pth`` files add."""
        found: dict[Path, None] = dict.fromkeys(self.site_packages)
        for directory in self.site_packages:
            for name in sorted(self.listing(directory)):
                if not name.endswith(".pth"):
                    continue
                for line in _text(directory / name).splitlines():
                    entry = line.strip()
                    if entry and "\0" not in entry and not entry.startswith(("#", "import ", "import\t")):
                        found[self._outside(entry) if entry.startswith("/") else directory / entry] = None
        return tuple(found)

    def _editable(self) -> Iterator[str]:
        """Yield the top-level names that import hooks of editable installs provide."""
        for directory in self.site_packages:
            for name in self.listing(directory):
                if name.startswith("__editable__") and name.endswith("_finder.py"):
                    yield from _finder_names(_text(directory / name))
                elif name.startswith("_editable_impl_") and name.endswith(".py"):
                    for dotted in _MAPPED.findall(_text(directory / name)):
                        yield dotted.partition(".")[0]


def _module_of(name: str) -> str | None:
    extension = EXTENSION.fullmatch(name)
    stem = extension[1] if extension else name.removesuffix(".py").removesuffix(".pyc")
    return stem if stem != name and stem.isidentifier() else None


def _text(path: Path) -> str:
    try:
        # Without waiting: what a build left under the name may be a pipe that nobody writes to.
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            return file.read(FILE_LIMIT).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _finder_names(source: str) -> Iterator[str]:
    """Yield the top-level names in ``MAPPING`` and ``NAMESPACES`` of setuptools' editable finder."""
    try:
        module = syntax_tree(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign):
            target: ast.expr = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        else:
            continue
        if not isinstance(target, ast.Name) or target.id not in ("MAPPING", "NAMESPACES"):
            continue
        if isinstance(statement.value, ast.Dict):
            for key in statement.value.keys:
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value.partition(".")[0]


# --- what is missing --------------------------------------------------------------------------------


def missing(
    reached: tuple[Reached, ...],
    *,
    stdlib: frozenset[str],
    environment: frozenset[str],
    local: Mapping[str, object] | frozenset[str],
    site_packages: tuple[Path, ...] = (),
    outside: Outside = Path,
) -> tuple[MissingImport, ...]:
    """Return the imports nothing provides, each module once a file; relative imports are never missing.

    With ``site_packages`` the parts of namespace packages are looked up too, so that
    ``google.cloud.storage`` is missing where only ``google.auth`` is installed.
    """
    installed = _Environment(site_packages, outside)
    found: dict[tuple[str, str], MissingImport] = {}
    for file in reached:
        for item in file.imports:
            top = item.module.partition(".")[0]
            if item.level or not top or top in stdlib or top in local or top == "__main__":
                continue
            names = _absent(item, installed) if top in environment else (top,)
            for name in names:
                _note(found, file, item, name)
    return tuple(found.values())


def _note(found: dict[tuple[str, str], MissingImport], file: Reached, item: Import, name: str) -> None:
    certain = file.certain and item.always_runs
    known = found.get((file.path, name))
    if known is None or (certain and not known.certain):
        # The line shown is the one that makes it certain.
        found[file.path, name] = MissingImport(module=name, path=file.path, line=item.line, certain=certain)


def _absent(item: Import, installed: _Environment) -> tuple[str, ...]:
    """Return the dotted parts of an import that no portion of a namespace package provides."""
    portions = installed.directories
    parts = item.module.split(".")
    if parts[0] in installed.editable:
        return ()
    for index, part in enumerate(parts):
        found = _portions(installed, portions, part)
        if found is None:
            return ()
        if not found:
            # A top level that is not there comes from something we cannot see into.
            return (".".join(parts[: index + 1]),) if index else ()
        portions = found
    absent = [name for name in item.names if _portions(installed, portions, name) == ()]
    return tuple(f"{item.module}.{name}" for name in absent)


def _portions(installed: _Environment, directories: tuple[Path, ...], part: str) -> tuple[Path, ...] | None:
    """Return the directories of a namespace package; ``None`` for a regular package or a module."""
    portions: list[Path] = []
    for directory in directories:
        if part in installed.modules(directory):
            return None
        if installed.listing(directory).get(part):
            below = directory / part
            inside = installed.listing(below)
            if any(name.startswith("__init__.") for name in inside) and not _is_namespace_init(below):
                return None
            portions.append(below)
    return tuple(portions)


def _is_namespace_init(directory: Path) -> bool:
    return bool(_NAMESPACE_INIT.search(_text(directory / "__init__.py")[:20_000]))
