"""Heroku's version files byte by byte, and the Python of its lockfile."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predeploy.hosts.heroku_python import (
    json_documents,
    printable,
    required_python,
    unusable_encoding,
    version_lines,
)
from predeploy.pipeline.detect import detect
from predeploy.rules.case import Case
from support.cases import ContractCase, case_of

Files = Mapping[str, str | bytes | None]


def heroku(files: Files) -> Case:
    return case_of(ContractCase(name="unit", platform="heroku", files=dict(files), expect={}))


# --- lines, encodings and JSON --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n\n \t\r\n", []),
        (b"3.13", [(1, "3.13")]),
        (b"# a\r\n\r\n 3.13\t\r\n", [(3, "3.13")]),
        (b"3.13 # a", [(1, "3.13 # a")]),
        (b"3.13\r3.12", [(1, "3.13\r3.12")]),
        ("\u20033.13\u3000".encode(), [(1, "3.13")]),
        ("\u00a03.13\u200b".encode(), [(1, "\u00a03.13\u200b")]),
        ("\ufeff# a".encode(), [(1, "\ufeff# a")]),
        (b"\xe9", [(1, "\udce9")]),
    ],
)
def test_lines_are_split_at_lf_and_stripped_as_c_does(data: bytes, lines: list[tuple[int, str]]) -> None:
    assert version_lines(data) == lines


def test_comments_count_as_lines_where_the_host_knew_none() -> None:
    assert version_lines(b"# a\n3.13", comments=False) == [(1, "# a"), (2, "3.13")]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"3.12.*\n", None),
        ("é\n".encode(), None),
        (b"\xef\xbb\xbf3.12\n", "BOM"),
        (b"\xef\xbb\xbf", None),
        (b"\xef\xbb\xbf3.12\0\n", None),
        ("3.12".encode("utf-16"), "UTF-16, little"),
        (b"\xfe\xff" + "3.12".encode("utf-16-be"), "UTF-16, big"),
        ("3.12".encode("utf-32"), "UTF-32, little"),
        (b"\0\0\xfe\xff" + "3.12".encode("utf-32-be"), "UTF-32, big"),
        ("3.12".encode("utf-16-le"), None),
        (b"3.12\xe9\n", "ISO-8859"),
        (b"3.12\xe9\x85\n", "ISO-8859"),
        (b"3.12\xe9\x0b\n", "ISO-8859"),
        (b"3.12\x93\n", None),
        (b"3.12\xe9\x93\n", None),
        (b"3.12\xe9\x01\n", None),
        (b"3.12\xe9\x7f\n", None),
    ],
)
def test_encodings_are_called_as_the_file_tool_calls_them(data: bytes, word: str | None) -> None:
    name = unusable_encoding(data)
    assert name is None if word is None else word in (name or "")


def test_a_shown_text_has_escapes_for_what_does_not_show() -> None:
    assert printable("3.13\u00a0\x00\x1b[1m") == r"3.13\xa0\x00\x1b[1m"
    assert printable(b"3.13\xe9".decode("utf-8", "surrogateescape")) == r"3.13\xe9"
    assert printable("\ud800") == r"\ud800"
    assert len(printable("a" * 500)) == 100


def test_numbers_keep_the_text_that_stands_there() -> None:
    assert list(json_documents('{"a": 3.10, "b": 3}')) == [{"a": "3.10", "b": "3"}]


def test_documents_follow_each_other() -> None:
    assert list(json_documents("{}[] 1\n")) == [{}, [], "1"]
    with pytest.raises(ValueError, match="Expecting value"):
        list(json_documents("{} x"))


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        (None, None),
        ({}, None),
        ({"_meta": None}, None),
        ({"_meta": {"requires": None}}, None),
        ({"_meta": {"requires": {"python_version": "3.12\n"}}}, ("python_version", "3.12")),
        ({"_meta": {"requires": {"python_version": True}}}, ("python_version", "true")),
        ({"_meta": {"requires": {"python_full_version": ""}}}, ("python_full_version", "")),
    ],
)
def test_what_a_lockfile_requires(document: object, answer: tuple[str, str] | None) -> None:
    assert required_python(document) == answer


@pytest.mark.parametrize(
    "document", [[], "x", False, "3", {"_meta": []}, {"_meta": False}, {"_meta": {"requires": "3.12"}}]
)
def test_an_object_is_expected_on_the_way(document: object) -> None:
    with pytest.raises(ValueError, match="object is expected"):
        required_python(document)


# --- any bytes ------------------------------------------------------------------------------------------

LINES = st.lists(
    st.one_of(
        st.binary(max_size=30),
        st.from_regex(rb"(python-)?[0-9]{1,3}\.[0-9]{1,6000}(\.[0-9]{1,3})?", fullmatch=True),
        st.sampled_from([b"3.13", b"# a", b"\xef\xbb\xbf", b"\xff\xfe", b"\r", "\u2003".encode()]),
    ),
    max_size=4,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["_meta", "requires", "python_version"]), inner, max_size=2),
    ),
    max_leaves=6,
)
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_judged(files: Files) -> None:
    detection = detect(heroku(files))
    shown = [finding.message for finding in detection.findings]
    shown += [place.text or "" for finding in detection.findings for place in finding.evidence]
    "".join(shown).encode()  # no lone surrogates
    assert (detection.python.resolved is None) == (detection.python.problem is not None)


@QUIET
@given(lines=LINES, file=st.sampled_from([".python-version", "runtime.txt"]))
def test_any_bytes_of_a_version_file_are_judged(lines: list[bytes], file: str) -> None:
    assert_judged({"requirements.txt": "", file: b"\n".join(lines)})


@QUIET
@given(data=st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_of_a_lockfile_are_judged(data: bytes) -> None:
    assert_judged({"Pipfile.lock": data})


def test_a_lockfile_nested_without_end_is_judged() -> None:
    detection = detect(heroku({"Pipfile.lock": "[" * 200_000}))
    assert detection.python.problem == "invalid-json"


def test_a_lockfile_with_an_endless_number_is_judged() -> None:
    lock = '{"_meta": {"requires": {"python_version": %s}}}' % ("9" * 9000)
    assert detect(heroku({"Pipfile.lock": lock})).python.problem == "invalid-version"


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("3." + "9" * 5000, "unknown-major"),
        ("9" * 5000 + ".0", "unknown-major"),
        ("3.13." + "9" * 5000, "unknown-patch"),
        ("3.9." + "9" * 5000, "eol"),
    ],
)
def test_numbers_longer_than_the_interpreter_reads(version: str, problem: str) -> None:
    case = heroku({"requirements.txt": "", ".python-version": version})
    assert case.python.problem == problem
