"""The verify phase: what was installed, whether it agrees, and whether the app's imports are there."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from predeploy.installers.checks import CONFLICT_CHECK, conflicts_in
from predeploy.model.execution import Installed, MissingImport, Sizes
from predeploy.pipeline.stage import Stage

STDLIB_PROBE = "import sys; print(*sorted({*sys.stdlib_module_names, *sys.builtin_module_names}))"


PACKAGES = ("lib*/python*/site-packages", "local/lib/python*/dist-packages")
"""Where a prefix holds distributions; the second is how Debian's own interpreter does it."""


def site_packages(*prefixes: Path) -> tuple[Path, ...]:
    """Return the directories of environments that hold distributions; an earlier one's come first."""
    found = (sorted(place for shape in PACKAGES for place in prefix.glob(shape)) for prefix in prefixes)
    return tuple(dict.fromkeys(place for places in found for place in places))


def installed(*prefixes: Path) -> tuple[Installed, ...]:
    """Return the distributions of environments, sorted by name; of one in several the first's."""
    from importlib.metadata import Distribution

    found: dict[str, Installed] = {}
    for place in _described(prefixes):
        distribution = Distribution.at(place)
        name = distribution.metadata["Name"]
        if name:
            version, size = distribution.version or "", _recorded_size(place / "RECORD")
            found.setdefault(name.lower(), Installed(name=name, version=version, size_bytes=size))
    return tuple(found[key] for key in sorted(found))


METADATA_LIMIT = 4 * 1024 * 1024
"""Bytes of a distribution's metadata; a larger file is not read."""


def _described(prefixes: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the directories and files that describe a distribution.

    A build may have left anything there: a pipe would block us, a link may lead out of the environment.
    """
    for packages in site_packages(*prefixes):
        for place in sorted(packages.glob("*.dist-info")) + sorted(packages.glob("*.egg-info")):
            file = place
            if place.is_dir():
                file = place / ("METADATA" if place.suffix == ".dist-info" else "PKG-INFO")
            if _is_sound(file, METADATA_LIMIT):
                yield place


def _is_sound(file: Path, limit: int) -> bool:
    """Return whether a file is one, no link, and no larger than what is read of it."""
    try:
        status = file.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= limit


RECORD_LIMIT = 16 * 1024 * 1024
"""Bytes of a distribution's list of files; a longer one is not read."""


def _recorded_size(record: Path) -> int | None:
    """Return the bytes of a distribution's files by its RECORD, whose last column they are."""
    if not _is_sound(record, RECORD_LIMIT):
        return None
    lines = record.read_text("utf-8", "replace").splitlines()
    sizes = (line.rpartition(",")[2] for line in lines)
    return sum(int(size) for size in sizes if len(size) < 16 and size.isascii() and size.isdigit())


def run_steps(stage: Stage) -> tuple[str, ...] | None:
    """Run the plan's verify steps; return the conflicts found, ``None`` when the check did not say."""
    conflicts: tuple[str, ...] | None = ()
    for step in stage.plan.steps:
        if step.phase != "verify":
            continue
        result = stage.run(step)
        if step.id == CONFLICT_CHECK and result.status != "ok":
            output = Path(result.log).read_text("utf-8", "replace") if result.log else result.tail
            conflicts = conflicts_in(output) or None
    return conflicts


def importable(stage: Stage) -> frozenset[str]:
    """Return the top-level names that Python, started in the app's root, finds there or as installed."""
    from predeploy.app.environment_names import names_in_directory, names_in_environment

    return names_in_directory(stage.app) | names_in_environment(
        site_packages(*stage.prefixes()), stage.sandbox.outside
    )


def missing_imports(stage: Stage) -> tuple[MissingImport, ...]:
    """Return the app's imports that neither Python, nor the app, nor the environment provides."""
    from predeploy.app.environment_names import missing, names_in_environment
    from predeploy.app.imports import closure, local_modules

    plan, tree = stage.plan, stage.case.tree
    if not plan.entry_modules:
        return ()
    packages = site_packages(*stage.prefixes())
    return missing(
        closure(tree, plan.entry_modules, plan.import_roots),
        stdlib=standard_library(stage),
        environment=names_in_environment(packages, stage.sandbox.outside),
        local=local_modules(tree, plan.import_roots),
        site_packages=packages,
        outside=stage.sandbox.outside,
    )


def sizes(stage: Stage) -> Sizes | None:
    """Return how large the build became, on a host that limits it (``slug-limit-mb`` in its profile)."""
    values = stage.case.snapshot.values
    if "slug-limit-mb" not in values:
        return None
    from predeploy.pipeline.sizes import BYTECODE_COMPRESSED, bytecode_to_come, measure

    work = stage.work
    packages = {path.resolve() for path in site_packages(work.venv)}  # lib64 is a link to lib
    further = (work.venv / "src", work.venv / "nltk_data")
    python = int(values.get("slug-python-mb", 0)) * 1024 * 1024
    limit = int(values["slug-limit-mb"]) * 1024 * 1024
    installed_bytes, compressed = measure(work.app, *further, *packages, limit=limit - python)
    bytecode = bytecode_to_come(*packages)
    compressed += int(bytecode * BYTECODE_COMPRESSED)
    return Sizes(
        installed_bytes=installed_bytes + bytecode,
        compressed_estimate_bytes=compressed + python,
        limit_bytes=limit,
    )


def standard_library(stage: Stage) -> frozenset[str]:
    """Return the standard library's names of the Python that was used.

    The interpreter itself is asked, not the environment's link to it, which the build may have replaced.
    """
    from predeploy.env.ask import capture

    argv = (str(stage.interpreter), "-I", "-S", "-c", STDLIB_PROBE)
    output = capture(argv, timeout=20)
    return frozenset(output.split()) if output else frozenset(sys.stdlib_module_names)
