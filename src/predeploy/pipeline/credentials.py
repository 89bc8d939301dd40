"""What a build may print of the user's and the app's credentials, registered before anything runs."""

from __future__ import annotations

from contextlib import suppress

from predeploy.app.tree import Tree, Unreadable
from predeploy.env.credentials import learn_credentials
from predeploy.pipeline.source import AppSource
from predeploy.settings import RunRequest

FILE_LIMIT = 300
"""Files of an app that are looked at; its manifests lie in few directories near the root."""
SIZE_LIMIT = 8 * 1024 * 1024
"""Bytes of one."""
DEPTH = 2

_NAMES = frozenset({"Pipfile", "Procfile", ".netrc", ".npmrc", ".yarnrc", ".gitmodules", ".env", "pip.conf"})
_SUFFIXES = (".txt", ".in", ".toml", ".lock", ".cfg", ".ini", ".conf", ".yml", ".yaml", ".json", ".sh", "rc")
_SKIPPED = frozenset({"node_modules", "venv", ".venv", "__pycache__"})


def learn(request: RunRequest, source: AppSource) -> None:
    """Register the credentials of the user's index settings and of the app's manifests.

    The app's files are registered by the tree when it reads them; here those are read that only a tool would
    read, such as lock files and git's own configuration with the remotes.
    """
    learn_credentials(request.secrets, request.environ, request.home)
    tree = source.everything
    for path in (*_manifests(tree), ".git/config"):
        with suppress(Unreadable):
            tree.read(path)


def _manifests(tree: Tree) -> list[str]:
    found: list[str] = []
    level = [""]
    for _ in range(DEPTH + 1):
        below: list[str] = []
        for directory in level:
            for name in tree.names(directory):
                path = f"{directory}/{name}" if directory else name
                entry = tree.entry(path)
                if entry is None or len(found) >= FILE_LIMIT:
                    continue
                if entry.kind == "dir" and not name.startswith(".git") and name not in _SKIPPED:
                    below.append(path)
                elif entry.kind == "file" and entry.size <= SIZE_LIMIT and _may_hold(name):
                    found.append(path)
        level = below[:FILE_LIMIT]
    return found


def _may_hold(name: str) -> bool:
    return name in _NAMES or name.endswith(_SUFFIXES)
