"""What can be said of an app's build and start on Platform.sh before anything runs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from predeploy.app.text import decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.hosts.platformsh_config import App, ConfigProblem
from predeploy.hosts.platformsh_hook import Hook, Use
from predeploy.hosts.platformsh_keys import Problems
from predeploy.hosts.platformsh_shell import Call
from predeploy.lazy import pattern
from predeploy.record import record

NOT_IN_IMAGE = ("pipenv", "poetry", "uv")
DOWNLOADS = {
    "poetry": ("install.python-poetry.org", "get-poetry", "install-poetry"),
    "uv": ("astral.sh/uv",),
    "pipenv": ("get-pipenv",),
}
OTHER_WAYS = pattern(r"\b(?:pipx|conda|brew|apt-get|apt|nix|asdf|mise|eval)\b")
LAST_BEFORE_312 = {"pip": (22, 3, 1), "pipenv": (2022, 12, 19)}
"""Measured to fail on Python 3.12 and newer; what is older fails the same way."""

COMMAND_LIMIT = 4_000
"""Characters of a start command that are looked at, from its end."""

BASH_WORDS = frozenset(
    {"[[", "source", "shopt", "declare", "typeset", "mapfile", "readarray", "pushd", "popd", "let"}
)
BASH_SYNTAX = pattern(r"^[ \t]*\w+\+?=\(|<\(|>\(|<<<|^[ \t]*function\s+\w+", re.MULTILINE)


@record
class Circumstances:
    """What the answers depend on beside the app itself."""

    python: tuple[int, ...]
    """The minor version, as numbers; empty when there is none."""
    poetry_major: int
    """Major version of the newest Poetry on the day."""


def check_build(hook: Hook, about: Circumstances) -> Problems:
    """Yield what the build hook and the files of the app let one foresee."""
    yield from _bashisms(hook)
    yield from _missing_files(hook)
    yield from _missing_locks(hook)
    yield from _missing_tools(hook)
    yield from _old_tools(hook, about)
    yield from _poetry_root(hook, about)
    yield from _remarks(hook)


def check_folder(app: App, tree: Tree) -> Problems:
    """Yield about files of the app's directory that other hosts read and this one does not."""
    uses_uv = "uv" in (app.text("hooks", "build") or "") or "pyenv" in (app.text("hooks", "build") or "")
    names = {
        "runtime.txt": "python-pin-file-ignored",
        "Procfile": "procfile-ignored",
        ".env": "dotenv-not-read",
    }
    if not uses_uv:
        names[".python-version"] = "python-pin-file-ignored"
    for name, id_ in names.items():
        path = posixpath.join(app.root, name)
        if tree.is_file(path):
            yield ConfigProblem(id_, path, None, "")
    for number, line in enumerate(environment_file(app, tree).splitlines(), start=1):
        bash = re.match(r"\s*(?:source|declare|shopt|function)\s", line) or "[[ " in line.partition("#")[0]
        if bash or BASH_SYNTAX.search(line):
            path = posixpath.join(app.root, ".environment")
            yield ConfigProblem("environment-file-bashism", path, number, shown(line))
            return


def environment_file(app: App, tree: Tree) -> str:
    """Return the text of the app's ``.environment``, empty when there is none."""
    path = posixpath.join(app.root, ".environment")
    try:
        return decode(tree.read(path)).text if tree.is_file(path) else ""
    except Unreadable:
        return ""


def shown(text: str) -> str:
    """Return a line as evidence; one with an address, which may hold a password, by its first word only."""
    stripped = text.strip()
    return stripped.split()[0] if "://" in stripped else stripped[:80]


def at_call(hook: Hook, call: Call, id_: str, detail: str) -> ConfigProblem:
    """Return a problem at a command of the hook."""
    return ConfigProblem(id_, hook.app.part.file, hook.line_of(call), detail)


def _bashisms(hook: Hook) -> Problems:
    found = BASH_SYNTAX.search(hook.script) if "<<" not in hook.script.replace("<<<", "") else None
    if found:
        line = hook.script.count("\n", 0, found.end()) + 1
        key = hook.app.part.get("hooks", "build")
        place = key.line + line if key.line and "\n" in hook.script else key.line
        text = shown(hook.script.splitlines()[line - 1])
        yield ConfigProblem("build-hook-bashism", key.file, place, text)
    for call in hook.own:
        pipefail = call.program == "set" and "pipefail" in call.words and call.plain
        if pipefail or (call.program in BASH_WORDS and call.decides):
            yield at_call(hook, call, "build-hook-bashism", shown(" ".join(call.words)))


def _missing_files(hook: Hook) -> Problems:
    elsewhere = re.sub(r"(?:-r|--requirement)[ =]?\s*[\"']?[^\s\"']+", " ", hook.text)
    for use in hook.uses:
        for file in use.files if use.installs and use.call.decides else ():
            path = hook.path(file, use.directory)
            made = posixpath.basename(path or "") in elsewhere
            if path and not made and not hook.tree.exists(path):
                yield at_call(hook, use.call, "requirements-file-missing", path)


def _missing_locks(hook: Hook) -> Problems:
    locking = {use.tool for use in hook.uses if use.verb == "lock"}
    for use in hook.uses:
        frozen = use.tool == "uv" and use.verb == "sync" and "--frozen" in use.args
        synced = use.tool == "pipenv" and use.verb == "sync"
        name = "uv.lock" if frozen else "Pipfile.lock"
        if not (frozen or synced) or use.directory is None or use.tool in locking or not use.call.decides:
            continue
        path = posixpath.join(use.directory, name)
        if not hook.tree.exists(path):
            yield at_call(hook, use.call, "lockfile-missing", path)


def _missing_tools(hook: Hook) -> Problems:
    for tool in NOT_IN_IMAGE:
        calls = [use.call for use in hook.uses if use.tool == tool and use.call.decides]
        if calls and not _brings(hook, tool):
            yield at_call(hook, calls[0], "tool-not-installed", tool)


def _brings(hook: Hook, tool: str) -> bool:
    """Return whether anything might install a tool; what cannot be read counts as doing so."""
    named = {name.lower() for _, packages in _python_dependencies(hook) for name, _ in packages}
    if tool in named or any(url in hook.text for url in DOWNLOADS[tool]) or OTHER_WAYS.search(hook.text):
        return True
    for use in hook.uses:
        if use.tool not in ("pip", "uv") or not use.installs:
            continue
        if any(re.match(rf"{tool}\b", hook.expanded(name).lower()) for name in use.names):
            return True
        if any(_may_name(hook, use, file, tool) for file in use.files):
            return True
    return False


def _may_name(hook: Hook, use: Use, file: str, tool: str) -> bool:
    path = hook.path(file, use.directory)
    if path is None or not hook.tree.is_file(path):
        return True
    return tool in _names_in(hook, path)


def named_packages(hook: Hook, *, beside_environments: bool) -> frozenset[str]:
    """Return the packages that dependencies and pip put on the PATH, by their lower-case names.

    ``beside_environments``: pip installs into one that the hook has activated, so that it does not count.
    """
    found = {name.lower() for _, packages in _python_dependencies(hook) for name, _ in packages}
    for use in hook.uses if not beside_environments else ():
        if use.tool == "pip" and use.installs:
            found |= {re.split(r"[\[<>=!~;@ ]", hook.expanded(name))[0].lower() for name in use.names}
            for file in use.files:
                path = hook.path(file, use.directory)
                if path is None or not hook.tree.is_file(path):
                    return frozenset(SERVER_NAMES)
                found |= _names_in(hook, path)
    return frozenset(found)


SERVER_NAMES = ("gunicorn", "uvicorn", "hypercorn", "daphne", "flask", "waitress-serve", "uwsgi", "streamlit")


def _names_in(hook: Hook, path: str) -> frozenset[str]:
    from predeploy.app.requirements import read_requirements

    if path not in hook.required:
        hook.required[path] = read_requirements(hook.tree, path).names()
    return hook.required[path]


def _python_dependencies(hook: Hook) -> Iterator[tuple[str, list[tuple[str, object]]]]:
    for language, packages in hook.app.part.get("dependencies").entries():
        if language.startswith("python"):
            yield language, [(name, version.data) for name, version in packages.entries()]


def _pin(hook: Hook, tool: str) -> tuple[str, Call | None] | None:
    """Return the exact version a tool is pinned to, and the command that does so."""
    for _, packages in _python_dependencies(hook):
        for name, version in packages:
            if name.lower() == tool and re.fullmatch(r"(?:==)?\d+(?:\.\d+)*", str(version)):
                return str(version).removeprefix("=="), None
    for use in hook.uses:
        if use.tool == "pip" and use.installs:
            for name in use.names:
                match = re.fullmatch(rf"{tool}==(\d+(?:\.\d+)*)", hook.expanded(name))
                if match:
                    return match.group(1), use.call
    return None


def _old_tools(hook: Hook, about: Circumstances) -> Problems:
    if about.python < (3, 12):
        return
    for tool, last in LAST_BEFORE_312.items():
        pin = _pin(hook, tool)
        if pin is None or tuple(int(part) for part in pin[0].split(".")) > last:
            continue
        later = [
            use.call for use in hook.uses if use.tool == tool and use.call != pin[1] and use.call.decides
        ]
        if later:
            yield at_call(hook, later[-1], "tool-too-old-for-python", f"{tool} {pin[0]}")


def _poetry_root(hook: Hook, about: Circumstances) -> Problems:
    from predeploy.app.pyproject import read_pyproject

    pin = _pin(hook, "poetry")
    major = int(pin[0].split(".")[0]) if pin else about.poetry_major
    spec = " ".join(
        str(v) for _, packages in _python_dependencies(hook) for n, v in packages if n == "poetry"
    )
    if major < 2 or "<" in spec or "POETRY_VERSION" in hook.text:
        return
    for use in hook.uses:
        rootless = any(word.startswith(("--no-root", "--only")) for word in use.args)
        if use.tool != "poetry" or use.verb != "install" or rootless or not use.call.decides:
            continue
        project = read_pyproject(hook.tree, posixpath.join(use.directory or "", "pyproject.toml"))
        name = project.text("project", "name") or project.text("tool", "poetry", "name")
        poetry = project.tool("poetry")
        if (
            name is None
            or poetry.get("package-mode") is False
            or poetry.get("packages")
            or poetry.get("include")
        ):
            continue
        module = re.sub(r"[-_.]+", "_", name).lower()
        places = (module, f"{module}.py", f"src/{module}", f"src/{module}.py")
        if not any(hook.tree.exists(posixpath.join(use.directory or "", place)) for place in places):
            yield at_call(hook, use.call, "poetry-root-package-missing", f"no {module} beside {project.path}")


def _remarks(hook: Hook) -> Problems:
    for path in hook.never_installed:
        yield ConfigProblem("manifest-never-installed", path, None, "")
    if hook.unnoticed:
        yield at_call(hook, hook.unnoticed[0], "hook-without-set-e", hook.unnoticed[0].program)
    deciding = hook.deciding
    if deciding is not None and deciding[0].tool == "pip" and "pip==" not in hook.expanded(hook.text):
        yield at_call(hook, deciding[0].call, "pip-version-unpinned", "")
