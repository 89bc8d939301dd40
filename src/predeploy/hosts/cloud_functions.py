"""Google Cloud Functions: the plan of the functions buildpacks, and how a start that fails is read.

Source: GoogleCloudPlatform/buildpacks at 21f28de8 (2026-08-22); functions-framework-python 3.10.2.
What is chosen lies in ``google_manifest`` and ``google_python``, what is installed in ``google_steps``; what
only functions have, in the modules with this one's prefix.
"""

from __future__ import annotations

import re

# These register what the profile refers to by name.
from predeploy.hosts import cloud_functions_imports, cloud_functions_syntax, google  # noqa: F401
from predeploy.hosts.cloud_functions_call import call_for
from predeploy.hosts.cloud_functions_framework import framework_injected, framework_list
from predeploy.hosts.cloud_functions_source import inferred_event, signature, source_path, target
from predeploy.hosts.google_steps import Queued, build_plan, run_variables, started
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import Boot, BuildPlan, Step
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.outcomes import last_line
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate, recipe


@recipe("cloud_functions")
def cloud_functions(case: Case) -> BuildPlan:
    """Return the builder's steps: compile the sources, install in the builder's way, check, start."""
    return build_plan(
        case,
        before=(_compile_sources(),),
        queued=_framework(case),
        boot=_boot(case),
        processes={"web": "functions-framework"},
        entry_modules=(source_path(case),),
        import_roots=(source_path(case).rpartition("/")[0],),
    )


def _framework(case: Case) -> Queued | None:
    if not framework_injected(case):
        return None
    reason = "the Functions Framework is not declared, so the builder's own list comes first"
    return Queued(step="install-framework", requirements=framework_list(case), reason=reason)


def _compile_sources() -> Step:
    return Step(
        id="compile-sources",
        phase="install",
        reason="every Python file of the upload must compile",
        argv=("{bin}/python", "-m", "compileall", "-f", "-q", "."),
        spares_environment=True,
    )


def _boot(case: Case) -> Boot:
    launch = case.snapshot.launch
    wanted = target(case)
    env = {**launch.env, "PORT": "{port}", "FUNCTION_TARGET": wanted.name if wanted else ""}
    for key, name in (("source", "FUNCTION_SOURCE"), ("signature", "FUNCTION_SIGNATURE_TYPE")):
        value = case.setting(key)
        if value is not None:
            env[name] = value
    if inferred_event(case) or "decorators" in case.snapshot.extra:
        env["FUNCTION_SIGNATURE_TYPE"] = signature(case)
    step = Step(
        id="web",
        phase="boot",
        reason=f"the web process; the target is {wanted.name}, from {wanted.origin}"
        if wanted
        else "the web process",
        argv=("{bin}/functions-framework",),
        env={**run_variables(case), **env},
        timeout_seconds=launch.timeout_seconds,
    )
    return started(case, step, call_for(case))


@predicate("cloud_functions.call_failed")
def call_failed(case: Case, *, signatures: Words) -> Outcome:
    """Match when a function of one of these signature types did not answer its one call, or with an error."""
    boot = case.execution.boot if case.execution else None
    call = boot.call if boot is not None else None
    if call is None or (call.status or 500) < 500 or signature(case) not in words(signatures):
        return matched(False)
    said = f"answered {call.status}" if call.status else "did not answer"
    if boot is not None and boot.cause is not None:
        place = Evidence(path=boot.cause.path, line=boot.cause.line, text=boot.cause.text)
        return Match((place,), f"{call.what} {said}: {boot.cause.text}")
    return Match((), f"{call.what} {said}")


ENVIRONMENT_SIGNS = (
    "DefaultCredentialsError",
    "could not be determined from the environment",
    "MagickWand shared library not found",
    "cannot open shared object file",
    "FIREBASE_CONFIG",
)
"""Words of a traceback that blame what the cloud has and this machine has not."""

FRAMEWORK_ERRORS = {
    "MissingSourceException": "source-missing",
    "MissingTargetException": "target-not-found",
    "InvalidTargetTypeException": "target-not-function",
}

MISSING_VARIABLE = pattern(r"^KeyError: ['\"](\w+)['\"]$")


@predicate("cloud_functions.start_failure")
def start_failure(case: Case, *, kinds: Words) -> Outcome:
    """Match when the start ended by itself for one of these reasons, read from the traceback's end.

    The kinds: needs-environment, source-missing, target-not-found, target-not-function, import-error, other.
    """
    boot = case.execution.boot if case.execution else None
    if boot is None or boot.status != "crashed":
        return matched(False)
    kind, line = classify(boot.tail)
    place, cause = Evidence(path=boot.log or "start", text=line[:200]), boot.cause
    if kind == "other" and cause is not None:  # the app's own file ended it, so it was while loading
        kind, line = "import-error", cause.text
    if cause is not None and line.startswith(cause.text):
        place = Evidence(path=cause.path, line=cause.line, text=cause.text)
    return matched(kind in words(kinds), place, detail=line[:400])


def classify(output: str) -> tuple[str, str]:
    """Return why the framework ended, in one word, and the line that says so."""
    last = last_line(output)
    # A traceback shows source lines indented; what the exception itself says is not.
    said = [line for line in output.rpartition("Traceback (most")[2].splitlines() if not line.startswith(" ")]
    for line in said:
        if any(sign in line for sign in ENVIRONMENT_SIGNS):
            return "needs-environment", line
    if MISSING_VARIABLE.match(last) and re.search(r'File "(?:<frozen os>|.*/os\.py)", line \d+', output):
        return "needs-environment", last
    for name, kind in FRAMEWORK_ERRORS.items():
        if f"{name}: " in last:
            return kind, last
    if "exec_module(source_module)" in output or "Error: No module named" in last:
        return "import-error", last
    return "other", last
