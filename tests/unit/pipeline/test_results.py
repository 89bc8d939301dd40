"""Statuses, exit codes and their precedence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from predeploy.model import Status
from predeploy.model.decisions import PythonChoice, Selection
from predeploy.model.findings import Finding
from predeploy.model.results import PlatformResult
from predeploy.pipeline.detect import outcome_of, settle, status_of
from predeploy.pipeline.static import exit_code


def result(status: Status, *, transient: bool = False) -> PlatformResult:
    return PlatformResult(
        platform="p",
        name="P",
        status=status,
        phase="plan",
        findings=(),
        selection=Selection(),
        python=PythonChoice(),
        transient=transient,
    )


@pytest.mark.parametrize(
    ("statuses", "strict", "expected"),
    [
        (["accept", "warn"], True, 0),
        (["accept", "unknown"], False, 0),
        (["accept", "unknown"], True, 3),
        (["unknown", "reject"], True, 1),
        (["accept", "fail"], False, 1),
        ([], False, 0),
    ],
)
def test_exit_codes(statuses: list[Status], strict: bool, expected: int) -> None:
    assert exit_code(tuple(map(result, statuses)), strict=strict) == expected


def test_a_refusal_outweighs_trouble_and_trouble_an_unknown() -> None:
    trouble = result("unknown", transient=True)
    assert exit_code((trouble, result("reject")), strict=True) == 1
    assert exit_code((trouble, result("unknown")), strict=True) == 75
    assert exit_code((result("reject"),), strict=True, interrupted=True) == 130


FINDING = Finding(rule="p/r", phase="plan", severity="warn", headline="h")


def with_severities(*severities: str) -> tuple[Finding, ...]:
    return tuple(replace(FINDING, severity=severity) for severity in severities)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("severities", "status", "decisive"),
    [
        (["note"], "accept", None),
        (["note", "warn"], "warn", None),
        (["warn", "reject", "reject"], "reject", 1),
        (["unknown", "reject"], "reject", 1),
        (["unknown", "warn", "unknown"], "unknown", 0),
        (["fail", "unknown"], "fail", 0),
    ],
)
def test_what_findings_amount_to(severities: list[str], status: str, decisive: int | None) -> None:
    settled = settle(with_severities(*severities))
    assert status_of(settled) == status
    assert [index for index, finding in enumerate(settled) if finding.decisive] == (
        [] if decisive is None else [decisive]
    )


def test_settling_again_moves_the_mark_to_a_refusal_found_later() -> None:
    first = settle(with_severities("unknown"))
    both = settle((*first, *with_severities("reject")))
    assert [finding.decisive for finding in both] == [False, True]


def test_the_outcome_of_a_phase() -> None:
    findings = with_severities("note", "warn")
    assert outcome_of(findings, "plan") == "warn"
    assert outcome_of(findings, "detect") == "ok"
