"""Imports point one way, and the hot path stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import predeploy

PACKAGE = Path(predeploy.__file__).parent

# Each room and the rooms it may import from; docs/architecture.md shows the same.
BOTTOM = {"record", "lazy", "digest"}  # helpers that any room may use
ALLOWED: dict[str, set[str]] = {
    "record": set(),
    "digest": set(),
    "lazy": set(),
    "errors": set(),
    "paths": {"errors"},
    "model": set(),
    "events": {"model"},
    "app": {"model", "errors"},
    "env": {"model", "errors", "events", "paths"},
    "rules": {"model", "errors", "app"},
    "installers": {"model", "errors"},
    "hosts": {"model", "errors", "app", "rules", "installers", "hosts"},
    "profiles": {"model", "errors", "paths", "app", "rules", "installers"},
    "option": {"model", "errors"},
    "options": {"option"},
    "limits": {"model", "errors"},
    "config": {"app", "errors", "option", "options"},
    "settings": {"model", "errors", "config", "env", "limits", "option", "options", "paths"},
    "pipeline": {
        "model",
        "errors",
        "events",
        "app",
        "env",
        "rules",
        "installers",
        "hosts",
        "profiles",
        "settings",
        "paths",
    },
    "report": {"model", "errors", "events", "paths", "profiles", "env", "option", "options"},
    "api": {
        "model",
        "errors",
        "events",
        "env",
        "option",
        "options",
        "paths",
        "pipeline",
        "profiles",
        "report",
        "settings",
    },
    "apps": {"model", "errors", "config", "settings"},
    "pytest_plugin": {"api", "apps", "model", "report", "errors", "config", "settings"},
    "cli": {
        "api",
        "apps",
        "model",
        "errors",
        "events",
        "app",
        "env",
        "rules",
        "profiles",
        "option",
        "options",
        "config",
        "settings",
        "pipeline",
        "report",
        "paths",
    },
}


def room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "predeploy" and len(parts) > 1 and parts[1] != "__version__":
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    own = room(path)
    if own in {"__init__", "__main__"}:
        return
    foreign = imported(path) - {own} - ALLOWED[own] - BOTTOM
    assert not foreign, f"{own} must not import from {sorted(foreign)}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


def test_only_two_modules_spawn_processes() -> None:
    spawning = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr.startswith("posix_spawn")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
        or (
            "subprocess" in path.read_text(encoding="utf-8").replace("``subprocess``", "")
            and any(
                isinstance(node, (ast.Import, ast.ImportFrom))
                and "subprocess" in {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            )
        )
    }
    assert spawning == {"env/ask.py", "env/spawn.py"}


def test_check_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "main.py").write_text("def hello(request):\n    return ''\n")
    code = (
        "import sys\n"
        "from predeploy.cli.main import run\n"
        f"run(['check', {str(tmp_path)!r}, '-p', 'heroku'])\n"
        f"run(['check', {str(tmp_path)!r}, '-p', 'heroku'])\n"
        "heavy = {'rich', 'jinja2', 'virtualenv', 'uv', 'psutil', 'asyncio', 'filelock'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert printed.splitlines()[-1] == "HEAVY []"


def test_a_cached_profile_needs_no_pydantic_and_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    argv = ["check", str(tmp_path), "-p", "heroku"]
    code = f"import sys; from predeploy.cli.main import run; run({argv!r}); "
    code += (
        "print('HEAVY', sorted({'pydantic', 'yaml', 'packaging', 'importlib.metadata'} & set(sys.modules)))"
    )
    outputs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        for _ in range(2)
    ]
    assert outputs[1].stdout.splitlines()[-1] == "HEAVY []"


def test_exit_codes_are_unique_and_documented() -> None:
    from predeploy.errors import EXIT_MEANING, PRECEDENCE, ExitCode

    assert len({int(code) for code in ExitCode}) == len(ExitCode)
    assert set(EXIT_MEANING) == set(ExitCode) == set(PRECEDENCE)
