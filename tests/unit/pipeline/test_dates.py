"""Which steps are held to a past day's packages, by which variable, and which cannot be."""

from __future__ import annotations

from datetime import date

import pytest

from predeploy.app.tree import Tree
from predeploy.installers.uploads import without_upload_times
from predeploy.model.decisions import BuildPlan, Environment, Step
from predeploy.pipeline.dates import PIP, UV, dated, limits
from predeploy.profiles.timeline import snapshot
from predeploy.rules.case import Case
from support.cases import TODAY, profile

DAY = date(2026, 2, 28)
LIMIT = "2026-03-01T00:00:00Z"


def limited(step: Step, *, pip: str = "26.2.1", files: tuple[str, ...] = ()) -> BuildPlan:
    seeds = {"pip": pip} if pip else {}
    plan = BuildPlan(
        platform="x", as_of=str(DAY), environment=Environment(python="3.13", seeds=seeds), steps=(step,)
    )
    tree = Tree.of(dict.fromkeys(files, ""))
    return dated(plan, Case(snapshot=snapshot(profile("heroku"), TODAY), tree=tree), DAY)


def install(*argv: str) -> Step:
    return Step(id="install", phase="install", reason="", argv=argv)


@pytest.mark.parametrize(
    ("argv", "variable"),
    [
        (("pip", "install", "-r", "requirements.txt"), PIP),
        (("{bin}/python", "-m", "pip", "install", "x"), PIP),
        (("{tool:uv}/uv", "pip", "install", "x"), UV),
        (("{tool:uv}/uv", "lock"), UV),
        (("{tool:uv}/uv", "sync"), UV),
    ],
)
def test_pip_and_uv_are_held_to_the_end_of_the_day(argv: tuple[str, ...], variable: str) -> None:
    plan = limited(install(*argv))
    assert plan.steps[0].env == {variable: LIMIT}
    assert (plan.packages_as_of, plan.undated) == ("2026-02-28", ())


@pytest.mark.parametrize(
    ("argv", "files"),
    [
        (("{tool:uv}/uv", "sync", "--locked"), ("uv.lock",)),
        (("{tool:uv}/uv", "sync"), ("uv.lock",)),
        (("{tool:poetry}/poetry", "sync"), ("poetry.lock",)),
        (("{tool:pipenv}/pipenv", "install", "--deploy"), ("Pipfile.lock",)),
    ],
)
def test_what_a_lockfile_pins_needs_no_limit(argv: tuple[str, ...], files: tuple[str, ...]) -> None:
    plan = limited(install(*argv), files=files)
    assert plan.steps[0].env == {}
    assert plan.undated == ()


@pytest.mark.parametrize(
    ("argv", "pip"),
    [
        (("pip", "install", "x"), "25.3"),
        (("pip", "install", "x"), ""),
        (("{tool:poetry}/poetry", "lock"), "26.2.1"),
        (("{tool:pipenv}/pipenv", "install", "--skip-lock"), "26.2.1"),
    ],
)
def test_the_others_cannot_be_held_to_a_day(argv: tuple[str, ...], pip: str) -> None:
    plan = limited(install(*argv), pip=pip)
    assert plan.steps[0].env == {}
    assert plan.undated == ("install",)


@pytest.mark.parametrize(
    ("script", "env", "undated"),
    [
        ("pip install -r requirements.txt", {PIP: LIMIT}, ()),
        ("uv pip install x", {UV: LIMIT}, ()),
        ("uv sync --locked", {}, ()),
        ("pip install uv && uv sync", {UV: LIMIT, PIP: LIMIT}, ()),
        ("pip install poetry && poetry install", {}, ("hook",)),
        ("npm run build", {}, ()),
    ],
)
def test_a_script_is_held_by_what_it_names(
    script: str, env: dict[str, str], undated: tuple[str, ...]
) -> None:
    plan = limited(Step(id="hook", phase="install", reason="", shell=script))
    assert (plan.steps[0].env, plan.undated) == (env, undated)


def test_steps_of_other_phases_stay_as_they_are() -> None:
    check = Step(id="check", phase="verify", reason="", argv=("{uv}", "pip", "check"))
    assert limited(check).steps == (check,)


def test_a_resolution_of_our_own_has_the_same_limit() -> None:
    assert limits(limited(install("pip", "install", "x"))) == {UV: LIMIT}
    assert limits(BuildPlan(platform="x", as_of="", environment=Environment(python="3.13"))) == {}


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Index https://host/simple/x/ does not provide upload-time metadata.",
        "warning: `x-1.whl` is missing an upload date, but user provided: 2025-06-02T00:00:00Z",
    ],
)
def test_both_tools_words_for_missing_times_are_known(line: str) -> None:
    assert without_upload_times(f"before\n  {line}\nafter\n") == line
    assert without_upload_times("ERROR: No matching distribution found for x") == ""
