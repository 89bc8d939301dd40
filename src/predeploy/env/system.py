"""What of this machine a confined command sees: libraries, compilers, certificates; read-only."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from predeploy.env import bubblewrap
from predeploy.env.confinement import Mount

DIRECTORIES = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
"""Programs, libraries and headers; links among them stay links."""

ETC = (
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "os-release", "debian_version"),
    *("ssl/certs", "ssl/openssl.cnf", "ca-certificates", "ca-certificates.conf", "pki", "crypto-policies"),
    *("resolv.conf", "hosts", "host.conf", "gai.conf", "nsswitch.conf", "protocols", "services"),
    *(
        "localtime",
        "timezone",
        "mime.types",
        "magic",
        "fonts",
        "locale.alias",
        "ImageMagick-6",
        "ImageMagick-7",
    ),
)
"""Of /etc, what libraries read; no keys, no passwords, no configuration of the user's tools."""


@cache
def SYSTEM_MOUNTS() -> tuple[Mount, ...]:  # noqa: N802 - a constant of this machine
    """Return the mounts of this machine's own directories and files."""
    found = [Path(name) for name in DIRECTORIES if os.path.isdir(name) and not os.path.islink(name)]  # noqa: PTH112, PTH114
    found += [Path("/etc", name) for name in ETC if Path("/etc", name).exists()]
    return tuple(Mount(source=path.resolve(), target=str(path)) for path in found)


@cache
def ROOT_LINKS() -> tuple[tuple[str, str], ...]:  # noqa: N802 - a constant of this machine
    """Return the links of the root directory, such as ``/bin`` to ``usr/bin``, and one for old programs."""
    links = [(name, os.readlink(name)) for name in DIRECTORIES if os.path.islink(name)]  # noqa: PTH114, PTH115
    return (*links, ("/var/tmp", "/tmp"))  # noqa: S108 - inside, where both are the run's own


def write_identity(directory: Path, *, home: str) -> tuple[Mount, ...]:
    """Write who a confined command is into ``directory``, and return what shows it as ``/etc`` does."""
    uid, gid = bubblewrap.ids()
    directory.mkdir(exist_ok=True)
    texts = {
        "passwd": f"app:x:{uid}:{gid}:app:{home}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n",
        "group": f"app:x:{gid}:\nnogroup:x:65534:\n",
    }
    for name, text in texts.items():
        (directory / name).write_text(text, "utf-8")
    return tuple(Mount(source=directory / name, target=f"/etc/{name}") for name in texts)
