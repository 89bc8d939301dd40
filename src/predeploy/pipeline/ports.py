"""Ports for apps that are started side by side: no two platforms of a run are given the same one."""

from __future__ import annotations

import threading


class Ports:
    """Hands out free ports; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: set[int] = set()

    def claim(self, preferred: int | None) -> int:
        """Return a free port, the preferred one when it can be had."""
        from predeploy.env.probe import free_port

        with self._lock:
            port = free_port(preferred, taken=tuple(self._given))
            self._given.add(port)
            return port
