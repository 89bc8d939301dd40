"""A plan as a POSIX shell script that can be run by hand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from predeploy.env.places import PLACEHOLDER
from predeploy.lazy import pattern
from predeploy.model.decisions import BuildPlan, Detection, Step
from predeploy.model.results import PlatformResult
from predeploy.report.text import printable

WORD = pattern(PLACEHOLDER.pattern + r"|\{(env:[A-Za-z_][A-Za-z0-9_]*)\}")
VARIABLES = {
    "app": "APP",
    "venv": "VENV",
    "bin": "VENV_BIN",
    "home": "RUN_HOME",
    "temp": "RUN_TMP",
    "work": "WORK",
    "cache": "CACHE",
    "port": "PORT",
    "socket": "SOCKET",
    "python": "PYTHON",
    "uv": "UV",
    "conda": "CONDA",
}


def as_script(
    results: Sequence[PlatformResult],
    detections: Sequence[Detection],
    app: Path,
    *,
    secret: Mapping[str, str] | None = None,
) -> str:
    """Return one script; several platforms are functions of it, chosen by its arguments.

    ``secret`` variables are not written down: the script takes them from its own environment.
    """
    planned = [(d, _without(secret or {}, d.plan)) for d in detections if d.plan is not None]
    lines = _head(results, app)
    for detection, plan in planned:
        lines += ["", *_function(detection, plan)]
    names = [plan.platform for _, plan in planned]
    lines += ["", f"for platform in ${{*:-{' '.join(names)}}}; do" if names else "exit 1"]
    if names:
        lines += ['  case "$platform" in']
        lines += [f"    {name}) ( {_identifier(name)} ) || exit 1 ;;" for name in names]
        lines += ['    *) echo "no plan for $platform" >&2; exit 2 ;;', "  esac", "done"]
    return "\n".join(lines) + "\n"


def _without(secret: Mapping[str, str], plan: BuildPlan) -> BuildPlan:
    """Return the plan with variables in place of the secret values."""

    def hidden(env: dict[str, str]) -> dict[str, str]:
        return {k: f"{{env:{k}}}" if secret.get(k) == v else v for k, v in env.items()}

    steps = tuple(replace(step, env=hidden(step.env)) for step in plan.steps)
    boot = (
        replace(plan.boot, step=replace(plan.boot.step, env=hidden(plan.boot.step.env)))
        if plan.boot
        else None
    )
    return replace(plan, env=hidden(plan.env), steps=steps, boot=boot)


def _head(results: Sequence[PlatformResult], app: Path) -> list[str]:
    lines = [
        "#!/bin/sh",
        "# Made by predeploy plan --format sh. Arguments: the platforms to build (default: all of them).",
        "# Wants uv on the PATH; START=1 also starts the app, on $PORT.",
        "set -eu",
        f"SOURCE=${{SOURCE:-{shlex.quote(str(app.resolve()))}}}",
        "UV=${UV:-uv}",
        "CONDA=${CONDA:-conda}",
        "PORT=${PORT:-8000}",
        "ROOT=${ROOT:-$(mktemp -d)}",
    ]
    for result in results:
        if result.decisive is not None:
            decisive = result.decisive
            lines.append(f"# {result.platform}: {result.status}: {printable(decisive.headline)}")
    return lines


def _function(detection: Detection, plan: BuildPlan) -> list[str]:
    python = plan.environment.python
    minor = ".".join(python.split(".")[:2])
    body = [
        f"# {detection.name}: Python {python} ({detection.python.origin})",
        f"WORK=$ROOT/{plan.platform}; APP=$WORK/app; VENV=$WORK/venv; VENV_BIN=$VENV/bin",
        "RUN_HOME=$WORK/home; RUN_TMP=$WORK/tmp; CACHE=$ROOT/tools; SOCKET=$WORK/app.sock",
        'mkdir -p "$WORK" "$RUN_HOME" "$RUN_TMP" "$CACHE"; cp -R "$SOURCE" "$APP"; cd "$APP"',
        f"PYTHON=${{PYTHON:-{minor}}}",
    ]
    if not plan.environment.made_by_step:
        body.append('"$UV" venv --quiet --no-project --python "$PYTHON" "$VENV"')
    seeds = [f"{name}=={version}" for name, version in plan.environment.seeds.items()]
    if seeds:
        words = " ".join(shlex.quote(seed) for seed in seeds)
        body.append(f'"$UV" pip install --quiet --python "$VENV_BIN/python" {words}')
    for name, version in plan.tools.items():
        body += [
            f'"$UV" venv --quiet --no-project --allow-existing --python "$PYTHON" "$CACHE/{name}"',
            f'"$UV" pip install --quiet --python "$CACHE/{name}/bin/python" {name}=={version}',
        ]
    body.append('export PATH="$VENV_BIN:$PATH"')
    body += [f"export {name}={_word(value)}" for name, value in sorted(plan.env.items())]
    for step in plan.steps:
        body += _step(step, plan)
    body.append(f'echo "{plan.platform}: built in $VENV"')
    if plan.boot is not None:
        body += ['if [ -n "${START:-}" ]; then', *(f"  {line}" for line in _command(plan.boot.step)), "fi"]
    return [f"{_identifier(plan.platform)}() {{", *(f"  {line}" for line in body), "}"]


def _step(step: Step, plan: BuildPlan) -> list[str]:
    lines = [f"# {step.id}: {printable(step.reason)}"]
    command = _command(step)
    if step.only_if_importable:
        command = _where_importable(step.only_if_importable, command)
    if step.only_if_installed:
        command = _where_installed(step.only_if_installed, command)
    flag = f"failed_{_identifier(step.fallback_of or step.id)}"
    if any(other.fallback_of == step.id for other in plan.steps):
        return [*lines, f"{flag}=", *command[:-1], f"{command[-1]} || {flag}=1"]
    if step.fallback_of:
        return [*lines, f'if [ -n "${flag}" ]; then', *(f"  {line}" for line in command), "fi"]
    if step.otherwise == "ignore":
        return [*lines, *command[:-1], f"{command[-1]} || true"]
    return [*lines, *command]


def _where_importable(module: str, command: list[str]) -> list[str]:
    find = f'import sys, importlib.util; sys.exit(importlib.util.find_spec("{module}") is None)'
    test = f'"$VENV_BIN/python" -c {shlex.quote(find)}'
    return [f"if {test}; then", *(f"  {line}" for line in command), "fi"]


def _where_installed(pin: str, command: list[str]) -> list[str]:
    test = f'"$UV" pip freeze --quiet --python "$VENV_BIN/python" | grep -qx {shlex.quote(pin)}'
    return [f"if {test}; then", *(f"  {line}" for line in command), "fi"]


def _command(step: Step) -> list[str]:
    """Return the lines that run one step; variables only it sees go through ``env``."""
    variables = [f"{name}={_word(value)}" for name, value in sorted(step.env.items())]
    prefix = " ".join(["env", *variables]) + " " if variables else ""
    if step.shell is not None:
        words = [shlex.quote(word) for word in step.shell_argv]
        return [f"{prefix}{' '.join(words)} {shlex.quote(step.shell)}"]
    return [prefix + " ".join(_word(word) for word in step.argv)]


def _word(text: str) -> str:
    """Quote a word for the shell, with the places of the run as its variables."""
    pieces: list[str] = []
    position = 0
    for match in WORD.finditer(text):
        if text[position : match.start()]:
            pieces.append(shlex.quote(text[position : match.start()]))
        name = match.group(1) or match.group(2)
        pieces.append(_variable(name))
        position = match.end()
    if text[position:] or not pieces:
        pieces.append(shlex.quote(text[position:]))
    return "".join(pieces)


def _variable(name: str) -> str:
    kind, _, rest = name.partition(":")
    if kind == "tool":
        return f'"$CACHE/{rest}/bin"'
    return f'"${{{rest}-}}"' if kind == "env" else f'"${VARIABLES[name]}"'


def _identifier(name: str) -> str:
    return "build_" + re.sub(r"\W", "_", name)
