"""Secrets leave the free text, and nothing else."""

from __future__ import annotations

from predeploy.env.secrets import Redactor
from predeploy.model.decisions import BuildPlan, Environment, Step
from predeploy.model.findings import Evidence, Finding
from predeploy.report.masking import masked

FINDING = Finding(
    rule="heroku/rule",
    phase="plan",
    severity="reject",
    headline="heroku",
    message="heroku said heroku",
    evidence=(Evidence(path="heroku", text="heroku"),),
)


def test_free_text_is_masked_and_names_stay() -> None:
    found = masked((FINDING,), Redactor(["heroku", "reject"]))[0]
    assert (found.rule, found.severity, found.headline) == ("heroku/rule", "reject", "heroku")
    assert found.message == "*** said ***"
    assert found.evidence == (Evidence(path="heroku", text="***"),)


def test_a_plan_is_masked_throughout() -> None:
    step = Step(id="s3cret-step", phase="install", reason="r", argv=("x", "s3cret"), env={"s3cret": "s3cret"})
    plan = BuildPlan(platform="p", as_of="d", environment=Environment(python="3"), steps=(step,))
    made = masked(plan, Redactor(["s3cret"])).steps[0]
    assert (made.id, made.argv, made.env) == ("s3cret-step", ("x", "***"), {"s3cret": "***"})


def test_every_line_of_a_secret_is_one() -> None:
    redact = Redactor(["-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----"])
    assert redact("printed abcdefgh") == "printed ***"
