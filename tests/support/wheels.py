"""Wheels and sdists written by hand, so that no test needs a build backend or a download."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMPILER_ERROR = "fatal error: Python.h: No such file or directory"
"""What the backend of a broken sdist prints before it gives up."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MTIME = 1_000_000_000
"""When files of an sdist were changed: a zip made of them takes nothing before 1980."""

_BACKEND = '''\
"""Zip the tree in payload/: a build backend that needs nothing."""
import os
import sys
import zipfile

DIST_INFO = {dist_info!r}
WHEEL = {wheel!r}
BROKEN = {broken!r}


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    target = os.path.join(metadata_directory, DIST_INFO)
    os.makedirs(target)
    source = os.path.join("payload", DIST_INFO)
    for name in os.listdir(source):
        with open(os.path.join(source, name), "rb") as read, open(os.path.join(target, name), "wb") as write:
            write.write(read.read())
    return DIST_INFO


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    if BROKEN:
        sys.stdout.write("building '{module}._speedups' extension\\n")
        sys.stdout.flush()
        sys.stderr.write("cc -fPIC -c {module}/_speedups.c -o build/_speedups.o\\n")
        sys.stderr.write("{module}/_speedups.c:1:10: {error}\\n")
        sys.stderr.write("compilation terminated.\\n")
        sys.stderr.write("error: command '/usr/bin/cc' failed with exit code 1\\n")
        sys.exit(1)
    with zipfile.ZipFile(os.path.join(wheel_directory, WHEEL), "w") as archive:
        for directory, _, names in sorted(os.walk("payload")):
            for name in sorted(names):
                path = os.path.join(directory, name)
                archive.write(path, os.path.relpath(path, "payload").replace(os.sep, "/"))
    return WHEEL


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError
'''


@dataclass(frozen=True, kw_only=True, eq=False)
class Distribution:
    """Describe one version of a project: what its wheel or sdist says and holds."""

    name: str
    version: str
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Path in the wheel to content; without any, one empty module of the project's name is written."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Console scripts, name to ``module:attribute``."""
    tag: str = "py3-none-any"
    yanked: bool | str = False
    """True, or the reason, when the index should mark the files as yanked."""
    sdist_only: bool = False
    broken_sdist: bool = False
    """The sdist names its metadata, and its build ends with `COMPILER_ERROR`; implies no wheel."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    uploaded: str | None = None
    """When the index got the files, such as ``2025-01-31T00:00:00Z``; None: it does not say."""

    @property
    def module(self) -> str:
        """Name of the project as a module and in file names."""
        return re.sub(r"[-_.]+", "_", self.name).lower()

    @property
    def stem(self) -> str:
        """Start of every file name of this version: ``name-version``."""
        return f"{self.module}-{self.version}"

    @property
    def wheel_name(self) -> str:
        """File name of the wheel."""
        return f"{self.stem}-{self.tag}.whl"


def build_wheel(dist: Distribution, directory: Path) -> Path:
    """Write the wheel of a distribution into a directory and return its path."""
    return zip_wheel(directory / dist.wheel_name, payload(dist))


def build_sdist(dist: Distribution, directory: Path) -> Path:
    """Write the sdist of a distribution, which builds its wheel without requirements, and return its path."""
    path = directory / f"{dist.stem}.tar.gz"
    backend = _BACKEND.format(
        dist_info=f"{dist.stem}.dist-info",
        wheel=dist.wheel_name,
        broken=dist.broken_sdist,
        module=dist.module,
        error=COMPILER_ERROR,
    )
    project = '[build-system]\nrequires = []\nbuild-backend = "_standin_backend"\nbackend-path = ["."]\n'
    files: dict[str, bytes] = {
        "PKG-INFO": _metadata(dist).encode(),
        "pyproject.toml": project.encode(),
        "_standin_backend.py": backend.encode(),
    }
    entries = payload(dist)
    entries[f"{dist.stem}.dist-info/RECORD"] = record(entries, f"{dist.stem}.dist-info").encode()
    files |= {f"payload/{name}": content for name, content in entries.items()}
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in files.items():
            info = tarfile.TarInfo(f"{dist.stem}/{name}")
            info.size, info.mode, info.mtime = len(content), 0o644, _MTIME
            archive.addfile(info, io.BytesIO(content))
    return path


def payload(dist: Distribution) -> dict[str, bytes]:
    """Return every file of the wheel except RECORD."""
    files = {name: text.encode() if isinstance(text, str) else text for name, text in dist.files.items()}
    if not files:
        files[f"{dist.module}/__init__.py"] = f'__version__ = "{dist.version}"\n'.encode()
    info = f"{dist.stem}.dist-info"
    files[f"{info}/METADATA"] = _metadata(dist).encode()
    pure = str(dist.tag.endswith("-none-any")).lower()
    tags = "".join(f"Tag: {tag}\n" for tag in _expand(dist.tag))
    files[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: predeploy-tests\nRoot-Is-Purelib: {pure}\n{tags}".encode()
    )
    if dist.scripts:
        lines = "".join(f"{name} = {target}\n" for name, target in dist.scripts.items())
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    return files


def zip_wheel(path: Path, files: Mapping[str, bytes], *, stored: bool = False) -> Path:
    """Zip files into a wheel with a fresh RECORD; ``stored`` leaves out the compression."""
    info = next(name.split("/")[0] for name in files if name.endswith(".dist-info/METADATA"))
    entries = dict(files) | {f"{info}/RECORD": record(files, info).encode()}
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = method
            entry.external_attr = (0o100755 if ".data/scripts/" in name else 0o100644) << 16
            archive.writestr(entry, content)
    return path


def record(files: Mapping[str, bytes], info: str) -> str:
    """Return the RECORD of a wheel whose metadata directory is ``info``."""
    lines = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    return "\n".join([*lines, f"{info}/RECORD,,", ""])


def _digest(content: bytes) -> str:
    raw = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _expand(tag: str) -> Iterable[str]:
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    return [f"{python}-{abi}-{where}" for python in pythons for abi in abis for where in platforms]


def _metadata(dist: Distribution) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {dist.name}", f"Version: {dist.version}", "Summary: for tests"]
    if dist.requires_python:
        lines.append(f"Requires-Python: {dist.requires_python}")
    lines += [f"Requires-Dist: {requirement}" for requirement in dist.requires]
    for extra, requirements in dist.extras.items():
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_under(extra, requirement)}" for requirement in requirements]
    return "\n".join([*lines, ""])


def _under(extra: str, requirement: str) -> str:
    bare, _, marker = requirement.partition(";")
    condition = f'extra == "{extra}"'
    return f"{bare.strip()} ; {f'({marker.strip()}) and {condition}' if marker.strip() else condition}"
