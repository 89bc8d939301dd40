"""Syntax trees of sources."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from predeploy.app.python_source import syntax_tree


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """The garbage collections of a test, by their phases."""
    seen: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        seen.append(phase)

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


def test_no_collection_runs_amid_the_conversion(collections: list[str]) -> None:
    tree = syntax_tree(b"a[" + b"b," * 50_000 + b"]")
    assert not collections
    assert len(tree.body) == 1
    assert gc.isenabled()


def test_collection_comes_back_after_an_error() -> None:
    with pytest.raises(SyntaxError):
        syntax_tree("def (")
    assert gc.isenabled()


def test_a_collection_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        syntax_tree("x = 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_older_python_is_asked_for() -> None:
    syntax_tree("match x:\n    case 1: pass\n", minor=10)
    with pytest.raises(SyntaxError):
        syntax_tree("match x:\n    case 1: pass\n", minor=9)


def test_the_sources_own_warnings_are_not_ours() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        syntax_tree(r"x = '\d'")
