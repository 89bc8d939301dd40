"""Parsed profiles kept by content, so that YAML and validation cost nothing the second time.

A cache file is a digest followed by a pickle of our own dataclasses. It lies in the user's cache directory,
which is trusted as much as the bytecode Python keeps beside it; the digest finds truncation and bit rot.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from predeploy import __version__
from predeploy.model.profile import Profile


def content_key(contents: Iterable[bytes]) -> str:
    """Return the key of a profile made of these files, for this version of predeploy and Python."""
    digest = hashlib.sha256(f"{__version__} {sys.version_info[:2]}".encode())
    digest.update(_shape().encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:32]


def _shape() -> str:
    """Return the fields of the models, so that a development checkout never reads an older pickle."""
    from predeploy.model import conditions, profile

    names = []
    for module in (profile, conditions):
        for name, model in sorted(vars(module).items()):
            if isinstance(model, type) and hasattr(model, "__dataclass_fields__"):
                names.append(f"{name}({','.join(field.name for field in fields(model))})")
    return ";".join(names)


def load(directory: Path, key: str) -> Profile | None:
    """Return a cached profile; ``None`` when there is none or it is damaged."""
    try:
        data = (directory / f"{key}.profile").read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        profile = pickle.loads(data[32:])  # noqa: S301 - see the module's docstring
    except Exception:  # noqa: BLE001 - whatever a stale pickle raises, the YAML is at hand
        return None
    return profile if isinstance(profile, Profile) else None


def store(directory: Path, key: str, profile: Profile) -> None:
    """Keep a profile; a directory that cannot be written costs only time, so nothing is said."""
    payload = pickle.dumps(profile, protocol=5)
    temporary = directory / f".{key}.{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
        temporary.replace(directory / f"{key}.profile")
    except OSError:
        with suppress(OSError):
            temporary.unlink()
