"""What a shared object needs from the system, read from its dynamic section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predeploy.lazy import pattern

MAGIC = b"\x7fELF"
NEEDED_LIMIT = 1000
"""Entries read of one file; real ones have a few dozen."""

SHARED_OBJECT = pattern(r".+\.so(?:\.[\w.]+)?")


@dataclass(frozen=True)
class SharedObject:
    """One shared object below a directory."""

    path: str
    """Relative to that directory."""
    name: str | None
    """Its own soname."""
    needed: tuple[str, ...]
    """Sonames that the loader must find."""


def shared_objects(directory: Path) -> Iterator[SharedObject]:
    """Yield the shared objects below a directory; what is none, or is broken, is left out."""
    for path in sorted(directory.rglob("*.so*")):
        if SHARED_OBJECT.fullmatch(path.name) and not path.is_symlink() and path.is_file():
            read = _read(path)
            if read is not None:
                yield SharedObject(path.relative_to(directory).as_posix(), *read)


def _read(path: Path) -> tuple[str | None, tuple[str, ...]] | None:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) != MAGIC:  # a linker script, or text
                return None
            dynamic: Any = next(ELFFile(stream).iter_segments("PT_DYNAMIC"), None)
            return _dynamic(dynamic.iter_tags()) if dynamic is not None else (None, ())
    except (ELFError, OSError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError):
        return None  # a broken file is the loader's business, and no reason to stop here


def _dynamic(tags: Iterable[Any]) -> tuple[str | None, tuple[str, ...]]:
    name: str | None = None
    needed: list[str] = []
    for tag in tags:
        kind = tag.entry.d_tag
        if kind == "DT_SONAME":
            name = tag.soname
        elif kind == "DT_NEEDED" and len(needed) < NEEDED_LIMIT:
            needed.append(tag.needed)
    return name, tuple(needed)
