from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from predeploy.app import requirements as module
from predeploy.app.requirement import parse_requirement, plain
from predeploy.app.requirements import Requirements, read_requirements
from predeploy.app.tree import Tree


def read(text: str | bytes, **others: str | bytes | None) -> Requirements:
    files = {name.replace("__", "/").replace("_txt", ".txt"): data for name, data in others.items()}
    return read_requirements(Tree.of({"requirements.txt": text, **files}), "requirements.txt")


def reasons(found: Requirements) -> list[tuple[str, int | None, str]]:
    return [(problem.path, problem.line, problem.reason) for problem in found.problems]


TRICKY = """\
# -*- coding: utf-8 -*-
Flask==3.0.0
Zope.Interface>=5,<7 # comment
requests [security,Socks] >= 2.8.1, == 2.8.* ; python_version < "3.13"

gunicorn\\
==23.0.0
--index-url https://pypi.org/simple
--extra-index-url=https://user:pw@example.org/simple --pre
-f ./wheels
--no-binary :all:
black==24.1.0 \\
    --hash=sha256:aaaa \\
    --hash=sha256:bbbb
pip-tools @ https://example.org/pip-tools-7.zip#sha256=cc ; sys_platform == "linux"
git+https://example.org/x/y.git@main#egg=why[extra]
https://example.org/wheel_name-1.0-py3-none-any.whl
-e git+https://example.org/e/d.git#egg=Edit_Able
-e ./local
attrs#not-a-comment
numpy~=2
"""


def test_tricky_file() -> None:
    found = read(TRICKY, local__setup_py="", **{"local/setup.py": ""})
    rows = [(line.line, line.name, line.specifier, line.extras, line.editable) for line in found.lines]
    assert rows == [
        (2, "flask", "==3.0.0", (), False),
        (3, "zope-interface", "<7,>=5", (), False),
        (4, "requests", "==2.8.*,>=2.8.1", ("Socks", "security"), False),
        (6, "gunicorn", "==23.0.0", (), False),
        (12, "black", "==24.1.0", (), False),
        (15, "pip-tools", "", (), False),
        (16, "why", "", ("extra",), False),
        (17, "wheel-name", "==1.0", (), False),
        (18, "edit-able", "", (), True),
        (19, None, "", (), True),
    ]
    assert found.lines[2].marker == 'python_version < "3.13"'
    assert found.lines[4].hashes == ("sha256:aaaa", "sha256:bbbb")
    assert found.lines[5].url == "https://example.org/pip-tools-7.zip#sha256=cc"
    assert found.lines[9].url == "./local"
    assert [(option.line, option.name, option.value) for option in found.options] == [
        (8, "--index-url", "https://pypi.org/simple"),
        (9, "--extra-index-url", "https://user:pw@example.org/simple"),
        (9, "--pre", ""),
        (10, "--find-links", "./wheels"),
        (11, "--no-binary", ":all:"),
    ]
    assert [line for _, line, _ in reasons(found)] == [20, 21]
    assert found.names() >= {"flask", "requests", "edit-able"}
    assert found.find("black") is found.lines[4]


def test_agrees_with_the_oracle(tmp_path: Path) -> None:
    from pip_requirements_parser import RequirementsFile  # type: ignore[import-untyped]

    file = tmp_path / "requirements.txt"
    file.write_text(TRICKY)
    oracle = RequirementsFile.from_file(str(file))
    ours = read(TRICKY, **{"local/setup.py": ""})
    expected = {(r.line_number, r.name and r.name.lower().replace("_", "-").replace(".", "-"))
                for r in oracle.requirements if r.name}  # fmt: skip
    assert {(line.line, line.name) for line in ours.lines if line.name} == expected
    options = {(option.line_number, name) for option in oracle.options for name in option.options}
    assert {(o.line, o.name.removeprefix("--").replace("-", "_")) for o in ours.options} == {
        (line, {"extra_index_urls": "extra_index_url"}.get(name, name)) for line, name in options
    }
    assert [line.line_number for line in oracle.invalid_lines] == [p.line for p in ours.problems]


def test_includes_are_relative_to_the_including_file() -> None:
    found = read(
        "-r requirements/prod.txt\n-c constraints.txt\nflask\n",
        **{
            "requirements/prod.txt": "-r base.txt\ngunicorn\n",
            "requirements/base.txt": "requests\n",
            "constraints.txt": "urllib3<3\n-r more.txt\n",
            "more.txt": "idna\n",
        },
    )
    assert [(line.path, line.name, line.constraint) for line in found.lines] == [
        ("requirements/base.txt", "requests", False),
        ("requirements/prod.txt", "gunicorn", False),
        ("constraints.txt", "urllib3", True),
        ("more.txt", "idna", False),
        ("requirements.txt", "flask", False),
    ]
    assert found.names() == {"requests", "gunicorn", "idna", "flask"}
    assert found.files[:2] == ("requirements.txt", "requirements/prod.txt")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-r missing.txt", "includes missing.txt: no such file"),
        ("-r ../up.txt", "includes ../up.txt, which is outside of the app"),
        ("--requirement=/etc/passwd", "includes /etc/passwd, which is outside of the app"),
        ("-r requirements.txt", "includes requirements.txt, which includes this file"),
        ("--frob", "has the option --frob, which requirements files do not have"),
        ("-x", "has the option -x, which requirements files do not have"),
        ("--pre=yes", "gives a value to --pre, which takes none"),
        ("flask --hash", "gives no value to --hash"),
        ("-i 'open", "has an unclosed quote"),
        ("flask=1.0", "is not a requirement: '=' is no operator, '==' is"),
        ("./nowhere", "looks like a path, and is not in the app"),
        ("wheels/x-1-py3-none-any.whl", "names an archive that is not in the app"),
        ("-e flask", "is neither a directory of the app nor a version control URL"),
        ("-e https://example.org/x.zip", "cannot be editable: only directories and version control URLs can"),
        ("-e git+https://example.org/x", "does not name what it installs; add '#egg=NAME'"),
        ("-e empty", "is neither a directory of the app nor a version control URL"),
        ("./empty", "is a directory with neither pyproject.toml nor setup.py"),
        ("https://example.org/x.zip ; nonsense", "has a marker that is not valid"),
    ],
)
def test_bad_lines_are_kept_with_their_reason(line: str, reason: str) -> None:
    found = read(f"flask\n{line}\nattrs\n", **{"empty/": ""})
    assert reasons(found) == [("requirements.txt", 2, reason)]
    assert found.problems[0].text == line
    assert found.names() == {"flask", "attrs"}


def test_what_pip_would_fetch_or_fill_in_is_a_note_only() -> None:
    found = read(
        "-r https://example.org/r.txt\n-r ${NAME}.txt\n-e ${WHERE}\nflask==${V}\nx @ git+https://${T}@h/x\n"
    )
    assert found.problems == ()
    assert [option.value for option in found.options] == ["https://example.org/r.txt", "${NAME}.txt"]
    assert [(line.name, line.url) for line in found.lines] == [
        (None, "${WHERE}"),
        ("flask", None),
        ("x", "git+https://${T}@h/x"),
    ]


def test_constraints_have_rules_of_their_own() -> None:
    found = read("-c c.txt", **{"c.txt": "-e git+https://h/x#egg=x\na[b]\nhttps://h/y.zip\nok<2\n"})
    assert [line for _, line, _ in reasons(found)] == [1, 2, 3]
    assert [line.name for line in found.lines] == ["ok"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks(encoding: str) -> None:
    assert read("flask==1\r\nattrs\r".encode(encoding)).names() == {"flask", "attrs"}


def test_unreadable_files() -> None:
    assert reasons(read_requirements(Tree.of({}), "r.txt")) == [("r.txt", None, "no such file")]
    assert reasons(read_requirements(Tree.of({"r.txt": None}), "r.txt")) == [
        ("r.txt", None, "permission denied")
    ]
    assert reasons(read(b"\0\0")) == [("requirements.txt", None, "is not text")]


def test_comments_and_continuations_as_pip_joins_them() -> None:
    found = read("a\\\n# comment\nb # x\\\nc \\\n\nd#e\n  # f \\\ng \\")
    assert [(line.line, line.name) for line in found.lines] == [(1, "a"), (3, "b"), (8, "g")]


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOGICAL_LIMIT", 3)
    found = read("a\nb\n-r r.txt\nc\n", **{"r.txt": "d\ne\n"})
    assert [line.name for line in found.lines] == ["a", "b"]
    assert len(found.problems) == 1
    assert "larger than we read" in found.problems[0].reason
    monkeypatch.setattr(module, "LENGTH_LIMIT", 10)
    assert "longer than we read" in read("a" * 11).problems[0].reason
    assert read("#" * 11).problems == ()


def test_a_chain_of_includes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOGICAL_LIMIT", 1_000)
    files = {f"{n}.txt": f"-r {n + 1}.txt\n-r {n + 1}.txt\n" for n in range(20)}
    found = read("-r 0.txt", **files)
    assert found.problems


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,5}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.from_regex(
    r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc[0-9])?(\.post[0-9])?(\.dev[0-9])?(\.\*)?", fullmatch=True
)
CLAUSES = st.tuples(st.sampled_from(["==", ">=", "<=", "~=", "!=", "<", ">", "==="]), VERSIONS).map("".join)


@settings(deadline=None)
@given(NAMES, st.lists(NAMES, max_size=2), st.lists(CLAUSES, max_size=3), st.sampled_from(["", " ", "\t"]))
def test_the_fast_path_says_what_packaging_says(
    name: str, extras: list[str], clauses: list[str], blank: str
) -> None:
    text = name + (f"[{', '.join(extras)}]" if extras else "") + blank + f"{blank},".join(clauses)
    fast = plain(text)
    try:
        real = Requirement(text)
    except InvalidRequirement:
        assert fast is None
        assert parse_requirement(text).problem
        return
    if fast is not None:
        # packaging drops one of "==1" and "==01", which says nothing more.
        assert SpecifierSet(fast.specifier) == real.specifier
        assert fast.extras == tuple(sorted(real.extras))
        assert len(clauses) != 1 or fast.specifier == str(real.specifier)
    assert SpecifierSet(parse_requirement(text).specifier) == real.specifier


PIECES = st.sampled_from(
    ["flask", "==1", "\\", "\n", " ", "#", "-r", "-e", "-", "--", "--hash=", "[x]", ";", "@", "http://",
     "git+", "'", '"', "${A}", "/", "..", "(", ")", "python_version<'3'", ".whl", "=", "\r", "é",
     "requirements.txt", ":"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_never_fails(text: str) -> None:
    read(text, **{"setup.py": ""})


@settings(deadline=None)
@given(st.binary())
def test_never_fails_on_bytes(data: bytes) -> None:
    read(data)


def test_hostile_requirements_are_bounded() -> None:
    for text in ("a; " + "(" * 9000, "a==" + "9" * 9000, "a[" * 4000, "a @ " + "x" * 200_000, "," * 9000):
        read(text)
