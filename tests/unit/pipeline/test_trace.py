"""The trace of a shell, read and taken out of the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from predeploy.env.virtualenvs import seedable
from predeploy.errors import UsageError
from predeploy.pipeline.trace import traced, unnoticed, without_trace
from predeploy.settings import parse_services

LOG = "+predeploy:0: cp a b\ncp: no a\n+predeploy:1: echo done\ndone\n++predeploy:0: false\n+predeploy:1: true\n"


def test_a_command_that_failed_is_the_one_before_its_status(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(LOG, "utf-8")
    assert unnoticed(log) == ("cp a b", "false")
    assert log.read_text("utf-8") == "cp: no a\ndone\n"


def test_the_status_of_the_last_command_is_the_scripts_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("+predeploy:0: true\n+predeploy:0: false\n", "utf-8")
    assert unnoticed(log) == ()
    assert unnoticed(tmp_path / "missing") == ()


def test_an_output_without_a_trace_stays_as_it_is() -> None:
    assert without_trace("a\n+ b\n") == "a\n+ b\n"
    assert without_trace(LOG).splitlines() == ["cp: no a", "done"]
    assert traced(("dash", "-c")) == ("dash", "-x", "-c")


def test_old_pythons_are_seeded_later() -> None:
    assert seedable("3.8.18") == ()
    assert seedable("3.9.18") == seedable("3.13.0") == ("pip", "setuptools")


def test_services_are_names_with_addresses() -> None:
    url = "postgresql://main:secret@127.0.0.1/main?a=b"
    assert parse_services([f"database={url}"]) == {"database": url}


@pytest.mark.parametrize("pair", ["database", "database=secret", "=redis://x", "a b=redis://x"])
def test_what_is_no_service_is_not_shown(pair: str) -> None:
    with pytest.raises(UsageError, match="expected NAME=URL") as raised:
        parse_services([pair])
    assert "secret" not in str(raised.value).partition("such as")[0]
