"""A hook as simple commands: what runs, and whose failure makes the hook fail."""

from __future__ import annotations

import pytest

from predeploy.hosts.platformsh_shell import calls_of


def programs(script: str) -> list[str]:
    return [call.program for call in calls_of(script)]


def deciding(script: str) -> list[str]:
    return [call.program for call in calls_of(script) if call.decides]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one; two && three || four | five", ["one", "two", "three", "four", "five"]),
        ("A=1 B=2 one x", ["one"]),
        ("one \\\n  two", ["one"]),
        ("# one\ntwo # three", ["two"]),
        ("one 'two; three' \"four && five\" $(six; seven)", ["one"]),
        ("cat <<EOF\none\nEOF\ntwo", ["cat", "two"]),
        ("if one; then two; else three; fi", ["one", "two", "three"]),
        ("for x in one two; do three; done", ["three"]),
        ("f() { one; }\nf", ["one", "f"]),
        ("/usr/bin/one > /dev/null 2>&1", ["one"]),
        ("exec one", ["one"]),
        ("", []),
        ("'unfinished", ["unfinished"]),
    ],
)
def test_commands_are_found(script: str, expected: list[str]) -> None:
    assert programs(script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("one\ntwo", ["two"]),
        ("set -e\none\ntwo", ["one", "two"]),
        ("set -euo x\none\ntwo", ["one", "two"]),
        ("one\nset -o errexit\ntwo\nthree", ["two", "three"]),
        ("one && two", ["one", "two"]),
        ("set -e\none && two\nthree", ["two", "three"]),
        ("one || true", []),
        ("set -e\none || true\ntwo", ["two"]),
        ("one | two", ["two"]),
        ("set -e\nif one; then two; fi\nthree", ["three"]),
        ("one\nif two; then three; fi", []),
        ("set -e\n(one)\ntwo", ["two"]),
        ("set -e\none &\ntwo", ["two"]),
    ],
)
def test_only_some_failures_fail_the_script(script: str, expected: list[str]) -> None:
    assert [name for name in deciding(script) if name != "set"] == expected


def test_a_failure_without_set_e_goes_unnoticed() -> None:
    assert [call.program for call in calls_of("one\ntwo || true\nthree") if call.unnoticed] == ["one"]


def test_lines_count_from_one_across_continuations_and_documents() -> None:
    script = "one \\\n x\ncat <<END\na\nb\nEND\ntwo"
    assert [(call.program, call.line) for call in calls_of(script)] == [("one", 1), ("cat", 3), ("two", 7)]
