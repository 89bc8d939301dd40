from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from predeploy.app.marked_yaml import MarkedDocument, YamlProblem, load_marked


def refusal(text: str, *, strict: bool = False) -> tuple[int, str]:
    with pytest.raises(YamlProblem) as caught:
        load_marked(text, strict=strict)
    return caught.value.line, caught.value.reason


def test_data_and_lines() -> None:
    found = load_marked("# c\na: 1\nb:\n  - x\n  - {c: d,\n     e: f}\n")
    assert found.data == {"a": 1, "b": ["x", {"c": "d", "e": "f"}]}
    assert found.lines == {
        (): 2,
        ("a",): 2,
        ("b",): 3,
        ("b", 0): 4,
        ("b", 1): 5,
        ("b", 1, "c"): 5,
        ("b", 1, "e"): 6,
    }
    assert found.line(("b", 1, "none", "deeper")) == 5
    assert found.line(("none",)) == 2
    assert load_marked("").line() is None


@pytest.mark.parametrize("text", ["", "# only\n", "\ufeff"])
@pytest.mark.parametrize("strict", [True, False])
def test_empty_documents(text: str, strict: bool) -> None:
    assert load_marked(text, strict=strict).data is None
    assert load_marked("---\n").data is None


SCALARS = """\
[yes, No, TRUE, off, y, n, ~, null, Null, 0, 1, -2, 017, 0x1F, 0b11, 1_000, 12:30, 1.5, .5, 1e3, 1.0e+3,
 .inf, -.INF, 1:30.5, 0o7, 08, +1, =, '1', "yes", -, 3.10, 1__2]"""


def test_lenient_scalars_are_those_of_pyyaml() -> None:
    expected = yaml.safe_load(SCALARS.replace(" =,", ' "=",'))
    assert load_marked(SCALARS).data == expected
    assert math.isnan(load_marked(".nan").data)


@pytest.mark.parametrize("text", ["2025-11-01", "2025-11-01T10:00:00Z"])
def test_lenient_dates_stay_strings(text: str) -> None:
    assert load_marked(f"a: {text}\n{text}: b").data == {"a": text, text: "b"}


def test_anchors_aliases_and_merges() -> None:
    text = """\
base: &base {a: 1, b: {c: 2}}
more: &more
  a: 5
  d: 6
one:
  <<: *base
  a: 3
two: {<<: [*base, *more], z: *base}
"""
    found = load_marked(text)
    assert found.data == yaml.safe_load(text)
    assert found.line(("one", "a")) == 7
    assert found.line(("one", "b", "c")) == 1
    assert found.line(("two", "d")) == 4
    assert found.duplicates == ()


def test_duplicates_are_reported_and_the_last_wins() -> None:
    found = load_marked("a: {x: 1}\nb: 1\na: {y: 2}\n")
    assert found.data == {"a": {"y": 2}, "b": 1}
    assert found.duplicates == ((("a",), 3),)
    assert ("a", "x") not in found.lines
    assert found.line(("a", "y")) == 3


def test_tags() -> None:
    def include(data: Any, line: int) -> Any:
        return {"included": data, "line": line}

    found = load_marked("a: !include x\nb: !include {p: q}\n", {"!include": include})
    assert found.data["a"] == {"included": "x", "line": 1}
    assert found.data["b"] == {"included": {"p": "q"}, "line": 2}
    text = "[! 1, !!str 1, !!int '2', !!float 3, !!bool 'on', !!null '', !!seq [], !!map {}]"
    assert load_marked(text).data == ["1", "1", 2, 3.0, True, None, [], {}]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\nb: !archive x", 2, "has the tag !archive, which is not known"),
        ("a: !!python/name:os.system ''", 1, "has the tag !!python/name:os.system, which is not known"),
        ("!!set {a, b}", 1, "has the tag !!set, which is not known"),
        ("a: !!int x", 1, "has a value that is no int: x"),
        ("a: 1\n\tb: 2", 2, "has a tab where YAML takes spaces only"),
        ("a:\n\t- b", 2, "has a tab where YAML takes spaces only"),
        ("a: 1\n---\nb: 2", 2, "has a second document, which nothing reads"),
        ("a: *x", 1, "refers to an anchor that is not defined before: x"),
        ("&x [*x]", 1, "refers to the anchor x inside of itself"),
        ("[a]: b", 1, "has a key that is not a scalar"),
        ("<<: 1", 1, "merges something that is not a mapping"),
        ("a: [", 1, "is not YAML: "),
        ("a: b\n c: d", 2, "is not YAML: "),
        ("a: [x,\t]]", 1, "is not YAML: "),
        ("a: \x01", 1, "holds a character that YAML does not allow"),
        ("a: \ud800", 1, "holds a character that is not Unicode"),
        ("a: " + "9" * 5000, 1, "holds a number longer than we read"),
        ("[" * 100_000, 1, "nests deeper than we read (100 levels)"),
        ("- " * 100_000, 1, "nests deeper than we read (100 levels)"),
        ("- x\n" * 100_001, 100_000, "holds more values than we read (100000)"),
    ],
)
def test_refusals(text: str, line: int, reason: str) -> None:
    found = refusal(text)
    assert found[1].startswith(reason)
    assert found[0] == line


def test_alias_bombs_are_bounded() -> None:
    lists = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}' if n else 'x'] * 9)}]\n" for n in range(15))
    assert "aliases written out" in refusal(lists)[1]
    chain = "".join(f"l{n}: &l{n} [{f'*l{n - 1}' if n else 'x'}]\n" for n in range(300))
    assert "nests deeper" in refusal(chain)[1]
    merges = "".join(
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 3) if n else ''}], k{n}: 1}}\n" for n in range(60)
    )
    assert "aliases written out" in refusal(merges)[1]


# --- strict


def test_strict_takes_plain_yaml() -> None:
    text = "a: text\nb: 12\nc: true\nd: null\ne: '3.10'\nf: 2025-11-01\ng: 3.10.1\nh: [x, -1]\n'on': yes it\n"
    assert load_marked(text, strict=True).data == {
        "a": "text",
        "b": 12,
        "c": True,
        "d": None,
        "e": "3.10",
        "f": date(2025, 11, 1),
        "g": "3.10.1",
        "h": ["x", -1],
        "on": "yes it",
    }


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: 1\na: 2", 2, "repeats the key 'a'"),
        ("a: 3.10", 1, "has the value 3.10: quote it, it would be read as the number 3.1"),
        ("a: 010", 1, "has the value 010: quote it, it would be read as the number 8"),
        ("a: 12:30", 1, "has the value 12:30: quote it, it would be read as the number 750"),
        ("a: 1e3", 1, "has the value 1e3: quote it"),
        ("a: yes", 1, "has the value yes: write true, false or null, or quote it"),
        ("a: N", 1, "has the value N: write true, false or null, or quote it"),
        ("a: True", 1, "has the value True: write true, false or null, or quote it"),
        ("a: ~", 1, "has the value ~: write true, false or null, or quote it"),
        ("a:", 1, "has no value: write null, or quote an empty string"),
        ("on: a", 1, "has the value on: write true, false or null, or quote it"),
        ("1: a", 1, "has the key 1, which is not a string: quote it"),
        ("2025-01-01: a", 1, "has the key 2025-01-01, which is not a string: quote it"),
        ("a: 2025-02-30", 1, "has the value 2025-02-30, which is not a day"),
        ("a: 2025-1-1", 1, "has the value 2025-1-1: quote it"),
        ("a: &x b", 1, "sets an anchor; write the value out where it is needed"),
        ("a: *x", 1, "uses an alias; write the value out"),
        ("<<: {a: b}", 1, "merges a mapping with '<<'; write the keys out"),
    ],
)
def test_strict_refusals(text: str, line: int, reason: str) -> None:
    assert refusal(text, strict=True) == (line, reason)


PIECES = st.sampled_from(
    ["a", ": ", "- ", "\n", "  ", "[", "]", "{", "}", ",", "&x ", "*x", "<<", "!t ", "!!int ", "'", '"', "|",
     ">", "1", ".5", "yes", "#", "\t", "---", "...", "%", "? ", "2025-01-01", "\x00", "\x85", "~"]
)  # fmt: skip


def attempt(text: str, *, strict: bool) -> MarkedDocument | None:
    try:
        return load_marked(text, {"!t": lambda data, line: [data, line]}, strict=strict)
    except YamlProblem as problem:
        return None if problem.line > 0 and problem.column > 0 else pytest.fail("no place")


@settings(deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join), st.booleans())
def test_never_fails_otherwise(text: str, strict: bool) -> None:
    attempt(text, strict=strict)


@settings(deadline=None)
@given(st.text(), st.booleans())
def test_never_fails_otherwise_on_text(text: str, strict: bool) -> None:
    attempt(text, strict=strict)


SIMPLE = st.lists(
    st.sampled_from(["a", "b", ": ", "- ", "\n", "  ", "[", "]", ",", "{", "}", "1", "on", "'"])
)


@settings(deadline=None)
@given(SIMPLE.map("".join))
def test_lenient_data_is_that_of_pyyaml(text: str) -> None:
    found = attempt(text, strict=False)
    try:
        expected = yaml.safe_load(text)
    except yaml.YAMLError:
        assert found is None
        return
    assert found is not None
    assert found.data == expected
