from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predeploy.app.jsonfile import read_json
from predeploy.app.pipfile import read_pipfile, read_pipfile_lock
from predeploy.app.pyproject import read_pyproject
from predeploy.app.toml import key_line, read_toml
from predeploy.app.tree import Tree


def problem(files: dict[str, bytes | str | None], kind: str = "toml") -> tuple[int | None, str]:
    found = read_toml(Tree.of(files), "f") if kind == "toml" else read_json(Tree.of(files), "f")
    assert found.problem is not None
    assert not found.data
    return found.problem.line, found.problem.reason


# --- JSON


def test_json() -> None:
    tree = Tree.of({"f": b'\xef\xbb\xbf{"a": 1, "a": [2]}'})
    assert read_json(tree, "f").data == {"a": [2]}
    assert read_json(tree, "f").problem is None


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "is empty"),
        (b" \n", 1, "is empty"),
        (b'{\n "a": 1,\n}', 2, "is not JSON: "),
        (b"[" * 200_000, None, "nests deeper than we read"),
        (b"9" * 10_000, None, "holds a number longer than we read"),
        (b"\xff", None, "is not UTF-8"),
        (None, None, "permission denied"),
    ],
)
def test_bad_json(data: bytes | None, line: int | None, reason: str) -> None:
    found = problem({"f": data}, "json")
    assert found[1].startswith(reason)
    if not reason.startswith("is not JSON"):
        assert found[0] == line


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text(alphabet='{}[]":,01eE.-\n ').map(str.encode)))
def test_json_never_fails(data: bytes) -> None:
    read_json(Tree.of({"f": data}), "f")


# --- TOML


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        ("a = 1\nb = \n", 2, "is not TOML: invalid value (column 5)"),
        ("a = 1\n[t", 2, "is not TOML: "),
        (b"a = 1\nb = '\xe9'\n", 2, "is not UTF-8"),
        ("a = " + "[" * 100_000, None, "nests deeper than we read"),
        ("a." * 5_000 + "b = 1", None, "has a key with more parts than we read"),
        ("a = " + "9" * 10_000, None, "holds a number longer than we read"),
        (None, None, "permission denied"),
    ],
)
def test_bad_toml(data: bytes | str | None, line: int | None, reason: str) -> None:
    found = problem({"f": data})
    assert found[0] == line
    assert found[1].startswith(reason)


def test_toml_byte_order_mark_is_said() -> None:
    found = read_toml(Tree.of({"f": b"\xef\xbb\xbfa = 1"}), "f")
    assert (found.data, found.bom) == ({"a": 1}, True)


TOML = '''\
# [project]
top = 1
[project] # the table
name = "x"
"quoted.key" = 2
text = """
dependencies = ["no"]
[tool.poetry]
"""
dependencies = [
  "flask", # requires-python = "no"
  "[odd]", 'requests>=2',
  "flask",
]
requires-python = ">=3.11"
urls.home = { a = 1, b = [2,
 3] }
[tool.poetry.dependencies]
python = "^3.12"
'Odd Name' = {version = "1"}
[[tool.poetry.source]]
name = "pypi"
'''


def test_key_line() -> None:
    tomllib.loads(TOML)
    expected = {
        ("top",): 2,
        ("project",): 3,
        ("project", "name"): 4,
        ("project", "quoted.key"): 5,
        ("project", "dependencies"): 10,
        ("project", "requires-python"): 15,
        ("project", "urls"): 16,
        ("project", "urls", "home"): 16,
        ("tool", "poetry"): 18,
        ("tool", "poetry", "dependencies", "python"): 19,
        ("tool", "poetry", "dependencies", "Odd Name"): 20,
        ("tool", "poetry", "source", "name"): 22,
        ("tool", "black"): None,
    }
    assert {path: key_line(TOML, path) for path in expected} == expected


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["a", ".", "=", "[", "]", '"', '"""', "'", "'''", "\n", "#", "{", "}", "\\", "1"])
    )
)
def test_toml_never_fails(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = read_toml(Tree.of({"f": text}), "f")
    key_line(text, ("a",))
    for key in found.data:
        assert found.line(key) is not None


@settings(deadline=None)
@given(st.binary())
def test_toml_never_fails_on_bytes(data: bytes) -> None:
    read_toml(Tree.of({"f": data}), "f")


# --- pyproject.toml


def test_pyproject() -> None:
    found = read_pyproject(Tree.of({"pyproject.toml": TOML}))
    assert (found.exists, found.problem) == (True, None)
    assert [(d.text, d.name, d.line) for d in found.dependencies] == [
        ("flask", "flask", 11),
        ("[odd]", None, 12),
        ("requests>=2", "requests", 12),
        ("flask", "flask", 13),
    ]
    assert found.names() == {"flask", "requests"}
    assert found.dependencies[1].problem
    assert found.requires_python == ">=3.11"
    assert found.poetry_python == "^3.12"
    assert found.poetry_dependencies == {"odd name"}
    assert found.has_table("tool", "poetry")
    assert not found.has_table("tool", "poetry", "source")
    assert found.line("tool", "poetry", "dependencies", "python") == 19


def test_pyproject_groups_and_scripts() -> None:
    text = """\
[build-system]
build-backend = "hatchling.build"
[project]
scripts = {run = "a:b", bad = 1}
[project.optional-dependencies]
dev = ["pytest", 3]
[dependency-groups]
test = ["coverage",
  {include-group = "dev"}]
[tool.poetry]
scripts = {p = "q:r"}
dev-dependencies = {Black = "*"}
[tool.poetry.group.docs.dependencies]
sphinx = "*"
"""
    found = read_pyproject(Tree.of({"pyproject.toml": text}))
    assert found.build_backend == "hatchling.build"
    assert (found.scripts, found.poetry_scripts) == ({"run": "a:b"}, {"p": "q:r"})
    assert {k: [(d.name, d.line) for d in v] for k, v in found.optional_dependencies.items()} == {
        "dev": [("pytest", 6)]
    }
    assert {k: [(d.name, d.line) for d in v] for k, v in found.dependency_groups.items()} == {
        "test": [("coverage", 8)]
    }
    assert found.poetry_groups == {"docs": {"sphinx"}, "dev": {"black"}}
    assert found.tool("poetry", "scripts") == {"p": "q:r"}


@pytest.mark.parametrize("value", ["1", "[]", '"x"', "[[1]]", "{dependencies = {a = 1}}"])
def test_pyproject_of_wrong_types_counts_as_absent(value: str) -> None:
    found = read_pyproject(Tree.of({"pyproject.toml": f"project = {value}\ntool = {value}\n"}))
    assert (found.dependencies, found.optional_dependencies, found.dependency_groups) == ((), {}, {})
    assert (found.scripts, found.poetry_groups, found.build_backend, found.requires_python) == (
        {},
        {},
        None,
        None,
    )
    assert found.poetry_dependencies == frozenset()


def test_pyproject_absent_and_broken() -> None:
    assert read_pyproject(Tree.of({})).exists is False
    found = read_pyproject(Tree.of({"pyproject.toml": "[project"}))
    assert found.exists
    assert found.problem is not None
    assert found.dependencies == ()


# --- Pipfile


def test_pipfile() -> None:
    text = """\
[packages]
Flask = "*"
"zope.interface" = {version = ">=5", markers = "python_version < '4'"}
odd = 3
[packages.mine]
git = "https://example.org/mine"
[dev-packages]
pytest = ""
[requires]
python_version = "3.12"
"""
    found = read_pipfile(Tree.of({"Pipfile": text}))
    assert [(p.name, p.spec, p.line, p.url, p.marker) for p in found.packages] == [
        ("flask", "*", 2, None, None),
        ("zope-interface", ">=5", 3, None, "python_version < '4'"),
        ("mine", "*", 5, "https://example.org/mine", None),
    ]
    assert [(p.name, p.spec) for p in found.dev_packages] == [("pytest", "*")]
    assert (found.python_version, found.python_full_version, found.requires_line) == ("3.12", None, 10)
    assert [p.reason for p in found.problems] == ["has a packages.odd that is not a string or a table"]
    assert found.names() == {"flask", "zope-interface", "mine"}


def test_pipfile_lock() -> None:
    text = """{"_meta": {"hash": {"sha256": "ab"},
        "requires": {"python_full_version": "3.12.1", "python_version": 3}},
    "default": {"flask": {"version": "==3.0", "hashes": []}}, "develop": []}"""
    found = read_pipfile_lock(Tree.of({"Pipfile.lock": text}))
    assert [(p.name, p.spec) for p in found.packages] == [("flask", "==3.0")]
    assert (found.python_version, found.python_full_version, found.content_hash) == (None, "3.12.1", "ab")
    assert [p.reason for p in found.problems] == [
        "has a develop that is not a table",
        "has a python_version that is not a string",
    ]


def test_pipfile_absent_and_broken() -> None:
    assert not read_pipfile(Tree.of({})).exists
    assert not read_pipfile_lock(Tree.of({})).exists
    assert read_pipfile(Tree.of({"Pipfile": "[packages"})).problems[0].line == 1
    assert read_pipfile_lock(Tree.of({"Pipfile.lock": "[]"})).problems[0].reason == "is not a JSON object"
    assert read_pipfile_lock(Tree.of({"Pipfile.lock": ""})).problems[0].reason == "is empty"
