"""Which system libraries the environment's shared objects need, on a host whose image is known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from predeploy.model.execution import MissingLibrary
from predeploy.pipeline.stage import Stage
from predeploy.pipeline.verify import site_packages

if TYPE_CHECKING:
    from predeploy.env.elf import SharedObject


def missing_libraries(stage: Stage) -> tuple[MissingLibrary, ...] | None:
    """Return what neither the wheels nor the image bring (``system-libraries`` in its profile).

    ``None`` where the profile does not say what the image has. This machine's own libraries do not count.
    """
    present = stage.case.snapshot.lists.get("system-libraries")
    if not present:
        return None
    from predeploy.env.elf import shared_objects

    directories = {path.resolve() for path in site_packages(*stage.prefixes())}  # lib64 is a link to lib
    objects = [found for directory in sorted(directories) for found in shared_objects(directory)]
    # conda brings the system's part too, beside site-packages
    own = {path.name for path in (stage.work.venv / "lib").glob("*.so*")}
    return tuple(
        MissingLibrary(library=library, path=path) for path, library in lacking(objects, {*present, *own})
    )


def lacking(objects: list[SharedObject], present: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each shared object with each library that loading it takes and nothing has.

    A wheel's extension often needs the system's library only through another that the wheel ships.
    """
    shipped: dict[str, SharedObject] = {}
    for found in objects:
        shipped.setdefault(found.path.rpartition("/")[2], found)
        if found.name:
            shipped.setdefault(found.name, found)
    for found in objects:
        seen: set[str] = set()
        waiting = list(found.needed)
        while waiting:
            library = waiting.pop()
            if library in seen or library in present or library.startswith("ld-linux"):
                continue
            seen.add(library)
            if library in shipped:
                waiting += shipped[library].needed
            else:
                yield found.path, library
