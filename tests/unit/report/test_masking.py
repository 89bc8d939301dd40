"""Secrets leave the free text, and nothing else."""

from __future__ import annotations

from predeploy.env.secrets import Secrets
from predeploy.model.decisions import BuildPlan, Environment, Step
from predeploy.model.execution import BootResult, Cause
from predeploy.model.findings import Evidence, Finding
from predeploy.report.masking import masked

FINDING = Finding(
    rule="heroku/rule",
    phase="plan",
    severity="reject",
    headline="qwerty-9",
    message="qwerty-9 said qwerty-9",
    evidence=(Evidence(path="qwerty-9", text="qwerty-9"),),
)


def secrets_of(*values: str) -> Secrets:
    secrets = Secrets()
    for value in values:
        secrets.value(value)
    return secrets


def test_free_text_is_masked_and_names_stay() -> None:
    found = masked((FINDING,), secrets_of("qwerty-9"))[0]
    assert (found.rule, found.severity, found.headline) == ("heroku/rule", "reject", "qwerty-9")
    assert found.message == "*** said ***"
    assert found.evidence == (Evidence(path="qwerty-9", text="***"),)


def test_a_plan_is_masked_throughout() -> None:
    env = {"s3cret-0": "s3cret-0", "PIN": "123", "DEBUG": "true"}
    step = Step(id="s3cret-0-step", phase="install", reason="r", argv=("x", "s3cret-0"), env=env)
    plan = BuildPlan(platform="p", as_of="d", environment=Environment(python="3"), steps=(step,))
    secrets = secrets_of("s3cret-0")
    secrets.variables({"PIN": "123", "DEBUG": "true"})
    made = masked(plan, secrets).steps[0]
    assert (made.id, made.argv) == ("s3cret-0-step", ("x", "***"))
    assert made.env == {"s3cret-0": "***", "PIN": "***", "DEBUG": "true"}


def test_a_field_that_nobody_thought_of_is_masked() -> None:
    shown = masked(
        BootResult(status="ok", tail="s3cret-0", cause=Cause(text="s3cret-0", path="p", line=1)),
        secrets_of("s3cret-0"),
    )
    assert (shown.tail, shown.cause) == ("***", Cause(text="***", path="p", line=1))
