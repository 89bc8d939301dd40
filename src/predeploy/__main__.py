"""Run predeploy as ``python -m predeploy``."""

from __future__ import annotations

from predeploy.cli import entry

if __name__ == "__main__":
    entry()
