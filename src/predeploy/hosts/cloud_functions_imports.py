"""What a function imports although nothing installs it, known before anything is built.

What the builder installs is known in full when the app declares nothing beside the Functions Framework: its
own pinned list and what that list brings along. Everything else is left to the build.
"""

from __future__ import annotations

import sys

from predeploy.app.imports import Reached, closure, local_modules
from predeploy.app.pipfile import PipfilePackage, read_pipfile, read_pipfile_lock
from predeploy.app.requirement import canonical
from predeploy.hosts.cloud_functions_framework import framework_declared
from predeploy.hosts.cloud_functions_source import source_path
from predeploy.hosts.google_manifest import mode, pyproject
from predeploy.hosts.google_steps import vendor_flags
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

OTHER_STDLIBS = frozenset({
    "_bootlocale", "aifc", "annotationlib", "asynchat", "asyncore", "audioop", "binhex", "cgi", "cgitb",
    "chunk", "compression", "crypt", "distutils", "dummy_threading", "formatter", "imghdr", "imp",
    "lib2to3", "macpath", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "parser", "pipes",
    "smtpd", "sndhdr", "spwd", "sunau", "symbol", "telnetlib", "tomllib", "uu", "xdrlib", "zoneinfo",
})  # fmt: skip
"""Modules of the standard library of some Python between 3.7 and 3.14 that our own may lack."""

SHARED_NAMESPACES = ("google", "google.cloud")
"""Packages that several distributions share; of them the framework has ``google.cloud.functions``."""

Missing = tuple[str, Evidence]


def reached(case: Case) -> tuple[Reached, ...]:
    """Return the files the source file imports of the app, with their imports."""
    path = source_path(case)

    def follow() -> tuple[Reached, ...]:
        return closure(case.tree, (path,), _roots(case)) if case.tree.is_file(path) else ()

    return case.once("cloud_functions.reached", follow)


def _roots(case: Case) -> tuple[str, ...]:
    return (source_path(case).rpartition("/")[0],)


def declared_names(case: Case) -> frozenset[str] | None:
    """Return the distributions that the manifest names; ``None`` where that cannot be said."""
    if case.selection.manifest == "pyproject.toml":
        return pyproject(case).names() | pyproject(case).poetry_dependencies
    if case.selection.manifest is None:
        return frozenset()
    from predeploy.app.requirements import read_requirements

    name = "requirements.txt"
    read = case.once(f"requirements:{name}", lambda: read_requirements(case.tree, name))
    unnamed = any(line.name is None for line in read.lines if not line.constraint)
    elsewhere = any(option.name == "--requirement" and "://" in option.value for option in read.options)
    return None if unnamed or elsewhere or read.problems else read.names()


def only_framework(case: Case) -> bool:
    """Return whether nothing is installed but the framework and what it brings along."""
    if mode(case) not in {"pip", "uv"} or vendor_flags(case):
        return False
    names, own = declared_names(case), frozenset(case.snapshot.extra.get("framework-distributions", ()))
    return names is not None and names <= own


def missing(case: Case) -> tuple[Missing, ...]:
    """Return the imports that run at every start and that the framework alone does not provide."""
    return case.once("cloud_functions.missing", lambda: _missing(case))


def _missing(case: Case) -> tuple[Missing, ...]:
    provided = frozenset(case.snapshot.extra.get("framework-modules", ())) | sys.stdlib_module_names
    provided |= (
        OTHER_STDLIBS | {"__main__", *sys.builtin_module_names} | set(local_modules(case.tree, _roots(case)))
    )
    found: dict[str, Evidence] = {}
    for file in reached(case):
        for item in file.imports:
            if item.level or not (file.certain and item.always_runs):
                continue
            shared = item.module in SHARED_NAMESPACES
            for name in (f"{item.module}.{part}" for part in item.names) if shared else (item.module,):
                if not _is_provided(name, provided):
                    place = Evidence(path=file.path, line=item.line, text=f"import {name}")
                    found.setdefault(name, place)
    return tuple(found.items())


def _is_provided(name: str, provided: frozenset[str]) -> bool:
    if name.partition(".")[0] == "google":
        return f"{name}.".startswith("google.cloud.functions.")
    return name.partition(".")[0] in provided


def _pipfile_packages(case: Case) -> tuple[tuple[PipfilePackage, str], ...]:
    """Return the packages of the Pipfile, else of its lock, that the framework does not bring along."""
    own = frozenset(case.snapshot.extra.get("framework-distributions", ()))
    for read in (read_pipfile(case.tree), read_pipfile_lock(case.tree)):
        if read.exists and read.packages:
            return tuple((package, read.path) for package in read.packages if package.name not in own)
    return ()


def _places(case: Case, name: str) -> tuple[Evidence, ...]:
    """Return where the Pipfile declares what an import wants; its first package where no name fits."""
    packages = _pipfile_packages(case)
    wanted = {canonical(name), canonical(name.partition(".")[0]), canonical(name.replace(".", "-"))}
    fitting = [(package, path) for package, path in packages if package.name in wanted] or packages[:1]
    return tuple(Evidence(path=path, line=package.line, text=package.name) for package, path in fitting)


@predicate("cloud_functions.import_not_installed")
def import_not_installed(case: Case, *, in_pipfile: bool) -> Outcome:
    """Match when the source file imports what nothing installs; ``in_pipfile``: a Pipfile declares some."""
    if not only_framework(case):
        return matched(False)
    lacking, packages = missing(case), _pipfile_packages(case)
    if not lacking or bool(packages) is not in_pipfile:
        return matched(False)
    names = ", ".join(name for name, _ in lacking[:5])
    if not in_pipfile:
        return Match(tuple(place for _, place in lacking), names)
    declared = tuple(dict.fromkeys(place for name, _ in lacking for place in _places(case, name)))
    chain = f"{declared[0]} declares {declared[0].text}; {lacking[0][1]} imports {names}"
    return Match((*declared, *(place for _, place in lacking)), chain)


@predicate("cloud_functions.pipfile_import_doubtful")
def pipfile_import_doubtful(case: Case) -> Outcome:
    """Match when an import has the name of a package that the Pipfile declares and the manifest does not."""
    names = declared_names(case)
    if case.selection.manifest is None or names is None or only_framework(case):
        return matched(False)
    lost = {package.name: path for package, path in _pipfile_packages(case) if package.name not in names}
    hits = [(name, place) for name, place in missing(case) if canonical(name.partition(".")[0]) in lost]
    return matched(bool(hits), *(place for _, place in hits), detail=", ".join(name for name, _ in hits))


@predicate("cloud_functions.local_module_shadowed")
def local_module_shadowed(case: Case) -> Outcome:
    """Match when the function imports a module of the app whose name the framework's packages have too."""
    project = case.selection.manifest == "pyproject.toml"
    if mode(case) == "nothing" or (project and not framework_declared(case)):
        return matched(False)
    modules = frozenset(case.snapshot.extra.get("framework-modules", ()))
    local = modules & set(local_modules(case.tree, _roots(case)))
    found = [
        Evidence(path=file.path, line=item.line, text=f"import {item.module}")
        for file in reached(case)
        for item in file.imports
        if not item.level and item.module.partition(".")[0] in local
    ]
    names = ", ".join(sorted({str(place.text).partition(" ")[2].partition(".")[0] for place in found}))
    return matched(bool(found), *found, detail=names)
