"""Streamlit Community Cloud: what the app's own sources say that goes wrong on the host; nothing is run."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterator
from itertools import islice
from typing import Literal

from predeploy.app.imports import closure
from predeploy.app.python_source import syntax_tree
from predeploy.app.tree import Unreadable
from predeploy.hosts.streamlit_selection import entrypoint
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.record import positional
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

STARTERS = frozenset({"system", "popen", "run", "call", "Popen", "check_call", "check_output", "getoutput"})
"""Functions of ``os`` and ``subprocess`` that start a program."""

READERS = frozenset(
    {
        *("open", "read_csv", "read_excel", "read_json", "read_parquet", "read_pickle", "read_feather"),
        *("read_table", "read_file", "imread", "loadtxt", "genfromtxt", "load_model", "from_file"),
        *("image", "logo", "audio", "video", "set_page_config"),
    }
)
"""Functions that open the file their first argument names."""

_METHODS = frozenset({"get", "to_dict", "keys", "items", "values", "load_if_toml_exists", "has_key", "copy"})
_OTHER_PYTHON = pattern(r"(?:python|pip|streamlit)[\d.]*(?:\s.*)?")
_FOREIGN = pattern(r"[A-Za-z]:[\\/].*|/(?:Users|home)/.*")
_FILE = pattern(r"[^\n\r\t:*?\"<>|]{0,200}\.\w{1,8}")


REMARK_LIMIT = 1000
"""Remarks kept of an app; a person would not look at more."""


@positional
class Remark:
    """One thing a source file says."""

    kind: Literal["secret", "program", "file"]
    text: str
    path: str
    line: int

    def place(self) -> Evidence:
        """Return where it stands."""
        return Evidence(path=self.path, line=self.line, text=self.text)


def remarks(case: Case, kind: str) -> list[Remark]:
    """Return what the entrypoint and the app's modules that it imports say, each file read once."""
    found = case.once("streamlit.code", lambda: list(islice(_read(case), REMARK_LIMIT)))
    return [remark for remark in found if remark.kind == kind]


def _read(case: Case) -> Iterator[Remark]:
    path = entrypoint(case).path
    if path is None:
        return
    reached = case.once("streamlit.closure", lambda: closure(case.tree, (path,), (posixpath.dirname(path),)))
    for file in reached:
        if file.problem is not None:
            continue
        try:
            module = syntax_tree(case.tree.read(file.path))
        except (Unreadable, SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        yield from _Reader(file.path, module).remarks()


class _Reader:
    """The remarks of one file."""

    def __init__(self, path: str, module: ast.Module) -> None:
        self.path = path
        self.nodes = list(ast.walk(module))
        self.names, self.secrets = self._streamlit()

    def _streamlit(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return what the file calls streamlit, and what it calls its secrets."""
        names, secrets = set(), set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                names |= {alias.asname or alias.name for alias in node.names if alias.name == "streamlit"}
            elif isinstance(node, ast.ImportFrom) and node.module == "streamlit":
                secrets |= {alias.asname or alias.name for alias in node.names if alias.name == "secrets"}
        return frozenset(names), frozenset(secrets)

    def remarks(self) -> Iterator[Remark]:
        """Yield what the file says, in no order."""
        for node in self.nodes:
            text = self._secret(node)
            if text is not None:
                yield self._remark("secret", text, node)
            if isinstance(node, ast.Call):
                yield from self._called(node)

    def _remark(self, kind: Literal["secret", "program", "file"], text: str, node: ast.AST) -> Remark:
        return Remark(kind, text[:200], self.path, getattr(node, "lineno", 1))

    def _secret(self, node: ast.AST) -> str | None:
        """Return the name of the secret that an expression reads."""
        if isinstance(node, ast.Subscript) and self._is_secrets(node.value):
            return _text(node.slice)
        if isinstance(node, ast.Attribute) and self._is_secrets(node.value):
            return node.attr if node.attr not in _METHODS else None
        return None

    def _is_secrets(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self.secrets
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "secrets"
            and isinstance(node.value, ast.Name)
            and node.value.id in self.names
        )

    def _called(self, node: ast.Call) -> Iterator[Remark]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if not node.args:
            return
        first = node.args[0]
        if name in STARTERS and isinstance(node.func, ast.Attribute):
            words = first.elts[0] if isinstance(first, (ast.List, ast.Tuple)) and first.elts else first
            text = _text(words)
            if text and _OTHER_PYTHON.fullmatch(text):
                yield self._remark("program", text, node)
        elif name in READERS and not _writes(node):
            text = _text(first)
            if text and (_FILE.fullmatch(text) or _FOREIGN.fullmatch(text)):
                yield self._remark("file", text, node)


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _writes(node: ast.Call) -> bool:
    modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
    return any(set(_text(mode) or "") & set("wax") for mode in modes)


# --- what rules ask ---------------------------------------------------------------------------------


def secret_names(case: Case) -> str:
    """Return the secrets that the app reads, one after the other, empty when none can be seen."""
    return ", ".join(dict.fromkeys(remark.text for remark in remarks(case, "secret")))


@predicate("streamlit.reads_secrets")
def reads_secrets(case: Case) -> Outcome:
    """Match when the app reads secrets, which the host has only when they were pasted into its form."""
    found = remarks(case, "secret")
    if not found or case.tree.is_file(".streamlit/secrets.toml") or case.setting("secrets"):
        return matched(False)
    return Match(tuple(remark.place() for remark in found), secret_names(case))


@predicate("streamlit.starts_python")
def starts_python(case: Case) -> Outcome:
    """Match when the app starts a Python by its name, which is not the app's own on the host."""
    found = remarks(case, "program")
    return matched(bool(found), *(remark.place() for remark in found))


@predicate("streamlit.path_misses")
def path_misses(case: Case) -> Outcome:
    """Match when a path in the app's code leads nowhere on the host, and it can be told what was meant."""
    hits = [(remark, why) for remark in remarks(case, "file") if (why := _why_missed(case, remark.text))]
    detail = ", ".join(f"{remark.path}:{remark.line} {remark.text} ({why})" for remark, why in hits[:5])
    return matched(bool(hits), *(remark.place() for remark, _ in hits), detail=detail)


def _why_missed(case: Case, text: str) -> str | None:
    if _FOREIGN.fullmatch(text):
        return "a path of another machine"
    path = posixpath.normpath(text)
    if posixpath.isabs(path) or path.startswith("..") or case.tree.entry(path) is not None:
        return None
    directory = posixpath.dirname(entrypoint(case).path or "")
    beside = posixpath.join(directory, path)
    if directory and case.tree.is_file(beside):
        return f"there is {beside}"
    forward = posixpath.normpath(text.replace("\\", "/"))
    if forward != path and case.tree.is_file(forward):
        return f"there is {forward}"
    folded = posixpath.join(posixpath.dirname(path), "")
    names = case.tree.names(folded.rstrip("/"))
    near = next((name for name in names if name.lower() == posixpath.basename(path).lower()), None)
    return f"there is {folded}{near}" if near else None
