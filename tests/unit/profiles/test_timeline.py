"""Timelines collapse to what holds on a day: start inclusive, end exclusive."""

from __future__ import annotations

from datetime import date

import pytest

from predeploy.model.profile import Dated, Profile, Window
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import change_days, members_on, snapshot, value_on


def profile() -> Profile:
    return Registry(plugins={}).profile("heroku")


@pytest.mark.parametrize(
    ("day", "value"),
    [("2024-12-31", "a"), ("2025-01-01", "b"), ("2025-06-30", "b"), ("2025-07-01", None)],
)
def test_an_entry_holds_until_the_next(day: str, value: str | None) -> None:
    timeline = (
        Dated(value="a"),
        Dated(value="b", since=date(2025, 1, 1)),
        Dated(value=None, since=date(2025, 7, 1)),
    )
    assert value_on(timeline, date.fromisoformat(day)) == value


def test_before_the_first_dated_entry_there_is_no_value() -> None:
    assert value_on((Dated(value="b", since=date(2025, 1, 1)),), date(2024, 1, 1)) is None


def test_windows_begin_inclusive_and_end_exclusive() -> None:
    window = Window(value="x", since=date(2025, 1, 1), until=date(2025, 2, 1))
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31), date(2025, 2, 1)]
    assert [bool(list(members_on((window,), day))) for day in days] == [False, True, True, False]


def test_a_rule_knows_its_next_change() -> None:
    rules = {rule.id: rule for rule in snapshot(profile(), date(2025, 11, 1)).rules}
    assert rules["setup-py-only"].severity == "warn"
    assert rules["setup-py-only"].until == date(2025, 12, 10)


def test_a_day_before_the_window_is_not_covered() -> None:
    assert not snapshot(profile(), date(2020, 1, 1)).covered


def test_pins_and_defaults_follow_the_day() -> None:
    old, new = snapshot(profile(), date(2025, 11, 30)), snapshot(profile(), date(2026, 11, 20))
    assert (old.tools["pip"], new.tools["pip"]) == ("25.2", "26.2.1")
    assert (old.python_default, new.python_default) == ("3.13", "3.14")
    assert "3.9" in old.releases
    assert "3.9" not in new.releases
    assert "3.9" in new.removed


@pytest.mark.parametrize("name", Registry(plugins={}).ids())
def test_every_change_day_gives_a_whole_snapshot(name: str) -> None:
    profile = Registry(plugins={}).profile(name)
    for day in change_days(profile):
        if day >= profile.covers_from:
            facts = snapshot(profile, day)
            assert facts.releases
            assert facts.python_default in {None, *facts.releases}
