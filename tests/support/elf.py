"""The smallest shared objects that name what they need."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<QQ")
_LOAD, _DYNAMIC_SEGMENT = 1, 2
_NULL, _NEEDED, _STRTAB, _STRSZ, _SONAME = 0, 1, 5, 10, 14


def shared_object(*, needed: tuple[str, ...], soname: str | None = None) -> bytes:
    """Return a 64-bit little-endian ELF file of one dynamic segment, without sections."""
    strings = b"\0"
    entries: list[tuple[int, int]] = []
    for kind, text in [*((_NEEDED, name) for name in needed), *(((_SONAME, soname),) if soname else ())]:
        entries.append((kind, len(strings)))
        strings += text.encode() + b"\0"
    start = _HEADER.size + 2 * _SEGMENT.size
    size = (len(entries) + 3) * _DYNAMIC.size
    table = start + size
    entries += [(_STRTAB, table), (_STRSZ, len(strings)), (_NULL, 0)]
    whole = table + len(strings)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    head = _HEADER.pack(ident, 3, 62, 1, 0, _HEADER.size, 0, 0, _HEADER.size, _SEGMENT.size, 2, 64, 0, 0)
    load = _SEGMENT.pack(_LOAD, 5, 0, 0, 0, whole, whole, 0x1000)
    dynamic = _SEGMENT.pack(_DYNAMIC_SEGMENT, 6, start, start, start, size, size, 8)
    return head + load + dynamic + b"".join(_DYNAMIC.pack(*entry) for entry in entries) + strings
