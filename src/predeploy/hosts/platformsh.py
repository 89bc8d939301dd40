"""Platform.sh and Upsun: what is installed, on which Python, and what rules ask of the configuration.

The host's validator is closed. What it refuses is modelled from the vendor's documentation, the schemas of
its command-line tools, its image registry, and logs of real deployments.
"""

from __future__ import annotations

import re

from predeploy.hosts import platformsh_outcomes as platformsh_outcomes  # registers its predicates
from predeploy.hosts import platformsh_recipe
from predeploy.hosts.platformsh_case import by_id, chosen_app, hook_of, project
from predeploy.model.conditions import Match, Outcome, Unknown, matched
from predeploy.model.decisions import BuildPlan, PythonRequest, Selection
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.evaluate import MAX_EVIDENCE
from predeploy.rules.registry import grammar, predicate, recipe, selector


@selector("platformsh.hook")
def select(case: Case) -> Selection:
    """Take the manifest that the first installing command of the build hook names."""
    app, hook = chosen_app(case), hook_of(case)
    if app is None or hook is None:
        return Selection(problem="none", reason="no Python application in the configuration")
    if not hook.script.strip():
        return Selection(
            ignored=hook.present, problem="none", reason="no build hook, so nothing is installed"
        )
    deciding = hook.deciding
    if deciding is None:
        used = next((use.tool for use in hook.uses if use.installs), None)
        reason = "no command of the build hook installs from a file of the app"
        installer = used if used in case.snapshot.installers else "hook"
        return Selection(installer=installer, ignored=hook.present, problem="none", reason=reason)
    use, files = deciding
    named = {path for other in hook.uses for path in hook.installs_from(other)}
    return Selection(
        manifest=files[0],
        installer=use.tool if use.tool in case.snapshot.installers else "hook",
        candidates=tuple(path for path in hook.present if path in named),
        ignored=tuple(path for path in hook.present if path not in named),
        reason=f"line {hook.line_of(use.call)} of {app.part.file} installs with {use.tool}",
    )


@grammar("platformsh.type")
def type_(case: Case, origin: str) -> PythonRequest | None:  # noqa: ARG001 - the file is the origin here
    """Read the version of ``type: python:3.13``; this host looks nowhere else."""
    app = chosen_app(case)
    if app is None or app.runtime != "python":
        return None
    part = app.part.get("type")
    evidence = (Evidence(path=part.file, line=part.line, text=f"type: {part.data}"),)
    if not re.fullmatch(r"\d+\.\d+", app.version):
        shown = str(part.data)[:100]
        return PythonRequest(origin=part.file, problem="invalid-type", detail=shown, evidence=evidence)
    return PythonRequest(origin=part.file, version=app.version, evidence=evidence)


@recipe("platformsh")
def build_plan(case: Case) -> BuildPlan:
    """Return the build hook and the start command with the variables the host gives them."""
    app, hook = chosen_app(case), hook_of(case)
    if app is None or hook is None:
        raise AssertionError("rules decide before a plan is made where there is no Python application")
    return platformsh_recipe.plan(case, app, project(case), hook)


# --- what rules ask -----------------------------------------------------------------------------------


@predicate("platformsh.config_problem")
def config_problem(case: Case, *, kind: str) -> Outcome:
    """Match when validation of the configuration, or of the app it describes, says this."""
    found = by_id(case).get(kind)
    if not found:
        return matched(False)
    places = tuple(
        Evidence(path=p.path, line=p.line, text=p.detail[:120] or None) for p in found[:MAX_EVIDENCE]
    )
    shown = [f"{at}: {p.text}" if p.detail else str(at) for at, p in zip(places[:3], found, strict=False)]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return Match(places, "; ".join(shown) + more)


@predicate("platformsh.unreadable")
def unreadable(case: Case) -> Outcome:
    """Unknown when a configuration file is there and cannot be read on this machine."""
    return next((Unknown(f"{path}: {reason}") for path, reason in project(case).unreadable), matched(False))


@predicate("platformsh.unknown_app")
def unknown_app(case: Case) -> Outcome:
    """Unknown when the setting ``app`` names no application of the project."""
    name = case.setting("app")
    if name is None or chosen_app(case) is not None or not project(case).apps:
        return matched(False)
    names = ", ".join(app.name for app in project(case).apps)
    return Unknown(f"{case.snapshot.id}.app={name} names no application; there are {names}")


@predicate("platformsh.other_runtime")
def other_runtime(case: Case, *, composable: bool) -> Outcome:
    """Match when the chosen application runs something else than a Python image, or a composable one."""
    app = chosen_app(case)
    known = app is not None and app.runtime in case.snapshot.lists.get("runtimes", ())
    if app is None or not known or app.runtime == "python" or (app.runtime == "composable") != composable:
        return matched(False)
    part = app.part.get("type") if app.part.get("type").data is not None else app.part.get("stack")
    text = f"{part.key}: {part.data}"
    return Match((Evidence(path=part.file, line=part.line, text=text),), str(part.data))
