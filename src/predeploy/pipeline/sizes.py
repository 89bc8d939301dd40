"""How large the build became, and what the host's archive of it would take."""

from __future__ import annotations

import os
import stat
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from time import monotonic
from typing import BinaryIO

PIECE = 1024 * 1024
"""Bytes compressed at a time."""

SAMPLE_BYTES = 12 * 1024 * 1024
"""Bytes read at most; what is larger is sampled."""

ROUGH_BYTES = 3 * 1024 * 1024
"""Bytes read where the files are far below the limit as they are, so that nothing hangs on the estimate."""

SAMPLE_SECONDS = 2.0
"""After this time the sample is what there is."""

GOLDEN = 0.6180339887
"""Steps of this fraction spread evenly, so that a sample cut short is still one of the whole."""


def regular_files(*roots: Path) -> Iterator[tuple[str, int]]:
    """Yield every regular file below the roots with its size; links are not followed."""
    waiting = [str(root) for root in roots]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry.path)
                elif stat.S_ISREG(status.st_mode):
                    yield entry.path, status.st_size


def measure(*roots: Path, seconds: float = SAMPLE_SECONDS, limit: int = 0) -> tuple[int, int]:
    """Return the bytes below the roots, and an estimate of them compressed.

    Compressing is most of the time; it is a rough estimate where twice the files would be within ``limit``.
    """
    files = sorted(regular_files(*roots))
    total = sum(size for _, size in files)
    if not total:
        return 0, 0
    pieces = -(-total // PIECE)
    order = sorted(range(pieces), key=lambda number: number * GOLDEN % 1.0)
    deadline = monotonic() + seconds
    content = _Joined(files)
    read = compressed = 0
    for number in order[: (ROUGH_BYTES if total * 2 < limit else SAMPLE_BYTES) // PIECE]:
        data = content.read(number * PIECE, PIECE)
        read += len(data)
        compressed += len(zlib.compress(data, 1))
        if monotonic() > deadline:
            break
    return total, total * compressed // max(read, 1)


BYTECODE_COMPRESSED = 0.42
"""What is left of bytecode when it is compressed: measured over the packages of a Django app."""


def bytecode_to_come(*roots: Path) -> int:
    """Return the bytes of bytecode that the host's installer would have written beside the sources.

    It takes about as much as its source.
    """
    return sum(
        size
        for path, size in regular_files(*roots)
        if path.endswith(".py") and not os.path.isdir(f"{os.path.dirname(path)}/__pycache__")  # noqa: PTH112, PTH120 - hot path
    )


class _Joined:
    """Files read as if they were one."""

    def __init__(self, files: list[tuple[str, int]]) -> None:
        self.paths = [path for path, _ in files]
        self.ends = list(accumulate(size for _, size in files))

    def read(self, start: int, length: int) -> bytes:
        """Return the bytes from ``start`` on; a file that cannot be read counts as if it were not there."""
        found = bytearray()
        index = bisect_right(self.ends, start)
        while index < len(self.paths) and len(found) < length:
            begin = self.ends[index - 1] if index else 0
            offset = max(0, start - begin)
            with suppress(OSError), open(self.paths[index], "rb") as file:  # noqa: PTH123 - hot path
                found += _part(file, offset, length - len(found))
            index += 1
        return bytes(found)


def _part(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
