"""firebase.json: which directory holds the functions, on which runtime, and what of it is not uploaded.

Source: firebase-tools 15.28.1 (a786bda7, 2026-08-21).
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from predeploy.app.jsonfile import read_json
from predeploy.hosts.google_python import RUNTIME_FILES
from predeploy.lazy import pattern
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import upload_root

FIREBASE_JSON = "firebase.json"
CODEBASE = pattern(r"[a-z0-9_-]{1,63}")
DEFAULT_IGNORE = ("node_modules", ".git")
ALWAYS_IGNORED = ("firebase-debug.log", "firebase-debug.*.log", ".runtimeconfig.json")


def codebases(case: Case) -> tuple[dict[str, Any], ...]:
    """Return the entries of the functions section; none where there is no such section."""
    data = read_json(case.project, FIREBASE_JSON).data
    section = data.get("functions") if isinstance(data, dict) else None
    entries = section if isinstance(section, list) else [section]
    return tuple(entry for entry in entries if isinstance(entry, dict))


def codebase(case: Case) -> dict[str, Any]:
    """Return the entry that is deployed: the one the setting names, else the first."""
    wanted = case.setting("codebase")
    found = [entry for entry in codebases(case) if wanted is None or _name(entry) == wanted]
    return found[0] if found else {}


def _name(entry: dict[str, Any]) -> str:
    name = entry.get("codebase", "default")
    return name if isinstance(name, str) else ""


def config_problem(case: Case) -> Evidence | None:
    """Return what the deploy command refuses in firebase.json; ``None`` as well when it is not there."""
    if not case.project.is_file(FIREBASE_JSON):
        return None
    read = read_json(case.project, FIREBASE_JSON)
    if read.problem is not None:
        return Evidence(path=FIREBASE_JSON, line=read.problem.line, text=read.problem.reason)
    entries, wanted = codebases(case), case.setting("codebase")
    if not entries:
        return _at(case, "functions", "has no section called functions")
    if wanted is not None and not codebase(case):
        return _at(case, "functions", f"has no codebase {wanted!r}")
    for entry in entries:
        if not CODEBASE.fullmatch(_name(entry)):
            text = "a codebase is 1 to 63 characters of lower case letters, digits, - and _"
            return _at(case, "codebase", text)
        if (_text(entry, "source") is None) is not bool(entry.get("remoteSource")):
            return _at(case, "functions", "wants exactly one of source and remoteSource")
    return None


def _text(entry: dict[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value else None


def _at(case: Case, key: str, text: str) -> Evidence:
    """Return a place in firebase.json: the first line that has the key."""
    lines = case.project.read(FIREBASE_JSON).decode("utf-8", "replace").splitlines()
    sought = re.compile(rf'"{re.escape(key)}"\s*:')
    number = next((n for n, line in enumerate(lines, start=1) if sought.search(line)), 1)
    return Evidence(path=FIREBASE_JSON, line=number, text=text)


def source_directory(case: Case) -> str:
    """Return the directory of the functions, relative to the app; empty for the app itself."""
    given = _text(codebase(case), "source")
    path = posixpath.normpath(given) if given else "."
    return "" if path == "." or path.startswith(("..", "/")) else path


def source_place(case: Case) -> Evidence:
    """Return where firebase.json names the directory."""
    return _at(case, "source", source_directory(case))


def outside(case: Case) -> bool:
    """Return whether the source lies in another repository or outside of the app, where we do not look."""
    entry = codebase(case)
    given = _text(entry, "source")
    if given is None:
        return bool(entry.get("remoteSource"))
    return posixpath.normpath(given).startswith(("..", "/"))


@upload_root("firebase.source")
def source(case: Case) -> tuple[str, tuple[str, ...]]:
    """Return the functions' directory, and what is left out of it: the codebase's list, else the default."""
    given = codebase(case).get("ignore")
    own = [item for item in given if isinstance(item, str)] if isinstance(given, list) else DEFAULT_IGNORE
    return source_directory(case), (*own, *ALWAYS_IGNORED)


def _runtime(case: Case) -> Evidence | None:
    given = _text(codebase(case), "runtime")
    return _at(case, "runtime", given) if given else None


RUNTIME_FILES[FIREBASE_JSON] = _runtime
