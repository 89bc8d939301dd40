"""Python sources, read into syntax trees in one place."""

from __future__ import annotations

import ast
import gc
import threading
import warnings

_PARSING = threading.Lock()


def syntax_tree(source: bytes | str, path: str = "<unknown>", *, minor: int | None = None) -> ast.Module:
    """Return the syntax tree of a source; ``minor`` refuses what Python 3.minor would not know.

    Raises ``SyntaxError``, ``ValueError`` for what is no text, and ``RecursionError`` or ``MemoryError`` for
    what nests deeper than Python compiles. Nothing is said of the source's own warnings.
    """
    # Until 3.11.4 code that runs amid the conversion, which only the garbage collector brings about, ends it
    # with a SystemError (CPython issue 106905). A tree is no garbage, and grows faster without.
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collecting = gc.isenabled()
        gc.disable()
        try:
            version = None if minor is None else (3, minor)
            return ast.parse(source, path, feature_version=version)
        finally:
            if collecting:
                gc.enable()
