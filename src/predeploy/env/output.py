"""The output of one process: a log file with a cap, and the last lines for a person."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from predeploy.env.secrets import Secrets, mask_credentials
from predeploy.lazy import pattern

TAIL_LINES = 40
LINE_SHOWN = 500
"""Characters of a line in the tail and in progress."""

FLOOD_LINES = 4000
FLOOD_BYTES = 8 * 1024 * 1024
"""Lines that come at once, and bytes in all, beyond which only the last lines of a read are shown."""

_ANSI = pattern(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROL = pattern(r"[\x00-\x08\x0b-\x1f\x7f]")
_CONTROL_BYTE = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


def readable(line: bytes) -> str:
    """Return a line as a terminal would leave it: no escape sequences, only its last overwriting."""
    text = _ANSI.sub("", line.decode("utf-8", "replace")).rstrip("\r\n")
    text = _CONTROL.sub("", text.rpartition("\r")[2])
    return text if len(text) <= LINE_SHOWN else text[: LINE_SHOWN - 1] + "…"


class CappedLog:
    """A file that keeps the first and the last half of ``limit`` bytes; the middle is one note."""

    def __init__(self, path: Path, limit: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._head_left = max(limit // 2, 1)
        self._keep = max(limit - limit // 2, 1)
        self._last: deque[bytes] = deque()
        self._held = 0
        self._dropped = 0
        self._at_line_start = True
        self.problem: str | None = None

    def write(self, data: bytes) -> None:
        """Take some bytes; a full disk is remembered in ``problem``, not raised."""
        if self._head_left:
            head, data = data[: self._head_left], data[self._head_left :]
            self._head_left -= len(head)
            self._put(head)
        if data:
            self._hold(data)

    def _hold(self, data: bytes) -> None:
        self._last.append(data)
        self._held += len(data)
        while self._held - len(self._last[0]) >= self._keep:
            gone = self._last.popleft()
            self._held -= len(gone)
            self._dropped += len(gone)

    def _put(self, data: bytes) -> None:
        if self.problem is not None or not data:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self.problem = error.strerror or "cannot be written"
            return
        self._at_line_start = data.endswith(b"\n")

    def flush(self) -> None:
        """Let readers of the file see what was written."""
        if self.problem is None:
            try:
                self._file.flush()
            except OSError as error:
                self.problem = error.strerror or "cannot be written"

    def close(self) -> None:
        """Write what was held back, and close; a second call does nothing."""
        if self._file.closed:
            return
        last = b"".join(self._last)
        extra = max(len(last) - self._keep, 0)
        if extra + self._dropped:
            note = f"[predeploy: {extra + self._dropped} bytes of output left out here]\n".encode()
            self._put(note if self._at_line_start else b"\n" + note)
        self._put(last[extra:])
        self._last.clear()
        try:
            self._file.close()
        except OSError as error:
            self.problem = self.problem or error.strerror


class Output:
    """Takes a process's bytes as they come; gives whole lines to the log, the tail and a listener."""

    def __init__(
        self,
        log: CappedLog,
        *,
        on_line: Callable[[str], None] | None,
        redact: Secrets,
    ) -> None:
        self._log = log
        self._on_line = on_line
        self._redact = redact
        self._stream = redact.stream()
        self._inside_long_line = False
        self._seen = 0
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._lock = Lock()
        self.failure: Exception | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pass_on(self._stream.take(data))
        self._log.flush()

    def _pass_on(self, data: bytes) -> None:
        """Take bytes that hold no registered secret any more."""
        if b"://" in data:
            text = data.decode("utf-8", "surrogateescape")
            data = mask_credentials(text).encode("utf-8", "surrogateescape")
        self._log.write(data)
        lines = data.split(b"\n")
        last = lines.pop()
        if lines and self._inside_long_line:  # its beginning was shown already
            self._inside_long_line = False
            del lines[0]
        self._seen += len(data)
        flood = len(lines) > FLOOD_LINES or self._seen > FLOOD_BYTES
        for line in lines[-TAIL_LINES:] if flood else lines:
            self._show(line)
        if last and not self._inside_long_line:
            self._inside_long_line = True
            self._show(last)

    def _show(self, line: bytes) -> None:
        shown = self._shown(line)
        with self._lock:
            self._tail.append(shown)
        self._tell(shown)

    def _shown(self, line: bytes) -> str:
        """Return a line for people; without its control characters it may spell a secret."""
        shown = readable(line)
        return self._redact(shown) if b"\x1b" in line or _CONTROL_BYTE.search(line) else shown

    def _tell(self, line: str) -> None:
        if self._on_line is None or self.failure is not None:
            return
        try:
            self._on_line(line)
        except Exception as error:  # noqa: BLE001 - kept for the caller: the pipe must be read on whatever it does
            self.failure = error

    def finish(self) -> None:
        """Pass on an unfinished last line and close the log."""
        self._pass_on(self._stream.rest())
        self._log.close()
        if self._log.problem is not None:
            with self._lock:
                self._tail.append(f"[predeploy: the log could not be written: {self._log.problem}]")

    def tail(self) -> str:
        """Return the last lines, the one being written included."""
        with self._lock:
            lines = list(self._tail)
        pending = self._stream.pending().rstrip(b"\r\n").split(b"\n")
        if self._inside_long_line:
            del pending[0]
        lines += [mask_credentials(self._shown(line)) for line in pending if line]
        return "\n".join(lines[-TAIL_LINES:])
