"""No regular expression of ours takes more than linear time on text that an app or its tools may hold.

Every expression of the source is found by itself, and tried on long runs of its own characters and words. Time of
the process is only a watchdog: what is linear ends a thousand times earlier, what is quadratic never does.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

import pytest

import predeploy
from predeploy.lazy import _Lazy

LENGTH = 60_000
WATCHDOG_SECONDS = 4
ROOT = Path(predeploy.__file__).parent
METHODS = ("search", "match", "fullmatch", "findall", "finditer", "sub", "split")

BOUNDED: dict[str, str] = {}
"""Expressions that are not linear, each with the reason why its text is short."""


@dataclass(frozen=True)
class Expression:
    """An expression, where it stands, and how it is applied."""

    where: str
    source: str | bytes
    flags: int
    methods: tuple[str, ...]


@cache
def sources() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py"))}


def methods_of(name: str, path: Path) -> tuple[str, ...]:
    """Return the methods with which a constant is used; one that is handed on may be searched."""
    texts = [sources()[path]] if name.startswith("_") else list(sources().values())
    found = set(re.findall(rf"\b{re.escape(name)}(?:\[\w+\])?\.({'|'.join(METHODS)})\b", "\n".join(texts)))
    return tuple(sorted(found)) or ("search",)


def constants() -> Iterator[Expression]:
    for info in pkgutil.walk_packages(predeploy.__path__, "predeploy."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        path = Path(str(module.__file__))
        for name, value in vars(module).items():
            several = value.values() if isinstance(value, dict) else (value,)
            for item in several:
                where = f"{info.name.removeprefix('predeploy.')}.{name}"
                if isinstance(item, _Lazy):
                    yield Expression(where, item._source, item._flags, methods_of(name, path))
                elif isinstance(item, re.Pattern):
                    yield Expression(where, item.pattern, item.flags, methods_of(name, path))


def calls() -> Iterator[Expression]:
    for path, text in sources().items():
        tree = ast.parse(text)
        named = {
            node.value: node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            module, source = node.func.value, node.args[0]
            if not (isinstance(module, ast.Name) and module.id == "re" and isinstance(source, ast.Constant)):
                continue
            if isinstance(source.value, str | bytes):
                where = f"{path.relative_to(ROOT).with_suffix('')}:{source.value!r}".replace("/", ".")
                methods = (
                    (node.func.attr,) if node.func.attr in METHODS else methods_of(named.get(node, "_"), path)
                )
                yield Expression(where, source.value, 0, methods)


@cache
def expressions() -> tuple[Expression, ...]:
    unique = {(e.source, e.flags, e.methods): e for e in (*constants(), *calls())}
    return tuple(unique.values())


def attacks(source: str) -> Iterator[str]:
    """Yield long texts of the characters and words an expression is made of."""
    characters = sorted(set(" \t\n\"'\\/:=-_#[](){}<>@.,~^*+;!&|%$\x1b") & set(source) | set(" \ta0A_.-:=\n"))
    words = sorted(set(re.findall(r"[A-Za-z]{3,}", source)), key=len)[-6:]
    yield from (character * LENGTH for character in characters)
    for word in words:
        yield word * (LENGTH // len(word))
        yield from (word + character * LENGTH for character in characters[:12])
        yield from ((word + character) * (LENGTH // len(word)) for character in " .:/-\n")
    yield from ((f"a{character}") * (LENGTH // 2) for character in characters)
    yield from ((f" {character}") * (LENGTH // 2) for character in characters)


class Slow(Exception):  # noqa: N818 - control flow
    """The watchdog barked."""


@contextmanager
def watchdog() -> Iterator[None]:
    def bark(number: int, frame: FrameType | None) -> None:
        raise Slow

    before = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, WATCHDOG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def apply(compiled: re.Pattern[str], method: str, text: str) -> None:
    if method == "sub":
        compiled.sub("", text)
    elif method == "finditer":
        list(compiled.finditer(text))
    else:
        getattr(compiled, method)(text)


def test_all_expressions_are_found() -> None:
    assert len(expressions()) > 120
    assert set(BOUNDED) <= {expression.where for expression in expressions()}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_long_texts_are_answered(part: int) -> None:
    slow = []
    for expression in expressions()[part::8]:
        if expression.where in BOUNDED:
            continue
        binary = isinstance(expression.source, bytes)
        text = (
            expression.source.decode("latin-1") if isinstance(expression.source, bytes) else expression.source
        )
        # As text: latin-1 keeps every byte, and the searches are the same.
        compiled = re.compile(text, expression.flags & ~(re.ASCII if binary else 0))
        for method in expression.methods:
            for attack in attacks(text):
                try:
                    with watchdog():
                        apply(compiled, method, attack)
                except Slow:
                    slow.append((expression.where, method, attack[:12]))
                    break
    assert slow == []
