"""The install phase: an interpreter, a fresh virtualenv, the host's steps, and the host's own Python."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from time import perf_counter
from typing import TYPE_CHECKING

from predeploy.env.environment import SYSTEM_PATH
from predeploy.env.transient import transient_line
from predeploy.errors import ToolError, TransientError
from predeploy.events import Remark, StepFinished, StepStarted
from predeploy.model.decisions import Step
from predeploy.model.execution import ForeignResolution, LocalPython, StepResult
from predeploy.pipeline import placing
from predeploy.pipeline.dates import limits
from predeploy.pipeline.stage import Stage
from predeploy.pipeline.surroundings import prefixes
from predeploy.pipeline.verify import importable

if TYPE_CHECKING:
    from predeploy.env.environments import Template


def run_steps(stage: Stage) -> bool:
    """Run the plan's install steps in order; return whether the last word was success.

    A step with a fallback may fail: the fallback then decides in its place.
    """
    steps = [step for step in stage.plan.steps if step.phase == "install"]
    fallbacks = {step.fallback_of for step in steps if step.fallback_of}
    for step in steps:
        if step.fallback_of and not _failed(stage, step.fallback_of):
            continue
        module = step.only_if_importable
        if module is not None and module not in importable(stage):
            stage.skip(step, f"{module} cannot be imported here, so the host does not run this")
            continue
        if step.only_if_installed is not None and not _installed(stage, step.only_if_installed):
            stage.skip(step, f"{step.only_if_installed} is not installed, so the host does not run this")
            continue
        program = step.only_if_program
        if program is not None and which(program, path=":".join(SYSTEM_PATH)) is None:
            stage.skip(step, f"{program} is not installed here")
            continue
        result = placing.install(stage, step)
        if step.fallback_of and result.status == "ok":
            _forgive(stage, step.fallback_of)
        if result.status in {"failed", "timeout", "transient"} and step.id not in fallbacks:
            return False
    return True


def run_hooks(stage: Stage, *, after_start: bool) -> None:
    """Run the scripts that the host runs around the start, whose failure ends nothing."""
    for step in stage.plan.steps:
        if step.phase != "boot" or step.after_start is not after_start:
            continue
        preferred = stage.plan.boot.preferred_port if stage.plan.boot else None
        stage.places.setdefault("port", str(preferred or 0))
        stage.places.setdefault("socket", f"{stage.places['run']}/app.sock")
        stage.run(step)


def _installed(stage: Stage, pin: str) -> bool:
    from predeploy.pipeline.verify import installed

    return any(f"{item.name.lower()}=={item.version}" == pin for item in installed(*stage.prefixes()))


def undated(stage: Stage) -> tuple[str, ...]:
    """Return the steps that ran and could not be held to the packages of the plan's day."""
    ran = {result.id for result in stage.results if result.status != "skipped"}
    return tuple(step_id for step_id in stage.plan.undated if step_id in ran)


def _failed(stage: Stage, step_id: str) -> bool:
    return any(result.id == step_id and result.status not in {"ok", "skipped"} for result in stage.results)


def _forgive(stage: Stage, step_id: str) -> None:
    """Mark a failed step as ignored, since the host's build does not rest on it."""
    from dataclasses import replace

    for index, result in enumerate(stage.results):
        if result.id == step_id and result.status != "ok":
            stage.results[index] = replace(result, status="ignored")


def create_environment(stage: Stage) -> bool:
    """Put an environment with the host's seeds into the run; return whether the index let us.

    It is made once for all runs, outside the sandbox since no code of the app runs in it. Raise
    :class:`ToolError` for anything else that went wrong, since the app has no part in it.
    """
    from predeploy.env.environments import Template

    seeds = stage.plan.environment.seeds
    template = Template(
        python=stage.interpreter,
        version=stage.python_version,
        seeds=seeds,
        runner=stage.runner,
        env={**stage.outer_env, "UV_CACHE_DIR": str(stage.cache / "uv")},
        logs=stage.work.logs,
    )
    argv = template.argv(stage.places["venv"], stage.cache)
    step_id, tail = "create-environment", ""
    stage.reporter.emit(StepStarted(stage.platform, "install", step_id, " ".join(argv)))
    begun = perf_counter()
    try:
        _place_environment(stage, template)
    except TransientError as error:
        tail = str(error)
    except ToolError as error:
        if stage.cancellation.requested:
            raise
        named = ", ".join(f"{name} {version}" for name, version in seeds.items())
        raise ToolError(f"no environment with {named or 'Python'} could be made: {error}") from None
    result = StepResult(
        id=step_id,
        phase="install",
        status="transient" if tail else "ok",
        argv=argv,
        returncode=1 if tail else 0,
        seconds=perf_counter() - begun,
        tail=tail,
        reason=transient_line(tail) if tail else "",
        output=tail,
    )
    stage.results.append(result)
    stage.reporter.emit(StepFinished(stage.platform, "install", step_id, result.status, result.seconds))
    return not tail


def _place_environment(stage: Stage, template: Template) -> None:
    """Put a copy of the environment in the cache into the run, as links where it can be kept from others."""
    from predeploy.env.environments import place

    stage.template = template.ensure(
        stage.cache, cancelled=lambda: stage.cancellation.requested, say=stage.say
    )
    outside, inside = stage.interpreter.parent.parent, Path(stage.places["python"]).parent.parent
    moved = {"venv": stage.places["venv"], str(outside): str(inside)}
    wanted = stage.sandbox.kind != "none"
    stage.may_link = stage.linked = place(stage.template, stage.work.venv, moved=moved, link=wanted)
    if stage.plan.environment.base:
        _make_base(stage)
    if wanted and not stage.may_link:
        stage.say(f"{stage.work.root} and {stage.cache} share no file system: files are copied")


def _make_base(stage: Stage) -> None:
    """Make the run's own interpreter of the environment; no code of the app has run by then."""
    from predeploy.env.throwaway import GUARD, make_base

    guarded = stage.sandbox.kind == "none"
    make_base(stage.work.venv, stage.interpreter, guarded=guarded)
    if guarded:
        stage.base_env = {**stage.base_env, GUARD: "1"}


def prepare_tools(stage: Stage, python: Path) -> None:
    """Make the plan's pinned tools, and add their directories to the places of the run."""
    from predeploy.env.tools import ensure_tool

    for name, version in stage.plan.tools.items():
        directory = ensure_tool(
            name,
            version,
            cache=stage.cache,
            python=python,
            runner=stage.runner,
            env=stage.outer_env,
            log_dir=stage.work.logs,
            minor=".".join(stage.python_version.split(".")[:2]),
            cancelled=lambda: stage.cancellation.requested,
            say=stage.say,
        )
        stage.places[f"tool:{name}"] = stage.sandbox.tool(directory)


def choose_interpreter(stage: Stage) -> tuple[LocalPython, Path]:
    """Return the interpreter for the build: the host's version, a fetched one, else the nearest.

    Raise :class:`ToolError` when this machine has none at all.
    """
    from predeploy.env import interpreters
    from predeploy.env.interpreters import Search

    wanted = stage.plan.environment.python
    fetched = stage.cache / "python"
    own = Path(sys.base_prefix)  # the interpreter predeploy runs on is one that surely works
    search = Search.from_environ(
        stage.request.environ, stage.request.home, extra=(fetched, own), cache=stage.cache
    )
    found = interpreters.discover(search)
    choice = interpreters.choose(found, wanted)
    if (choice is None or choice[1] == "none") and stage.request.fetch_python:
        minor = ".".join(wanted.split(".")[:2])
        stage.reporter.emit(Remark(stage.platform, f"Python {minor} is not here; asking uv for it"))
        memory = stage.cache / f"fetch-{minor}.failed"
        if interpreters.fetch(
            minor, directory=fetched, runner=stage.runner, env=stage.outer_env, memory=memory
        ):
            found = interpreters.discover(search)
            choice = interpreters.choose(found, wanted)
    if choice is None:
        raise ToolError(f"no Python interpreter is here to build with (wanted {wanted})")
    interpreter, match = choice
    stage.interpreter = interpreter.path
    stage.python_version = interpreter.version
    stage.places["python"] = stage.sandbox.python(
        interpreter.path, prefixes(interpreter.path, stage.request.home)
    )
    local = LocalPython(version=interpreter.version, path=str(interpreter.path), match=match)
    return local, interpreter.path


def resolve_for_host(stage: Stage) -> ForeignResolution:
    """Resolve the dependencies for the host's own Python and Linux, without installing.

    First with wheels only, which is an answer; then with source distributions, which says that the host
    would have to compile something.
    """
    plan = stage.plan
    if not plan.requirement_files and not plan.requirements:
        return ForeignResolution(
            status="unavailable", detail="this installer's files cannot be resolved for another Python yet"
        )
    extra = "{temp}/host-requirements.txt"
    text = "".join(f"{line}\n" for line in plan.requirements)
    (stage.work.temp / "host-requirements.txt").write_text(text, encoding="utf-8")
    wheels = _compile(stage, extra, "resolve-for-host", ("--only-binary", ":all:"))
    if wheels.status == "ok":
        return ForeignResolution(status="resolved")
    if wheels.status in {"transient", "timeout"}:
        return ForeignResolution(status="unavailable", detail=_reason(wheels))
    anything = _compile(stage, extra, "resolve-for-host-with-sources", ())
    if anything.status == "ok":
        return ForeignResolution(status="source-builds", detail=_reason(wheels))
    status = "unavailable" if anything.status in {"transient", "timeout"} else "unsatisfiable"
    return ForeignResolution(status=status, detail=_reason(anything))  # type: ignore[arg-type]


def _compile(stage: Stage, extra: str, step_id: str, options: tuple[str, ...]) -> StepResult:
    minor = ".".join(stage.plan.environment.python.split(".")[:2])
    tag = stage.case.snapshot.platform_tag
    argv: tuple[str, ...] = ("{uv}", "pip", "compile", "--quiet", "--no-header", "--python", "{python}")
    argv += ("--python-version", minor, "--python-platform", tag, *options)
    argv += ("--output-file", "{temp}/resolved.txt", extra, *stage.plan.requirement_files)
    result = stage.run(
        Step(
            id=step_id,
            phase="install",
            reason=f"this machine has no Python {minor}",
            argv=argv,
            env=dict(limits(stage.plan)),
            timeout_seconds=300,
            otherwise="ignore",
        )
    )
    if result.status == "timeout":  # our question took too long, which is no step of the host's build
        _forgive(stage, step_id)
    return result


def _reason(result: StepResult) -> str:
    lines = [line.strip() for line in result.tail.splitlines() if line.strip()]
    # uv frames its reasons with box-drawing characters
    text = " ".join(line.lstrip("\u00d7\u2570\u2500\u25b6\u2502 ") for line in lines)
    return text[:400] or f"{result.id} ended with {result.status}"


def prepare(stage: Stage, python: Path) -> bool:
    """Make the environment and the pinned tools; return whether the index let us."""
    if not create_environment(stage):
        return False
    try:
        prepare_tools(stage, python)
    except TransientError as error:
        stage.results.append(
            StepResult(id="pinned-tools", phase="install", status="transient", tail=str(error))
        )
        return False
    return True
