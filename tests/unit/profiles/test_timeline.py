"""Timelines collapse to what holds on a day: start inclusive, end exclusive."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from predeploy.model.conditions import Test
from predeploy.model.profile import Dated, Profile, Rule, RuleChange, Window
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import (
    change_days,
    is_announced,
    members_on,
    snapshot,
    sources_on,
    value_on,
)


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
    assert not snapshot(profile(), date(2012, 3, 23)).covered


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


def test_a_command_has_a_timeline() -> None:
    old, new = snapshot(profile(), date(2025, 1, 12)), snapshot(profile(), date(2025, 1, 13))
    assert old.installers["poetry"].command[1:3] == ("install", "--sync")
    assert new.installers["poetry"].command[1:3] == ("sync", "--only")
    assert old.installers["poetry"].commands == ()


def test_a_command_that_is_not_recorded_is_empty() -> None:
    days = (date(2017, 9, 25), date(2017, 9, 26))
    assert [bool(snapshot(profile(), day).installers["pipenv"].command) for day in days] == [False, True]


@pytest.mark.parametrize(
    ("day", "option"), [("2013-08-31", "--use-mirrors"), ("2014-02-21", "--allow-all-external")]
)
def test_pip_once_got_options_that_are_gone(day: str, option: str) -> None:
    change = date.fromisoformat(day)
    assert option in snapshot(profile(), change).installers["pip"].command
    assert option not in snapshot(profile(), date(2013, 9, 1)).installers["pip"].command


def test_a_reason_id_of_its_day_leaves_the_verdict_as_old_as_it_is() -> None:
    rule = Rule(
        id="x",
        phase="plan",
        when=Test(predicate="empty_tree"),
        headline="",
        source="",
        upstream_id="new",
        timeline=(
            RuleChange(verdict="reject", upstream_id=""),
            RuleChange(verdict="reject", since=date(2024, 7, 1), upstream_id="old"),
            RuleChange(verdict="reject", since=date(2024, 10, 14)),
            RuleChange(verdict="accept", since=date(2025, 1, 1)),
        ),
    )
    changing = replace(profile(), rules=(rule,))
    found = {}
    for day in (date(2024, 6, 30), date(2024, 7, 1), date(2024, 10, 14)):
        (active,) = snapshot(changing, day).rules
        found[day.isoformat()] = active.upstream_id
        assert (active.since, active.until) == (None, date(2025, 1, 1))
    assert found == {"2024-06-30": None, "2024-07-01": "old", "2024-10-14": "new"}


def test_a_day_after_the_last_comparison_is_announced() -> None:
    assert is_announced(profile(), date(2027, 1, 6))
    assert not is_announced(profile(), date(2025, 12, 10))
    assert "changelog v325" in sources_on(profile(), date(2025, 12, 10))
