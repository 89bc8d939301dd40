"""A plan as a POSIX shell script that can be run by hand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from predeploy.env.places import PLACEHOLDER
from predeploy.env.secrets import Secrets
from predeploy.lazy import pattern
from predeploy.model.decisions import BuildPlan, Detection, Step
from predeploy.model.results import PlatformResult
from predeploy.record import replace
from predeploy.report.escape import printable

HIDDEN = pattern(r"\0([A-Za-z_][A-Za-z0-9_]*)\0")
"""The name of a variable in place of a secret; no argument and no variable of a process can hold a NUL."""
WORD = pattern(PLACEHOLDER.pattern + r"|\0([A-Za-z_][A-Za-z0-9_]*)\0")
VARIABLES = {
    "app": "APP",
    "venv": "VENV",
    "bin": "VENV_BIN",
    "home": "RUN_HOME",
    "temp": "RUN_TMP",
    "work": "WORK",
    "cache": "CACHE",
    "kept": "KEPT",
    "port": "PORT",
    "socket": "SOCKET",
    "python": "PYTHON",
    "uv": "UV",
    "conda": "CONDA",
}


OF_BASE = (
    """PREFIX=$("$VENV_BIN/python" -c 'import sys; print(sys.base_prefix)')""",
    """NAME=$("$VENV_BIN/python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')""",
)
BASE = (
    "# An interpreter of its own, which installs for the user as the host's does; a virtualenv would not.",
    'rm "$VENV/pyvenv.cfg" "$VENV_BIN"/python*; cp "$PREFIX/bin/$NAME" "$VENV_BIN/"',
    'ln -s "$NAME" "$VENV_BIN/python"; ln -s "$NAME" "$VENV_BIN/python3"',
    'for place in "$PREFIX/lib/$NAME"/*; do',
    '  case $place in *-packages | */EXTERNALLY-MANAGED) ;; *) ln -s "$place" "$VENV/lib/$NAME/" ;; esac',
    "done",
)
"""Lines that make of a virtualenv what passes for an installed Python; see ``env/throwaway.py``."""


def as_script(
    results: Sequence[PlatformResult],
    detections: Sequence[Detection],
    app: Path,
    *,
    secrets: Secrets | None = None,
) -> str:
    """Return one script; several platforms are functions of it, chosen by its arguments.

    ``secrets`` are not written down: the script takes them from its own environment.
    """
    hidden = _Hidden(secrets or Secrets())
    planned = [(d, hidden.plan(d.plan)) for d in detections if d.plan is not None]
    lines = _head(results, app, hidden)
    for detection, plan in planned:
        lines += ["", *_function(detection, plan)]
    names = [plan.platform for _, plan in planned]
    lines += ["", f"for platform in ${{*:-{' '.join(names)}}}; do" if names else "exit 1"]
    if names:
        lines += ['  case "$platform" in']
        lines += [f"    {name}) ( {_identifier(name)} ) ;;" for name in names]
        lines += ['    *) echo "no plan for $platform" >&2; exit 2 ;;', "  esac", "done"]
    return "\n".join(lines) + "\n"


class _Hidden:
    """Puts variables in place of secrets; others than the app's own variables are numbered."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._numbered: dict[str, str] = {}
        self.names: dict[str, None] = {}

    def plan(self, plan: BuildPlan) -> BuildPlan:
        """Return the plan with variables in place of the secrets."""
        boot = replace(plan.boot, step=self._step(plan.boot.step)) if plan.boot else None
        steps = tuple(map(self._step, plan.steps))
        return replace(plan, env=self._env(plan.env), steps=steps, boot=boot)

    def _step(self, step: Step) -> Step:
        shell = None if step.shell is None else self._text(step.shell)
        argv = tuple(map(self._text, step.argv))
        return replace(step, env=self._env(step.env), argv=argv, shell=shell, reason=self.masked(step.reason))

    def _env(self, env: Mapping[str, str]) -> dict[str, str]:
        return {
            name: self._variable(name) if self._secrets.given(name, value) else self._text(value)
            for name, value in env.items()
        }

    def _text(self, text: str) -> str:
        pieces = self._secrets.pieces(text)
        return "".join(self._variable(self._name(piece)) if hidden else piece for piece, hidden in pieces)

    def _name(self, secret: str) -> str:
        known = self._secrets.name_of(secret)
        return known or self._numbered.setdefault(secret, f"SECRET_{len(self._numbered) + 1}")

    def _variable(self, name: str) -> str:
        self.names[name] = None
        return f"\0{name}\0"

    def masked(self, text: str) -> str:
        """Return what may stand in a comment."""
        return self._secrets(text)


def _head(results: Sequence[PlatformResult], app: Path, hidden: _Hidden) -> list[str]:
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
    if hidden.names:
        lines.insert(3, f"# Wants the secrets, which are not written here, as {' '.join(hidden.names)}.")
    for result in results:
        if result.decisive is not None:
            headline = hidden.masked(result.decisive.headline)
            lines.append(f"# {result.platform}: {result.status}: {printable(headline)}")
    return lines


def _function(detection: Detection, plan: BuildPlan) -> list[str]:
    python = plan.environment.python
    minor = ".".join(python.split(".")[:2])
    body = [
        f"# {detection.name}: Python {python} ({detection.python.origin})",
        f"WORK=$ROOT/{plan.platform}; APP=$WORK/app; VENV=$WORK/venv; VENV_BIN=$VENV/bin",
        "RUN_HOME=$WORK/home; RUN_TMP=$WORK/tmp; CACHE=$ROOT/tools; SOCKET=$WORK/app.sock",
        "KEPT=$ROOT/kept",
        'mkdir -p "$WORK" "$RUN_HOME" "$RUN_TMP" "$CACHE" "$KEPT"; cp -R "$SOURCE" "$APP"; cd "$APP"',
        f"PYTHON=${{PYTHON:-{minor}}}",
    ]
    if not plan.environment.made_by_step:
        body.append('"$UV" venv --quiet --no-project --python "$PYTHON" "$VENV"')
    seeds = [f"{name}=={version}" for name, version in plan.environment.seeds.items()]
    wheels = ""
    if plan.environment.base:
        body += OF_BASE
        wheels = ' --find-links "$PREFIX/lib/$NAME/ensurepip/_bundled"'  # the interpreter's own seeds
    if seeds:
        words = " ".join(shlex.quote(seed) for seed in seeds)
        body.append(f'"$UV" pip install --quiet --python "$VENV_BIN/python"{wheels} {words}')
    body += BASE if plan.environment.base else ()
    for name, version in plan.tools.items():
        body += [
            f'"$UV" venv --quiet --no-project --allow-existing --python "$PYTHON" "$CACHE/{name}"',
            f'"$UV" pip install --quiet --python "$CACHE/{name}/bin/python" {name}=={version}',
        ]
    if plan.root:
        body.append(f'APP="$APP"/{shlex.quote(plan.root)}; cd "$APP"')
    first = "".join(f"{_word(place)}:" for place in plan.environment.path)
    body.append(f'export PATH={first}"$VENV_BIN:$PATH"')
    body += [f"export {name}={_word(value)}" for name, value in sorted(plan.env.items())]
    for step in plan.steps:
        if step.phase != "boot":
            body += _step(step, plan)
    body.append(f'echo "{plan.platform}: built in $VENV"')
    if plan.boot is not None:
        before = [
            line for s in plan.steps if s.phase == "boot" and not s.after_start for line in _step(s, plan)
        ]
        start = [*before, *_command(plan.boot.step)]
        body += ['if [ -n "${START:-}" ]; then', *(f"  {line}" for line in start), "fi"]
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
        return [f"{prefix}{' '.join(words)} {_word(step.shell, HIDDEN)}"]
    return [prefix + " ".join(_word(word) for word in step.argv)]


def _word(text: str, variables: re.Pattern[str] = WORD) -> str:
    """Quote a word for the shell, with the places of the run and what is hidden as its variables."""
    pieces: list[str] = []
    position = 0
    for match in variables.finditer(text):
        if text[position : match.start()]:
            pieces.append(shlex.quote(text[position : match.start()]))
        hidden = match[0].startswith("\0")
        name = match[0].strip("\0") if hidden else match[1]
        pieces.append(f'"${{{name}:?is a secret, which is not written here}}"' if hidden else _variable(name))
        position = match.end()
    if text[position:] or not pieces:
        pieces.append(shlex.quote(text[position:]))
    return "".join(pieces)


def _variable(name: str) -> str:
    kind, _, rest = name.partition(":")
    if kind == "tool":
        return f'"$CACHE/{rest}/bin"'
    return f'"${VARIABLES[name]}"'


def _identifier(name: str) -> str:
    return "build_" + re.sub(r"\W", "_", name)
