"""Credentials are masked in any text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predeploy.env.secrets import Redactor, mask_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://***@host/x"),
        ("git+ssh://token@host", "git+ssh://***@host"),
        ("https://u:p@ss@host/", "https://***@host/"),
        ("https://host/a@b", "https://host/a@b"),
        ("mail me@home", "mail me@home"),
    ],
)
def test_credentials_in_urls(text: str, shown: str) -> None:
    assert mask_credentials(text) == shown


def test_values_are_masked_the_longest_first_and_short_ones_are_words() -> None:
    redact = Redactor(["secret-one", "secret-one-two", "yes"])
    assert redact("a secret-one-two b secret-one c yes") == "a *** b *** c yes"


@given(st.text(), st.text(min_size=6))
def test_a_value_is_never_left(text: str, value: str) -> None:
    if value not in "***@" * 3:
        assert value not in Redactor([value])(f"{text}{value}{text}").replace("***", "")


def test_a_long_hostile_line_is_answered() -> None:
    assert mask_credentials("a" * 1_000_000 + "://" + "b" * 1_000_000).startswith("aaa")
