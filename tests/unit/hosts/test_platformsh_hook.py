"""What a build hook installs, with which tool, and from which file."""

from __future__ import annotations

import pytest

from predeploy.app.tree import Tree
from predeploy.hosts.platformsh_config import read_project
from predeploy.hosts.platformsh_hook import Hook, tool_of

INDENT = "\n      "


def hook(script: str, files: dict[str, str] | None = None, extra: str = "") -> Hook:
    text = (
        f"name: app\ntype: python:3.13\nhooks:\n  build: |{INDENT}{script.replace(chr(10), INDENT)}\n{extra}"
    )
    tree = Tree.of({".platform.app.yaml": text, **(files or {})})
    return Hook(read_project(tree).apps[0], tree)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pip install x", ("pip", ("install", "x"))),
        ("pip3.13 list", ("pip", ("list",))),
        (".venv/bin/pip list", ("pip", ("list",))),
        ("python3.13 -m pip install x", ("pip", ("install", "x"))),
        ("python -I -m poetry install", ("poetry", ("install",))),
        ("python -m http.server", None),
        ("python app.py", None),
        ("uv sync", ("uv", ("sync",))),
        ("pipx install x", None),
    ],
)
def test_package_tools_are_recognised(command: str, expected: tuple[str, tuple[str, ...]] | None) -> None:
    assert tool_of(tuple(command.split())) == expected


@pytest.mark.parametrize(
    ("script", "files", "tool", "manifest"),
    [
        ("pip install -r requirements.txt", {"requirements.txt": ""}, "pip", "requirements.txt"),
        ("pip install --requirement=a/b.txt", {"a/b.txt": ""}, "pip", "a/b.txt"),
        ("pip install -rb.txt", {"b.txt": ""}, "pip", "b.txt"),
        ("cd a && pip install -r b.txt", {"a/b.txt": ""}, "pip", "a/b.txt"),
        ("cd a\npip install -r $PLATFORM_APP_DIR/b.txt", {"b.txt": "", "a/c": ""}, "pip", "b.txt"),
        ("pip install -r /app/b.txt", {"b.txt": ""}, "pip", "b.txt"),
        ("pip install -r $FILE", {"b.txt": ""}, "pip", "b.txt"),
        ("pip install .", {"pyproject.toml": ""}, "pip", "pyproject.toml"),
        ("pipenv install --deploy", {"Pipfile": ""}, "pipenv", "Pipfile"),
        ("pipenv sync", {"Pipfile": "", "Pipfile.lock": ""}, "pipenv", "Pipfile.lock"),
        ("poetry install", {"pyproject.toml": ""}, "poetry", "pyproject.toml"),
        ("uv pip install -r b.txt", {"b.txt": ""}, "uv", "b.txt"),
        ("uv run manage.py migrate", {"uv.lock": ""}, "uv", "uv.lock"),
        ("sh install.sh", {"install.sh": "pip install -r b.txt", "b.txt": ""}, "pip", "b.txt"),
        ("./install.sh", {"install.sh": "pip install -r b.txt", "b.txt": ""}, "pip", "b.txt"),
        ("sh -c 'pip install -r b.txt'", {"b.txt": ""}, "pip", "b.txt"),
    ],
)
def test_the_deciding_manifest(script: str, files: dict[str, str], tool: str, manifest: str) -> None:
    deciding = hook(script, files, "variables: {env: {FILE: b.txt}}\n").deciding
    assert deciding is not None
    assert (deciding[0].tool, deciding[1][0]) == (tool, manifest)


@pytest.mark.parametrize(
    "script",
    ["pip install flask", "pip install -r $UNKNOWN", "pip freeze", "echo pip install -r requirements.txt"],
)
def test_no_manifest_decides(script: str) -> None:
    assert hook(script, {"requirements.txt": ""}).deciding is None


def test_a_file_named_in_any_hook_counts_as_named() -> None:
    assert hook("pip install flask", {"requirements.txt": ""}).never_installed == ("requirements.txt",)
    assert hook("xargs pip install < requirements.txt", {"requirements.txt": ""}).never_installed == ()


def test_a_pyproject_that_only_configures_tools_is_no_manifest() -> None:
    assert hook("true", {"pyproject.toml": "[tool.ruff]\n"}).present == ()
    assert hook("true", {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["y"]\n'}).present == (
        "pyproject.toml",
    )


def test_scripts_that_call_each_other_end() -> None:
    loop = hook("sh a.sh", {"a.sh": "sh a.sh\npip install x\n"})
    assert [use.tool for use in loop.uses].count("pip") > 0


def test_a_command_has_the_line_of_the_configuration() -> None:
    found = hook("set -e\npip install x")
    assert [found.line_of(call) for call in found.own] == [5, 6]
