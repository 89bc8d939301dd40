from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predeploy.app import imports
from predeploy.app.environment_names import missing, names_in_environment
from predeploy.app.imports import Reached, closure, executed, local_modules, scan_imports
from predeploy.app.tree import Tree

SOURCE = '''\
"""Doc."""
import os, a.b.c
from ..pkg import x as y
from . import *
try:
    import guarded
except (ValueError, ImportError):
    import fallback
else:
    import after
finally:
    import last
try:
    import raising
except ImportError as error:
    raise SystemExit from error
try:
    import unguarded
except ValueError:
    pass
if TYPE_CHECKING:
    import typed
else:
    import runtime
if not typing.TYPE_CHECKING:
    import also_runtime
if sys.version_info < (3, 11):
    import tomli
with contextlib.suppress(ImportError):
    import suppressed
with open("x") as f:
    import inside_with
class C:
    import in_class
    def method(self):
        import in_method
async def f():
    from z import q
for _ in ():
    import looped
match 1:
    case 1:
        import matched
'''


def test_scan() -> None:
    found = scan_imports(SOURCE.encode(), "m.py")
    assert found.problem is None
    by_name = {item.module: item for item in found.imports}
    assert [item.line for item in found.imports] == sorted(item.line for item in found.imports)
    assert {name for name, item in by_name.items() if item.always_runs} == {
        "os", "a.b.c", "pkg", "", "last", "raising", "unguarded", "runtime", "also_runtime",
        "inside_with", "in_class",
    }  # fmt: skip
    assert {name for name, item in by_name.items() if item.guarded} == {
        "guarded",
        "fallback",
        "after",
        "typed",
        "suppressed",
    }
    assert {name for name, item in by_name.items() if not item.top_level} == {"in_method", "z"}
    assert {name for name, item in by_name.items() if item.conditional} == {
        "fallback",
        "tomli",
        "looped",
        "matched",
    }
    assert (by_name["pkg"].level, by_name["pkg"].names) == (2, ("x",))
    assert (by_name[""].level, by_name[""].names) == (1, ())


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (b"a = 1\nimport (\n", 2),
        (b"print 'x'\n", 1),
        (b"\xff\n", 1),
        (b"# coding: nonsense\n", None),
        (b"x = 1\n\0", None),
        (b"x" * (2 * 1024 * 1024 + 1), None),
        (b"x = " + b"(" * 10_000, None),
        (b"x = " + b"-" * 100_000 + b"1", None),
        (b"x = a" + b".a" * 100_000, None),
        (b"x = 1" + b"+1" * 100_000, None),
    ],
)
def test_what_does_not_compile_is_a_problem(source: bytes, line: int | None) -> None:
    found = scan_imports(source, "m.py")
    assert found.problem is not None
    assert found.imports == ()
    if line is not None:
        assert found.problem.line == line


def test_warnings_do_not_leak() -> None:
    assert scan_imports(b"x = '\\d' is 1\nimport a\n", "m.py").imports[0].module == "a"


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "replace"))))
def test_scan_never_fails(source: bytes) -> None:
    scan_imports(source, "m.py")


TREE: dict[str, str | bytes | None] = {
    "app.py": "import pkg.mod, flask\nfrom pkg import sub, attr\nimport single\nfrom ns import inner\n",
    "pkg/__init__.py": "from . import rel\n",
    "pkg/mod.py": "from .deep.er import thing\nfrom .. import beyond\n",
    "pkg/sub.py": "def f():\n    import lazy\n",
    "pkg/rel.py": "",
    "pkg/deep/__init__.py": "",
    "pkg/deep/er.py": "from ..unused import x\n",
    "pkg/unused.py": "",
    "single.py": "try:\n    import optional\nexcept ImportError:\n    pass\n",
    "lazy.py": "import missing_lazily\n",
    "optional.py": "",
    "ns/inner.py": "import app\n",
    "never.py": "",
    "data/x.csv": "",
    "ext.cpython-313-x86_64-linux-gnu.so": b"",
}


def test_local_modules() -> None:
    tree = Tree.of(
        {**TREE, "pkg.py": "", "src/pkg/__init__.py": "", "src/other.py": "", "src/ns.py": "", "a-b.py": ""}
    )
    found = local_modules(tree, ("", "src"))
    assert found["pkg"] == "pkg"
    assert found["ns"] == "src/ns.py"
    assert found["other"] == "src/other.py"
    assert found["ext"].startswith("ext.")
    assert "data" not in found
    assert "a-b" not in found


def test_executed() -> None:
    tree = Tree.of({**TREE, "src/ns/__init__.py": "", "src/ns/inner.py": ""})
    assert executed(tree, "pkg.deep.er") == ("pkg/__init__.py", "pkg/deep/__init__.py", "pkg/deep/er.py")
    assert executed(tree, "ns.inner") == ("ns/inner.py",)
    assert executed(tree, "ns.inner", ("", "src")) == ("src/ns/__init__.py", "src/ns/inner.py")
    assert executed(tree, "pkg.none") == ("pkg/__init__.py",)
    assert executed(tree, "none") == ()


def test_closure() -> None:
    found = closure(Tree.of(TREE), ("app.py",))
    assert {item.path: item.certain for item in found} == {
        "app.py": True,
        "pkg/__init__.py": True,
        "pkg/mod.py": True,
        "pkg/sub.py": True,
        "pkg/rel.py": True,
        "pkg/deep/__init__.py": True,
        "pkg/deep/er.py": True,
        "pkg/unused.py": True,
        "single.py": True,
        "ns/inner.py": True,
        "optional.py": False,
        "lazy.py": False,
    }


def test_closure_of_absent_and_broken_files(monkeypatch: pytest.MonkeyPatch) -> None:
    found = closure(Tree.of({"a.py": "import b", "b.py": "("}), ("a.py", "gone.py"))
    assert [(item.path, bool(item.problem)) for item in found] == [
        ("a.py", False),
        ("gone.py", True),
        ("b.py", True),
    ]
    monkeypatch.setattr(imports, "FILE_LIMIT", 1)
    assert len(closure(Tree.of(TREE), ("app.py",))) == 1
    monkeypatch.setattr(imports, "TOTAL_LIMIT", 1)
    assert closure(Tree.of(TREE), ("app.py",))[0].problem is not None


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site-packages"
    files = {
        "flask/__init__.py": "",
        "six.py": "",
        "fast.cpython-313-x86_64-linux-gnu.so": "",
        "old.abi3.so": "",
        "google/auth/__init__.py": "",
        "google/cloud/core/__init__.py": "",
        "google/cloud/one.py": "",
        "zope/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
        "zope/interface/__init__.py": "",
        "flask-3.dist-info/METADATA": "",
        "__pycache__/x.pyc": "",
        "extra.pth": f"# c\nimport x\n{tmp_path / 'src'}\n../relative\n",
        "__editable___thing_1_finder.py": "MAPPING: dict[str, str] = {'thing': '/x', 'many.parts': '/y'}\n",
        "_editable_impl_hat.py": "F.map_module('hatched', '/src/hatched/__init__.py')\n",
        "../src/mine/__init__.py": "",
        "../relative/near.py": "",
    }
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return site


def test_names_in_environment(site: Path) -> None:
    assert names_in_environment((site, site / "absent")) == {
        "flask", "six", "fast", "old", "google", "zope", "mine", "near", "thing", "many", "hatched",
        "__editable___thing_1_finder", "_editable_impl_hat",
    }  # fmt: skip


def check(site: Path, source: str, *, certain: bool = True) -> list[tuple[str, int, bool]]:
    scan = scan_imports(dedent(source).encode(), "app.py")
    found = missing(
        (Reached(path="app.py", imports=scan.imports, certain=certain),),
        stdlib=frozenset(sys.stdlib_module_names),
        environment=names_in_environment((site,)),
        local={"local": "local.py"},
        site_packages=(site,),
    )
    return [(item.module, item.line, item.certain) for item in found]


@pytest.mark.parametrize(
    "source",
    [
        "import os.path, flask.anything, local.x, six, fast, mine, near, thing, hatched.y, many.parts.z",
        "from __future__ import annotations",
        "import __main__",
        "from . import gone\nfrom .gone import x",
        "import google.auth.transport, google.cloud.core\nfrom google.cloud import core, one",
        "from google.auth import x",
        "import zope.interface",
    ],
)
def test_nothing_missing(site: Path, source: str) -> None:
    assert check(site, source) == []


def test_missing(site: Path) -> None:
    source = """\
    import requests.adapters
    def f():
        import lazy
        import requests
    import lazy
    try:
        import guarded
    except ImportError:
        guarded = None
    import google.cloud.storage.client
    from google.cloud import storage, bigquery, core
    import google.api
    from zope import component
    """
    assert check(site, source) == [
        ("requests", 1, True),
        ("lazy", 5, True),
        ("guarded", 7, False),
        ("google.cloud.storage", 10, True),
        ("google.cloud.bigquery", 11, True),
        ("google.api", 12, True),
        ("zope.component", 13, True),
    ]
    assert check(site, "import gone", certain=False) == [("gone", 1, False)]


def test_without_site_packages_only_top_levels_are_compared() -> None:
    scan = scan_imports(b"import a.b\nimport c\n", "app.py")
    found = missing(
        (Reached(path="app.py", imports=scan.imports),),
        stdlib=frozenset(),
        environment=frozenset({"a"}),
        local=frozenset(),
    )
    assert [item.module for item in found] == ["c"]
