"""A lazy pattern behaves like the compiled one."""

from __future__ import annotations

import re

import pytest

from predeploy.lazy import pattern


def test_it_matches_like_the_compiled_pattern() -> None:
    lazy = pattern(r"(\d+)-(?P<word>[a-z]+)", re.IGNORECASE)
    match = lazy.fullmatch("12-AB")
    assert match is not None
    assert match["word"] == "AB"
    assert lazy.sub("x", "1-a 2-b") == "x x"
    assert lazy.pattern == r"(\d+)-(?P<word>[a-z]+)"


def test_a_wrong_expression_is_noticed_when_it_is_used() -> None:
    lazy = pattern("(")
    with pytest.raises(re.error):
        lazy.match("x")


def test_every_lazy_pattern_of_the_package_compiles() -> None:
    import importlib
    import pkgutil

    import predeploy

    for module in pkgutil.walk_packages(predeploy.__path__, "predeploy."):
        if module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if type(value).__name__ == "_Lazy":
                assert value.pattern is not None
