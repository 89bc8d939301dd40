"""Every parser of the app's files answers for any bytes: with a value, never with an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile.mutations import FRAGMENTS, contents
from predeploy.app.ignore import GitTracked, IgnorePolicy, expand_includes
from predeploy.app.imports import closure, scan_imports
from predeploy.app.jsonfile import read_json
from predeploy.app.marked_yaml import NODE_LIMIT, YamlProblem, load_marked
from predeploy.app.pipfile import read_pipfile, read_pipfile_lock
from predeploy.app.procfile import parse_procfile
from predeploy.app.pyproject import read_pyproject
from predeploy.app.requirement import parse_editable, parse_line, parse_requirement
from predeploy.app.requirements import logical_lines, parse_options, read_requirements
from predeploy.app.text import Problem, decode, lines_of
from predeploy.app.toml import read_toml
from predeploy.app.tree import Tree

TEXT = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from([piece.decode("utf-8", "replace") for piece in FRAGMENTS]), max_size=15).map(
        "".join
    ),
)


def sound(problems: tuple[Problem, ...], data: bytes) -> None:
    """Every problem says something, about a line that is there."""
    last = max(data.count(b"\n"), len(decode(data).text.splitlines())) + 1
    for problem in problems:
        assert problem.reason
        assert "\n" not in problem.reason
        assert problem.line is None or 1 <= problem.line <= last


@given(contents("requirements.txt", ".in", "constraints.txt"))
def test_requirements(data: bytes) -> None:
    found = read_requirements(Tree.of({"requirements.txt": data, "a/b.txt": data}), "requirements.txt")
    sound(tuple(p for p in found.problems if p.path == "requirements.txt"), data)
    assert all(line.path in found.files for line in found.lines)
    found.names()


@given(TEXT)
def test_requirement_lines_and_options(text: str) -> None:
    tree = Tree.of({"setup.py": "", "d/pyproject.toml": ""})
    for parse in (
        parse_requirement,
        lambda line: parse_line(tree, line),
        lambda line: parse_editable(tree, line),
    ):
        found = parse(text)
        assert found.problem is None or found.problem
    assert sum(1 for _ in logical_lines(text)) <= len(text) + 1
    try:
        parse_options(text.split())
    except Exception as error:  # noqa: BLE001 - its name is the module's own
        assert type(error).__name__ == "_BadOption"  # noqa: PT017


@given(contents(".toml", "Pipfile", "poetry.lock", "uv.lock"))
def test_toml(data: bytes) -> None:
    tree = Tree.of({"pyproject.toml": data, "Pipfile": data})
    file = read_toml(tree, "pyproject.toml")
    assert file.problem is None or not file.data
    sound((file.problem,) if file.problem else (), data)
    for key in list(file.data)[:5]:
        line = file.line(key)
        assert line is None or line >= 1
    project = read_pyproject(tree)
    _ = (
        project.dependencies,
        project.optional_dependencies,
        project.dependency_groups,
        project.poetry_groups,
    )
    _ = (
        project.names(),
        project.scripts,
        project.poetry_dependencies,
        project.requires_python,
        project.build_backend,
    )
    read_pipfile(tree).names()


@given(contents("Pipfile.lock", ".json"))
def test_json(data: bytes) -> None:
    tree = Tree.of({"Pipfile.lock": data})
    file = read_json(tree, "Pipfile.lock")
    sound((file.problem,) if file.problem else (), data)
    read_pipfile_lock(tree).names()


@given(contents(".yaml", ".yml"), st.booleans())
def test_yaml(data: bytes, strict: bool) -> None:
    text = data.decode("utf-8", "replace")
    try:
        found = load_marked(text, strict=strict)
    except YamlProblem as error:
        problem = error
    else:
        assert size(found.data) <= NODE_LIMIT
        return
    assert problem.reason
    assert problem.line >= 1


def size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(size(item) for item in value.values())
    return 1 + sum(map(size, value)) if isinstance(value, list) else 1


@given(contents("Procfile"))
def test_procfile(data: bytes) -> None:
    text = decode(data).text
    found = parse_procfile(text)
    sound(found.problems, data)
    assert len(found.processes) <= len(lines_of(text))


@given(
    TEXT,
    st.lists(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=30), max_size=5
    ),
)
def test_ignore_patterns(text: str, paths: list[str]) -> None:
    for negation in (True, False):
        policy = IgnorePolicy(text.splitlines(), negation=negation)
        for path in paths:
            assert policy.keeps(path, directory=False) in (True, False)
            assert policy.keeps(path, directory=True) in (True, False)
    assert len(expand_includes(text.splitlines(), lambda _: text)) < 100_000
    GitTracked(text.encode("utf-8", "surrogatepass")).keeps("a/b", directory=False)


@given(contents(".py"))
def test_imports(data: bytes) -> None:
    found = scan_imports(data, "main.py")
    sound((found.problem,) if found.problem else (), data)
    tree = Tree.of({"main.py": data, "a/__init__.py": data, "x.py": b"import main"})
    assert len(closure(tree, ("main.py", "absent.py"))) <= 4


@given(st.binary(max_size=300))
def test_any_bytes_are_text_of_some_kind(data: bytes) -> None:
    found = decode(data)
    assert found.encoding
    assert len(found.text) <= max(len(data), 1)


BOMBS: dict[str, bytes] = {
    "aliases": b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10)) for c in range(ord("b"), ord("m"))
    ),
    "merges": b"a: &a {k: v}\n" + b"".join(
        b"%c: &%c {<<: [%s], x%c: 1}\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 10), c) for c in range(ord("b"), ord("m"))
    ),
    "brackets": b"[" * 1_000_000,
    "braces": b"{" * 1_000_000,
    "nested lists": b"a = " + b"[" * 100_000 + b"]" * 100_000,
    "nested json": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested yaml": b"".join(b" " * depth + b"a:\n" for depth in range(2_000)),
    "dashes": b"- " * 500_000,
    "questions": b"? " * 500_000,
    "dots": b"a" + b".a" * 500_000 + b" = 1",
    "tables": b"[" + b"a." * 200_000 + b"b]\n",
    "digits": b"a = " + b"9" * 1_000_000,
    "json digits": b'{"a": ' + b"9" * 1_000_000 + b"}",
    "parentheses": b"(" * 200_000,
    "unary": b"x = " + b"-" * 200_000 + b"1",
    "attributes": b"x = a" + b".a" * 200_000,
    "backslashes": b"\\\n" * 300_000,
    "quotes": b"'" * 500_001,
    "one line": b"x" * 5_000_000,
    "spaces": b" " * 5_000_000,
    "equals": b"a" + b"==1," * 500_000,
    "extras": b"a[" + b"b," * 500_000 + b"]",
    "markers": b"a; " + b"(" * 50_000 + b"python_version < '3'" + b")" * 50_000,
    "or": b"a; " + b" or ".join([b"python_version < '3'"] * 50_000),
    "hashes": b"a==1 " + b"--hash=sha256:0 " * 200_000,
    "version": b"a==" + b"1." * 500_000 + b"1",
    "comments": b"#" * 3_000_000,
    "blank lines": b"\n" * 3_000_000,
    "escapes": b"\x1b[" * 1_000_000,
    "colons": b"a:" * 1_000_000,
    "stars": b"*" * 100_000 + b"/" + b"**/" * 50_000,
}  # fmt: skip


def ignored(data: bytes) -> object:
    policy = IgnorePolicy(data.decode("latin-1").splitlines())
    return policy.keeps("a/" * 50 + "x" * 200, directory=False)


def yaml(data: bytes) -> object:
    try:
        return load_marked(data.decode("latin-1"))
    except YamlProblem as problem:
        return problem


PARSERS: dict[str, Callable[[bytes], object]] = {
    "requirements": lambda data: read_requirements(Tree.of({"r.txt": data}), "r.txt"),
    "toml": lambda data: read_pyproject(Tree.of({"pyproject.toml": data})).dependencies,
    "pipfile": lambda data: read_pipfile(Tree.of({"Pipfile": data})),
    "json": lambda data: read_pipfile_lock(Tree.of({"Pipfile.lock": data})),
    "yaml": yaml,
    "procfile": lambda data: parse_procfile(decode(data).text),
    "ignore": ignored,
    "imports": lambda data: scan_imports(data, "x.py"),
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("parser", PARSERS)
def test_bombs_are_answered(parser: str, bomb: str) -> None:
    from hostile.test_regular_expressions import Slow, watchdog

    try:
        with watchdog():
            assert PARSERS[parser](BOMBS[bomb]) is not None
    except Slow:
        pytest.fail(f"{parser} does not end for {bomb}")
