"""Wheels of real tools for the loopback index: pip out of virtualenv, uv out of this environment."""

from __future__ import annotations

import atexit
import functools
import re
import tempfile
import zipfile
from pathlib import Path

import uv
from virtualenv.seed.wheels import embed

from support.wheels import Distribution, payload, zip_wheel

_UV_MODULE = '''\
"""Stand-in for the uv module: finds the binary beside the interpreter."""
import os
import sys
import sysconfig


def find_uv_bin():
    path = os.path.join(sysconfig.get_path("scripts"), "uv")
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    return path
'''

_UV_MAIN = """\
import os
import sys

from uv import find_uv_bin

os.execv(find_uv_bin(), ["uv", *sys.argv[1:]])
"""


def bundled_wheels(name: str) -> tuple[Path, ...]:
    """Return the wheels of one project that virtualenv carries, oldest first."""
    folder = Path(embed.__file__).parent
    return tuple(sorted(folder.glob(f"{name}-*.whl"), key=_version_key))


def repacked_pip(version: str, directory: Path) -> Path:
    """Write the newest bundled pip under another version, so that ``pip==version`` resolves offline."""
    source = bundled_wheels("pip")[-1]
    old = source.name.split("-")[1]
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(source) as archive:
        for name in archive.namelist():
            if name.endswith(("/", ".dist-info/RECORD")):
                continue
            files[name.replace(f"pip-{old}.dist-info/", f"pip-{version}.dist-info/")] = archive.read(name)
    _substitute(files, f"pip-{version}.dist-info/METADATA", rb"(?m)^Version: \S+", f"Version: {version}")
    _substitute(files, "pip/__init__.py", rb'__version__ = "[^"]+"', f'__version__ = "{version}"')
    return zip_wheel(directory / f"pip-{version}-py3-none-any.whl", files)


@functools.cache
def uv_wheel(version: str) -> Path:
    """Write, once a process, a wheel that installs the uv binary of this environment under another version.

    ``uv --version`` of the result still tells the binary's own version.
    """
    directory = tempfile.TemporaryDirectory(prefix="predeploy-uv-")
    atexit.register(directory.cleanup)
    dist = Distribution(
        name="uv",
        version=version,
        files={
            "uv/__init__.py": _UV_MODULE,
            "uv/__main__.py": _UV_MAIN,
            f"uv-{version}.data/scripts/uv": Path(uv.find_uv_bin()).read_bytes(),
        },
    )
    return zip_wheel(Path(directory.name) / dist.wheel_name, payload(dist), stored=True)


def _substitute(files: dict[str, bytes], name: str, pattern: bytes, replacement: str) -> None:
    content, count = re.subn(pattern, lambda _: replacement.encode(), files[name], count=1)
    if not count:
        raise ValueError(f"{name}: nothing matches {pattern!r}")
    files[name] = content


def _version_key(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.name.split("-")[1].split(".") if part.isdigit())
