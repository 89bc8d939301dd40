"""App trees written into a directory, and the command run on them as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LINK = "-> "
"""Start of a content that makes a symbolic link."""


@dataclass(frozen=True)
class CliResult:
    """What a run of the command left."""

    exit_code: int
    stdout: str
    stderr: str


def write_tree(root: Path, files: Mapping[str, str | bytes | None]) -> Path:
    """Write files below a directory and return it.

    A name with a final slash, or None as content, makes a directory; ``-> target`` makes a symbolic link;
    a file that starts with ``#!`` is executable.
    """
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/") or content is None:
            path.mkdir(exist_ok=True)
        elif isinstance(content, str) and content.startswith(LINK):
            path.symlink_to(content.removeprefix(LINK).strip())
        else:
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(data)
            path.chmod(0o755 if data.startswith(b"#!") else 0o644)
    return root


def run_cli(
    *argv: str,
    cwd: Path,
    env: Mapping[str, str | None] | None = None,
    cache_dir: Path | None = None,
    timeout: float = 120,
) -> CliResult:
    """Run ``python -m predeploy`` in a clean environment with a home of its own.

    ``env`` is added last, and None takes a variable out. Without ``cache_dir`` the cache starts empty and is
    thrown away. Raises subprocess.TimeoutExpired after ``timeout`` seconds. The working directory is not
    importable (``-P``), as with the console script.
    """
    with tempfile.TemporaryDirectory(prefix="predeploy-home-") as home:
        variables = clean_environ(Path(home), cache_dir) | dict(env or {})
        done = subprocess.run(
            [sys.executable, "-P", "-m", "predeploy", *argv],
            cwd=cwd,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
    return CliResult(done.returncode, done.stdout, done.stderr)


def clean_environ(home: Path, cache_dir: Path | None = None) -> dict[str, str]:
    """Return the variables a run starts with: nothing of the caller's but PATH and TMPDIR."""
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "COLUMNS": "100",
        "PREDEPLOY_CACHE_DIR": str(cache_dir or home / "cache"),
    }
