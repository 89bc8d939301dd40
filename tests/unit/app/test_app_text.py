from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predeploy.app.procfile import parse_procfile
from predeploy.app.text import decode, lines_of


@pytest.mark.parametrize(
    ("data", "encoding", "text", "bom"),
    [
        (b"", "ascii", "", False),
        (b"a\r\n", "ascii", "a\r\n", False),
        ("é".encode(), "utf-8", "é", False),
        ("é".encode("latin-1"), "latin-1", "é", False),
        (b"a\0b", "binary", "a\0b", False),
        (codecs.BOM_UTF8 + b"a", "utf-8-bom", "a", True),
        ("é".encode("utf-16"), "utf-16", "é", True),
        (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "utf-16", "é", True),
        ("é".encode("utf-32"), "utf-32", "é", True),
        (codecs.BOM_UTF16_LE + b"a", "binary", "a", True),
        (codecs.BOM_UTF8 + b"\xff", "binary", "ÿ", True),
    ],
)
def test_decode(data: bytes, encoding: str, text: str, bom: bool) -> None:
    found = decode(data)
    assert (found.encoding, found.text, found.bom) == (encoding, text, bom)


@given(st.binary())
def test_decode_never_fails(data: bytes) -> None:
    decode(data)


def test_lines_split_at_lf_only() -> None:
    assert lines_of("a\r\nb\x0cc\u2028d\r\r\n\ne") == ["a", "b\x0cc\u2028d\r", "", "e"]
    assert lines_of("a\n") == ["a"]
    assert lines_of("") == []


def test_procfile() -> None:
    found = parse_procfile("# all\r\n\r\nweb: gunicorn app:app\r\nworker-1:python w.py\nrelease:\t./r.sh \n")
    assert [(p.name, p.command, p.line) for p in found.processes] == [
        ("web", "gunicorn app:app", 3),
        ("worker-1", "python w.py", 4),
        ("release", "./r.sh", 5),
    ]
    assert found.problems == ()


def test_procfile_repeats_are_kept_and_reported() -> None:
    found = parse_procfile("web: a\nweb: b\n")
    assert (found.command("web"), found.command("web", first=True), found.command("x")) == ("b", "a", None)
    assert [(p.line, p.reason) for p in found.problems] == [(2, "repeats the process type web of line 1")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (" web: a", "is indented"),
        ("web:", "has no command"),
        ("web:  ", "has no command"),
        ("web!: a", "other characters"),
        ("gunicorn app", "is not 'name: command'"),
        ("\ufeffweb: a", "other characters"),
    ],
)
def test_procfile_bad_lines(line: str, reason: str) -> None:
    found = parse_procfile(f"ok: x\n{line}\n")
    assert [p.line for p in found.problems] == [2]
    assert reason in found.problems[0].reason
    assert len(found.processes) == 1


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:# \t\r\n-_é\x0b")))
def test_procfile_never_fails(text: str) -> None:
    for process in parse_procfile(text).processes:
        assert process.command.strip() == process.command != ""
