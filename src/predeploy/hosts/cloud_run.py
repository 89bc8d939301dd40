"""Cloud Run, deployed from source: the groups of the builder for apps that are no function.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22).
"""

from __future__ import annotations

from typing import Literal

# These register what the profile refers to by name.
from predeploy.hosts import google  # noqa: F401
from predeploy.hosts.google_entrypoint import (
    Entry,
    declared,
    declares_gunicorn,
    default_entry,
    procfile_commands,
    procfile_text,
    served_files,
    web_boot,
    webserver,
    without_app,
)
from predeploy.hosts.google_steps import build_plan
from predeploy.model.conditions import Outcome, matched
from predeploy.model.decisions import BuildPlan
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import NotRecorded, predicate, recipe


def is_explicit(case: Case) -> bool:
    """Return whether a group for a start that is said opts in: by its presence, not by its content."""
    return bool(case.setting("entrypoint")) or procfile_text(case) is not None


def entry(case: Case) -> Entry | None:
    """Return the web process; ``None`` where there is none."""
    return case.once("cloud_run.entry", lambda: _entry(case))


def _entry(case: Case) -> Entry | None:
    given = case.setting("entrypoint")
    if given:
        return Entry(origin="GOOGLE_ENTRYPOINT", shell=given)
    if procfile_text(case) is not None:
        command = procfile_commands(case).get("web")
        return Entry(origin="the web line of the Procfile", shell=command) if command else None
    return default_entry(case)


@recipe("cloud_run")
def cloud_run(case: Case) -> BuildPlan:
    """Return the builder's steps: the webserver where it is added, the app's dependencies, the check."""
    web = entry(case)
    if web is None:
        raise NotRecorded
    service = {"K_SERVICE": case.name, "K_REVISION": f"{case.name}-00001", "K_CONFIGURATION": case.name}
    return build_plan(
        case,
        queued=None if is_explicit(case) else webserver(case),
        boot=web_boot(case, web, service),
        processes={"web": web.shown},
        entry_modules=served_files(case, web),
    )


@predicate("cloud_run.no_entrypoint")
def no_entrypoint(case: Case, *, why: Literal["missing", "procfile-empty", "procfile-no-web"]) -> Outcome:
    """Match when nothing can be started for this reason."""
    if entry(case) is not None:
        return matched(False)
    if procfile_text(case) is None:
        return matched(why == "missing")
    commands = procfile_commands(case)
    found = "procfile-no-web" if commands else "procfile-empty"
    return matched(why == found, Evidence(path="Procfile"), detail=", ".join(commands) or "Procfile")


@predicate("cloud_run.server_not_declared")
def server_not_declared(case: Case) -> Outcome:
    """Match when gunicorn is the default start, and the project that is installed does not declare it."""
    web = entry(case)
    default = web is not None and web.argv[:1] == ("{bin}/gunicorn",)
    lost = case.selection.manifest == "pyproject.toml" and "gunicorn" not in declared(case)
    return matched(default and lost, Evidence(path="pyproject.toml"))


@predicate("cloud_run.app_missing")
def app_missing(case: Case) -> Outcome:
    """Match when the default start serves a module that binds no ``app``."""
    is_function = "GOOGLE_FUNCTION_TARGET" in case.env  # another rule says so
    place = None if is_function else without_app(case, entry(case))
    return matched(place is not None, *((place,) if place else ()))


@predicate("cloud_run.nothing_installed")
def nothing_installed(case: Case) -> Outcome:
    """Match when the start is said and there is no manifest, so that nothing at all is installed."""
    return matched(is_explicit(case) and case.selection.manifest is None and not declares_gunicorn(case))
