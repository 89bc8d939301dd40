"""Packages as of a past day: what each package manager is told, and which cannot be told."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from predeploy.installers.conda_worker import EXCLUDE_NEWER as CONDA
from predeploy.installers.pip import decision_arguments, version_in
from predeploy.model.decisions import BuildPlan, Step
from predeploy.rules.case import Case

UV = "UV_EXCLUDE_NEWER"
PIP = "PIP_UPLOADED_PRIOR_TO"

FIRST_PIP = (26, 0)
"""The first pip with ``--uploaded-prior-to``, and so with its variable."""


def dated(plan: BuildPlan, case: Case, day: date) -> BuildPlan:
    """Return the plan whose install steps see only what was uploaded by the end of ``day`` (UTC).

    What a lockfile pins needs no such limit: uv would even take the limit for a change of the lock.
    """
    limit = f"{day + timedelta(days=1)}T00:00:00Z"
    steps, undated = [], []
    for step in plan.steps:
        variables = _variables(step, plan, case) if step.phase == "install" else ()
        if variables is None:
            undated.append(step.id)
        steps.append(replace(step, env={**step.env, **dict.fromkeys(variables or (), limit)}))
    return replace(plan, steps=tuple(steps), packages_as_of=day.isoformat(), undated=tuple(undated))


def limits(plan: BuildPlan) -> Mapping[str, str]:
    """Return the variables for a resolution of our own by uv."""
    if plan.packages_as_of is None:
        return {}
    return {UV: f"{date.fromisoformat(plan.packages_as_of) + timedelta(days=1)}T00:00:00Z"}


def _variables(step: Step, plan: BuildPlan, case: Case) -> tuple[str, ...] | None:
    """Return which variables limit a step; ``None`` when its package manager has no such option."""
    if step.shell is not None:
        return _of_shell(step.shell, plan, case)
    program, words = step.argv[0].rpartition("/")[2], step.argv[1:]
    if decision_arguments(step) is not None:
        return (PIP,) if _can_limit(plan) else None
    if program == "uv":
        locked = {"--locked", "--frozen"} & set(words)
        return () if locked or (words[:1] == ("sync",) and case.tree.is_file("uv.lock")) else (UV,)
    if program == "{conda}":
        return (CONDA,)
    if program == "pipenv":
        return () if case.tree.is_file("Pipfile.lock") and "--skip-lock" not in words else None
    if program == "poetry":
        return () if case.tree.is_file("poetry.lock") else None
    return ()


LOCKS = {"poetry": "poetry.lock", "pipenv": "Pipfile.lock"}


def _of_shell(script: str, plan: BuildPlan, case: Case) -> tuple[str, ...] | None:
    """Return what a script needs by the package managers it names."""
    if re.search(r"\bconda\b|--skip-lock\b", script):
        return None
    for tool, lock in LOCKS.items():
        if re.search(rf"\b{tool}\b", script) and not case.tree.is_file(posixpath.join(plan.root, lock)):
            return None
    if _old_pip(script, plan) and not _all_pinned(plan, case):
        return None
    names = []
    if re.search(r"\buv\b", script) and not re.search(r"--(?:locked|frozen)\b", script):
        names.append(UV)
    if re.search(r"(?<!uv )\bpip3?\b", script):
        if not _can_limit(plan):
            return None
        names.append(PIP)
    return tuple(names)


def _old_pip(script: str, plan: BuildPlan) -> bool:
    """Return whether a script pins a pip that knows no such limit, and would take no notice of it."""
    pin = re.search(r"\bpip==[\"']?(\$\{?\w+\}?|[\d.]+)", script)
    if pin is None:
        return False
    version = plan.env.get(pin.group(1).strip("${}"), "") if "$" in pin.group(1) else pin.group(1)
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < FIRST_PIP


def _all_pinned(plan: BuildPlan, case: Case) -> bool:
    """Return whether every requirement of the files is an exact version."""
    from predeploy.app.requirements import read_requirements

    files = [posixpath.join(plan.root, file) for file in plan.requirement_files]
    lines = [line for file in files for line in read_requirements(case.tree, file).lines]
    return bool(lines) and all(line.specifier.startswith("==") for line in lines)


def _can_limit(plan: BuildPlan) -> bool:
    return version_in(plan.environment.seeds.get("pip") or plan.tools.get("pip") or "0") >= FIRST_PIP
