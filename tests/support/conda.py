"""A conda channel in a directory: packages written by hand, indexed by py-rattler."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from support.standins import REAL, standin
from support.tools import bundled_wheels
from support.wheels import Distribution, payload

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = f"{MINOR}.{sys.version_info.micro}"
_MOMENT = 1_700_000_000


class CondaChannels:
    """Channels below one directory, for ``CONDA_CHANNEL_ALIAS``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._channels: set[str] = set()

    def environ(self) -> dict[str, str]:
        """Return the variable that makes conda's names lead here."""
        return {"CONDA_CHANNEL_ALIAS": f"file://{self.root}"}

    def add(
        self,
        name: str,
        version: str,
        *,
        depends: tuple[str, ...] = (),
        files: Mapping[str, bytes] | None = None,
        links: Mapping[str, str] | None = None,
        scripts: Mapping[str, str] | None = None,
        noarch: bool = True,
        channel: str = "conda-forge",
        build: str | None = None,
    ) -> None:
        """Write one package; ``scripts`` are console scripts of a noarch Python package."""
        build = build or ("pyhd8ed1ab_0" if noarch else "h1234567_0")
        subdir = "noarch" if noarch else "linux-64"
        index = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": list(depends),
            "subdir": subdir,
            "timestamp": _MOMENT * 1000,
            **({"noarch": "python"} if noarch else {}),
        }
        own = dict(files or {})
        paths = [_path(path, content) for path, content in own.items()]
        paths += [_link(path) for path in links or {}]
        info = {"index.json": index, "paths.json": {"paths": paths, "paths_version": 1}, "about.json": {}}
        if noarch:
            points = [f"{script} = {target}" for script, target in (scripts or {}).items()]
            info["link.json"] = {
                "noarch": {"type": "python", "entry_points": points},
                "package_metadata_version": 1,
            }
        entries = {f"info/{key}": json.dumps(value).encode() for key, value in info.items()}
        entries["info/files"] = "\n".join([*own, *(links or {}), ""]).encode()
        directory = self.root / channel / subdir
        directory.mkdir(parents=True, exist_ok=True)
        _archive(directory / f"{name}-{version}-{build}.tar.bz2", {**entries, **own}, links or {})
        self._channels.add(channel)

    def add_python(self, version: str = PYTHON) -> None:
        """Write a Python that is this one: a link to its program, and a file that says where its home is."""
        base = Path(sys.base_prefix) / "bin" / f"python{MINOR}"
        minor = ".".join(version.split(".")[:2])
        marker = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
        self.add(
            "python",
            version,
            files={"pyvenv.cfg": marker.encode(), f"lib/python{minor}/site-packages/README.txt": b"here\n"},
            links={f"bin/python{minor}": str(base), "bin/python": f"python{minor}"},
            noarch=False,
        )

    def add_distribution(self, dist: Distribution, *, version: str, channel: str = "conda-forge") -> None:
        """Write what a wheel holds as a noarch package."""
        files = {f"site-packages/{name}": content for name, content in payload(dist).items()}
        depends = ("python >=3.8", *(_matchspec(requirement) for requirement in dist.requires))
        self.add(
            dist.name.lower(), version, depends=depends, files=files, scripts=dist.scripts, channel=channel
        )

    def add_pip(self) -> None:
        """Write the pip that virtualenv carries."""
        with zipfile.ZipFile(bundled_wheels("pip")[-1]) as wheel:
            files = {
                f"site-packages/{name}": wheel.read(name)
                for name in wheel.namelist()
                if not name.endswith("/")
            }
        self.add("pip", "25.1", depends=("python >=3.8",), files=files)

    def index(self) -> None:
        """Write the lists of what the channels have."""
        from rattler.index import index_fs

        for channel in self._channels:
            directory = self.root / channel
            for subdir in ("noarch", "linux-64"):
                (directory / subdir).mkdir(exist_ok=True)
            asyncio.run(index_fs(directory, write_zst=False, write_shards=False))


def standard_channel(root: Path) -> CondaChannels:
    """Return a channel with Python, pip, the stand-ins of streamlit and its needs, and a conflict."""
    channels = CondaChannels(root)
    channels.add_python()
    channels.add_pip()
    for name in ("streamlit", "rich", "click", "packaging", "requests", "idna"):
        version = next(version for known, version in REAL if known == name)
        channels.add_distribution(standin(name, version), version=version)
    channels.add("left", "1.0", depends=("base-lib <2",))
    channels.add("right", "1.0", depends=("base-lib >=2",))
    channels.add("base-lib", "1.0")
    channels.add("base-lib", "2.0")
    channels.add("numpy", "1.26.4", build="py312h1_0", depends=(f"python {PYTHON}",))
    channels.index()
    return channels


def _matchspec(requirement: str) -> str:
    name = requirement
    for position, character in enumerate(requirement):
        if character in "<>=!~ ":
            return f"{requirement[:position].lower()} {requirement[position:].strip()}"
    return name.lower()


def _path(path: str, content: bytes) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"_path": path, "path_type": "hardlink", "sha256": digest, "size_in_bytes": len(content)}


def _link(path: str) -> dict[str, object]:
    return {
        "_path": path,
        "path_type": "softlink",
        "sha256": hashlib.sha256(b"").hexdigest(),
        "size_in_bytes": 0,
    }


def _archive(path: Path, files: Mapping[str, bytes], links: Mapping[str, str]) -> None:
    with tarfile.open(path, "w:bz2", compresslevel=1) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(content), _MOMENT, 0o644
            archive.addfile(info, io.BytesIO(content))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mtime = tarfile.SYMTYPE, target, _MOMENT
            archive.addfile(info)
