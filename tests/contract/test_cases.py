"""Every statement of a host's sheet that is a case: the verdict, its reason, and the choices."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest

from predeploy.model.conditions import Match
from predeploy.model.profile import Rule
from predeploy.profiles.timeline import snapshot
from predeploy.rules.evaluate import evaluate
from support.cases import (
    CONTRACT,
    ContractCase,
    actual,
    case_of,
    expected,
    judge_case,
    load_cases,
    profile,
    registry,
)

CASES = [case for path in sorted(CONTRACT.glob("*_cases.yaml")) for case in load_cases(path)]
STATIC = [
    (name, rule)
    for name in registry().ids()
    for rule in profile(name).rules
    if rule.phase in {"detect", "plan"}
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.platform}: {case.name}")
def test_the_host_gives_this_verdict(case: ContractCase) -> None:
    assert actual(judge_case(case), case.expect) == expected(case.expect)


def test_case_names_are_unique() -> None:
    names = [(case.platform, case.name) for case in CASES]
    assert len(names) == len(set(names))


@cache
def fired_rules(platform: str) -> tuple[frozenset[str], ...]:
    """Return the rules that fire, for each case of a platform; judged once for all rules."""
    cases = [case for case in CASES if case.platform == platform]
    return tuple(frozenset(f.rule for f in judge_case(case).findings) for case in cases)


NEEDS_A_DIRECTORY = {"git-gave-no-answer", "not-tracked", "untracked-directory"}


@pytest.mark.parametrize(
    ("platform", "rule"), STATIC, ids=lambda value: value if isinstance(value, str) else value.id
)
def test_every_static_rule_fires_for_a_case_and_stays_silent_for_another(platform: str, rule: Rule) -> None:
    if rule.id in NEEDS_A_DIRECTORY:
        pytest.skip("decided by git; see tests/integration/test_git.py")
    if not any(change.verdict != "accept" for change in rule.timeline):
        pytest.skip("the platform switched this shared rule off")
    relatives = [name for name in registry().ids() if is_shared(rule, platform, name)]
    fired = {f"{name}/{rule.id}" in rules for name in relatives for rules in fired_rules(name)}
    assert fired == {True, False}


def is_shared(rule: Rule, platform: str, other: str) -> bool:
    """Whether another platform of the same family has the very same rule, so that its cases count too.

    Its texts may name other files.
    """
    same = (shared for shared in profile(other).rules if shared.id == rule.id)
    alike = any((shared.when, shared.timeline) == (rule.when, rule.timeline) for shared in same)
    return other == platform or (family(other) == family(platform) and alike)


def family(platform: str) -> str:
    """Return the profile below ``base`` that a platform extends in the end."""
    base = profile(platform).extends
    return platform if base in {None, "base"} else family(str(base))


CHANGES = [
    (name, rule, change) for name, rule in STATIC for change in rule.timeline if change.since is not None
]


@pytest.mark.parametrize(
    ("platform", "rule", "change"),
    CHANGES,
    ids=lambda v: getattr(v, "id", None) or str(getattr(v, "since", v)),
)
def test_a_dated_rule_changes_on_its_day_and_not_before(platform: str, rule: Rule, change: object) -> None:
    day = change.since  # type: ignore[attr-defined]
    index = rule.timeline.index(change)
    before = rule.timeline[index - 1].verdict if index else "accept"
    covered = profile(platform).covers_from
    matching = None
    for case in CASES:
        if case.platform == platform and isinstance(evaluate(rule.when, case_of(case, as_of=day)), Match):
            matching = case
            break
    if matching is None:
        pytest.skip("no case meets the condition on that day")
    verdicts = {}
    for moment in (day - timedelta(days=1), day):
        rules = {active.id: active.severity for active in snapshot(profile(platform), moment).rules}
        verdicts[moment] = rules.get(rule.id, "accept")
        if moment >= covered and verdicts[moment] != "accept" and moment == day:
            detection = judge_case(matching, as_of=moment)
            assert any(f.rule == f"{platform}/{rule.id}" for f in detection.findings)
    assert verdicts == {day - timedelta(days=1): before, day: change.verdict}  # type: ignore[attr-defined]
