"""Where a user keeps credentials that a build may meet: index settings, proxies, netrc, git."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from predeploy.env.index import IndexSettings, Setting
from predeploy.env.secrets import Secrets
from predeploy.lazy import pattern

SIZE_LIMIT = 1024 * 1024
"""Bytes of a file of credentials; one that is larger is none."""

_NETRC = pattern(r"""\b(login|password)[ \t\n]+("[^"\n]*"|\S+)""")


def learn_credentials(secrets: Secrets, environ: Mapping[str, str], home: Path) -> None:
    """Register what a user's settings and files give away; an unreadable file gives nothing away."""
    learn_index(secrets, IndexSettings.read(environ, home))
    netrc = Path(environ["NETRC"]) if environ.get("NETRC") else home / ".netrc"
    _netrc(secrets, _read(netrc))
    secrets.urls(_read(home / ".git-credentials"))
    secrets.urls(_read(home / ".gitconfig"))


def learn_index(secrets: Secrets, index: IndexSettings) -> None:
    """Register the credentials in the settings that builds are given."""
    users = {s.name.removesuffix("_USERNAME"): s.value for s in index.uv if s.name.endswith("_USERNAME")}
    for setting in (*index.pip, *index.uv, *index.common):
        if setting.name.endswith("_PASSWORD"):
            secrets.login(users.pop(setting.name.removesuffix("_PASSWORD"), ""), setting.value)
        else:
            secrets.urls(_with_scheme(setting))
    for token in users.values():  # no password beside it: the name is one
        secrets.value(token)


def _with_scheme(setting: Setting) -> str:
    """Return the URLs of a setting; a proxy may be written without a scheme."""
    proxy = setting.name.lower().endswith("proxy") and "://" not in setting.value
    return f"http://{setting.value}" if proxy else setting.value


def _netrc(secrets: Secrets, text: str) -> None:
    login = ""
    for key, value in _NETRC.findall(text):
        bare = value.strip('"')
        if key == "login":
            login = bare
        else:
            secrets.login(login, bare)


def _read(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return os.read(descriptor, SIZE_LIMIT).decode("utf-8", "surrogateescape") if regular else ""
    except OSError:
        return ""
    finally:
        os.close(descriptor)
