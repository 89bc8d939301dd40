"""Three-valued logic, and how a rule becomes a finding."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from predeploy.app.tree import Tree
from predeploy.errors import ProfileError
from predeploy.model.conditions import Combined, Condition, Match, NoMatch, Outcome, Test, Unknown
from predeploy.model.findings import Evidence
from predeploy.model.snapshot import ActiveRule
from predeploy.profiles.registry import Registry
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from predeploy.rules.evaluate import evaluate, judge
from predeploy.rules.registry import PREDICATES, load_builtin, predicate

YES, NO, MAYBE = Test("test.yes"), Test("test.no"), Test("test.maybe")
WORD = {"test.yes": "yes", "test.no": "no", "test.maybe": "maybe"}


load_builtin()  # a module registers once, so the table itself is added to and never replaced


@pytest.fixture(autouse=True)
def _predicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PREDICATES, "test.yes", lambda case: Match((Evidence(path="a", line=3),), "detail"))
    monkeypatch.setitem(PREDICATES, "test.no", lambda case: NoMatch())
    monkeypatch.setitem(PREDICATES, "test.maybe", lambda case: Unknown("the disk is on fire"))


def case(files: dict[str, bytes | str | None] | None = None) -> Case:
    facts = snapshot(Registry(plugins={}).profile("heroku"), date(2026, 11, 20))
    return Case(snapshot=facts, tree=Tree.of(files or {}))


def word(outcome: Outcome) -> str:
    return {Match: "yes", NoMatch: "no", Unknown: "maybe"}[type(outcome)]


@pytest.mark.parametrize(("left", "right"), list(product((YES, NO, MAYBE), repeat=2)))
def test_all_and_any_follow_three_valued_logic(left: Test, right: Test) -> None:
    values = {WORD[left.predicate], WORD[right.predicate]}
    both = "no" if "no" in values else "maybe" if "maybe" in values else "yes"
    either = "yes" if "yes" in values else "maybe" if "maybe" in values else "no"
    assert word(evaluate(Combined("all", (left, right)), case())) == both
    assert word(evaluate(Combined("any", (left, right)), case())) == either


@pytest.mark.parametrize(("part", "expected"), [(YES, "no"), (NO, "yes"), (MAYBE, "maybe")])
def test_not(part: Test, expected: str) -> None:
    assert word(evaluate(Combined("not", (part,)), case())) == expected


def rule(when: Condition, severity: str, phase: str = "plan", identity: str = "r") -> ActiveRule:
    return ActiveRule(
        id=identity,
        phase=phase,  # type: ignore[arg-type]
        when=when,
        severity=severity,  # type: ignore[arg-type]
        headline="h",
        message="found {evidence}",
        hint="",
        source="s",
        upstream_id=None,
        confidence="exact",
        since=date(2025, 1, 1),
        until=None,
    )


def judged(*rules: ActiveRule, phase: str = "plan") -> list[tuple[str, str]]:
    example = case()
    example.snapshot = replace(example.snapshot, rules=rules)
    return [(finding.severity, finding.message) for finding in judge(example, (phase,))]  # type: ignore[arg-type]


def test_a_match_fills_the_message() -> None:
    assert judged(rule(YES, "reject")) == [("reject", "found detail")]


def test_an_undecided_refusal_is_unknown_and_an_undecided_warning_a_note() -> None:
    text = "Could not be decided: the disk is on fire."
    assert judged(rule(MAYBE, "reject"), rule(MAYBE, "warn")) == [("unknown", text), ("note", text)]


def test_static_phases_report_what_would_come_next() -> None:
    assert len(judged(rule(YES, "reject"), rule(YES, "warn"), rule(YES, "reject"))) == 3


@pytest.mark.parametrize("phase", ["install", "boot"])
def test_executed_phases_stop_at_the_first_failure(phase: str) -> None:
    rules = (rule(YES, "warn", phase), rule(YES, "fail", phase), rule(YES, "fail", phase))
    assert [severity for severity, _ in judged(*rules, phase=phase)] == ["warn", "fail"]


def test_an_unknown_predicate_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match=r"unknown predicate 'test\.yse'; did you mean 'test\.yes'"):
        evaluate(Test("test.yse"), case())


def test_two_functions_may_not_share_a_name() -> None:
    def other(case: Case) -> Outcome:
        return NoMatch()

    with pytest.raises(ProfileError, match="two functions are registered as 'path_exists'"):
        predicate("path_exists")(other)
