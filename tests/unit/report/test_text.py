"""Text from an app never controls the terminal; scripts quote whatever they hold."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predeploy.report.escape import printable
from predeploy.report.shell import _word
from predeploy.report.text import Paper, duration, render
from support.results import mixed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\rb\x08\x00", "ab"),
        ("\x9b31mx", "31mx"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x1b", ""),
        ("a\u202eb\u2066c\u200bd\u2028e", "a<U+202E>b<U+2066>c<U+200B>d<U+2028>e"),
        ("caf\udce9 é", "caf\ufffd é"),
    ],
)
def test_control_characters_and_escapes_are_dropped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_printable_starts_an_escape(text: str) -> None:
    assert "\x1b" not in printable(text)


@given(st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_a_word_of_a_script_is_one_word_of_the_shell(text: str) -> None:
    quoted = _word(text)
    if "{" not in text:
        assert shlex.split(quoted) == [text]


def test_places_become_variables_and_the_rest_is_quoted() -> None:
    assert _word("{bin}/python") == '"$VENV_BIN"/python'
    assert _word("--src={work}/s r c") == "--src=\"$WORK\"'/s r c'"
    assert _word("{tool:uv}/uv") == '"$CACHE/uv/bin"/uv'
    assert _word("{unknown}") == "'{unknown}'"


def test_colour_does_not_change_the_text() -> None:
    plain, coloured = Paper(width=40, colour=False), Paper(width=40, colour=True)
    for paper in (plain, coloured):
        paper.wrapped("some words " * 10, indent=4, first="fix: ", hanging=5, ink="dim")
    assert [printable(line) for line in coloured.lines] == plain.lines
    assert all(len(line) <= 40 for line in plain.lines)


def test_durations() -> None:
    assert (duration(0.0123), duration(12.34)) == ("12 ms", "12.3 s")


def test_secret_values_are_variables_of_the_script() -> None:
    assert _word("x=\0TOKEN\0 y") == "x=\"${TOKEN:?is a secret, which is not written here}\"' y'"
    assert _word("{env:TOKEN}") == "'{env:TOKEN}'"


@pytest.mark.parametrize("width", [40, 57, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_unless_a_word_is(width: int) -> None:
    text = render(mixed(), width=width, colour=False)
    for line in text.splitlines():
        alone = len(line.split()) <= 2  # a rule, a path or a log's line, which stay whole to be copied
        assert len(line) <= width or alone or line.startswith("      | "), line
