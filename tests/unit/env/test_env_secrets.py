"""Credentials are masked in any text."""

from __future__ import annotations

import pytest

from predeploy.env.secrets import mask_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@host/x", "https://***@host/x"),
        ("git+ssh://token@host", "git+ssh://***@host"),
        ("https://u:p@ss@host/", "https://***@host/"),
        ("https://host/a@b", "https://host/a@b"),
        ("mail me@home", "mail me@home"),
        ("https:\\/\\/user:pass@host\\/x", "https:\\/\\/***@host\\/x"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("{'proxy-authorization': 'Bearer abc.def'}", "{'proxy-authorization': 'Bearer ***'}"),
        ("Authorization is needed", "Authorization is needed"),
        ("https://aws:" + "t" * 3000 + "@host/", "https://***@host/"),
    ],
)
def test_credentials_in_urls_and_headers(text: str, shown: str) -> None:
    assert mask_credentials(text) == shown


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000 + "://" + "b" * 1_000_000, "a://" * 200_000, "://@" * 200_000]
)
def test_a_long_hostile_line_is_answered(text: str) -> None:
    assert mask_credentials(text)
