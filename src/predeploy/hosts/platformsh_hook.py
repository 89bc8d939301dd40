"""What a Platform.sh build hook installs, and with what; the platform itself reads no Python manifest."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cached_property

from predeploy.app.text import decode
from predeploy.app.tree import Tree, Unreadable
from predeploy.hosts.platformsh_config import App, variables_of
from predeploy.hosts.platformsh_shell import HARMLESS, Call, calls_of
from predeploy.lazy import pattern
from predeploy.record import positional, replace

TOOLS = ("pip", "pipenv", "poetry", "uv", "conda")
MANIFESTS = (
    *("requirements.txt", "Pipfile.lock", "Pipfile", "poetry.lock", "uv.lock", "pdm.lock"),
    *("pyproject.toml", "environment.yml"),
)
OF_TOOL = {
    "pipenv": ("Pipfile.lock", "Pipfile"),
    "poetry": ("poetry.lock", "pyproject.toml"),
    "uv": ("uv.lock", "pyproject.toml"),
    "conda": ("environment.yml",),
}
SCRIPT_DEPTH = 3
SCRIPT_LIMIT = 200_000
MAX_SCRIPTS = 50
APP_DIRECTORIES = ("${PLATFORM_APP_DIR}", "$PLATFORM_APP_DIR", "/app")
PIP = pattern(r"pip(\d+(\.\d+)?)?")
PYTHON = pattern(r"python(\d+(\.\d+)?)?")
SHELLS = ("sh", "bash", "dash", ".", "source")
SCRIPT = pattern(r".*\.(?:sh|py|bash)|(?:.*/)?(?:Makefile|justfile|Taskfile\.ya?ml)")


@positional
class Use:
    """A command that calls one of Python's package tools."""

    tool: str
    args: tuple[str, ...]
    call: Call
    directory: str | None
    """Where it runs in the repository; ``None`` when that cannot be told."""

    @property
    def verb(self) -> str:
        """Return the tool's subcommand."""
        return next((word for word in self.args if not word.startswith("-")), "")

    @property
    def installs(self) -> bool:
        """Return whether it installs something."""
        verbs = {"pip": ("install",), "pipenv": ("install", "sync"), "poetry": ("install", "sync")}
        verbs |= {"uv": ("sync", "pip"), "conda": ("env", "install")}
        return self.verb in verbs.get(self.tool, ()) and "--help" not in self.args

    @property
    def files(self) -> tuple[str, ...]:
        """Return the arguments of ``-r``."""
        found = []
        for index, word in enumerate(self.args):
            if word in ("-r", "--requirement", "--requirements") and index + 1 < len(self.args):
                found.append(self.args[index + 1])
            elif word.startswith("--requirement="):
                found.append(word.partition("=")[2])
            elif word.startswith("-r") and len(word) > 2 and not word.startswith("--"):
                found.append(word[2:])
        return tuple(found)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the requirements given on the command line."""
        rest = self.args[self.args.index(self.verb) + 1 :] if self.verb else ()
        return tuple(word for word in rest if re.match(r"[A-Za-z0-9]", word))


class Hook:
    """The build hook of one app, read with the scripts it calls."""

    def __init__(self, app: App, tree: Tree) -> None:
        self.app = app
        self.tree = tree
        self.script = app.text("hooks", "build") or ""
        self.variables = variables_of(app)[0]
        self.texts: list[str] = [self.script[:SCRIPT_LIMIT]]
        self.followed = 0
        self.required: dict[str, frozenset[str]] = {}
        self.own = calls_of(self.script)

    @cached_property
    def calls(self) -> tuple[tuple[Call, str | None], ...]:
        """The commands of the hook and of the shell scripts it runs, with their directories."""
        return tuple(self._followed(self.own, self.app.root, 0))

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """The commands that call a package tool."""
        found = []
        for call, directory in self.calls:
            named = tool_of(call.words)
            if named is not None:
                found.append(Use(named[0], named[1], call, directory))
        return tuple(found)

    @cached_property
    def text(self) -> str:
        """The hook and every script it names, as one text."""
        _ = self.calls
        hooks = [(self.app.text("hooks", name) or "")[:SCRIPT_LIMIT] for name in ("deploy", "post_deploy")]
        return "\n".join((*self.texts, *hooks))

    def line_of(self, call: Call) -> int | None:
        """Return the line of a hook's command in the configuration file."""
        line = self.app.part.get("hooks", "build").line
        inside = call in self.own and "\n" in self.script and line is not None
        return line + call.line if inside and line is not None else line

    def path(self, word: str, directory: str | None) -> str | None:
        """Return where a word of a command points to in the repository; ``None`` when that cannot be told."""
        text = self.expanded(word)
        prefix = next((p for p in APP_DIRECTORIES if text == p or text.startswith(f"{p}/")), None)
        if prefix is not None:
            directory, text = self.app.root, text.removeprefix(prefix).lstrip("/")
        if directory is None or text.startswith("/") or re.search(r"[$*]|://", text):
            return None
        path = posixpath.normpath(posixpath.join(directory, text))
        return "" if path == "." else path

    def expanded(self, word: str) -> str:
        """Return a word with the app's own variables filled in."""

        def value(match: re.Match[str]) -> str:
            return self.variables.get(match.group(1) or match.group(2), match.group(0))

        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, word)

    def _followed(
        self, calls: tuple[Call, ...], directory: str | None, depth: int
    ) -> Iterator[tuple[Call, str | None]]:
        for call in calls:
            if call.program == "cd":
                directory = self.path(call.words[1], directory) if len(call.words) == 2 else None
            script = self._script(call, directory) if depth < SCRIPT_DEPTH else None
            if script is None:
                yield call, directory
                continue
            inner = tuple(replace(c, decides=c.decides and call.decides) for c in calls_of(script))
            yield from self._followed(inner, directory, depth + 1)

    def _script(self, call: Call, directory: str | None) -> str | None:
        """Return the shell script a command runs; keep the text of any other program of the app."""
        words = call.words
        if self.followed >= MAX_SCRIPTS:
            return None
        if call.program in SHELLS and "-c" in words and words.index("-c") + 1 < len(words):
            return words[words.index("-c") + 1]
        if call.program == "make":
            words = (*words, "Makefile")
        for index, word in enumerate(words[:4]):
            path = self.path(word, directory)
            runs = word.startswith("./") if index == 0 else bool(SCRIPT.fullmatch(word))
            runs = runs or (call.program in SHELLS and index == 1)
            text = self._text(path) if runs and path else None
            if text is None:
                continue
            self.texts.append(text)
            self.followed += 1
            shell = (
                call.program in SHELLS or word.endswith(".sh") or text.startswith(("#!/bin/sh", "#!/bin/b"))
            )
            return text if shell else None
        return None

    def _text(self, path: str) -> str | None:
        try:
            data = self.tree.read(path) if self.tree.is_file(path) else None
        except Unreadable:
            return None
        return decode(data).text if data is not None and len(data) <= SCRIPT_LIMIT else None

    # --- what follows from it -----------------------------------------------------------------------

    @cached_property
    def present(self) -> tuple[str, ...]:
        """The manifests in the app's own directory."""
        found = [posixpath.join(self.app.root, name) for name in MANIFESTS]
        return tuple(path for path in found if self.tree.is_file(path) and self._declares(path))

    def _declares(self, path: str) -> bool:
        """Return whether a pyproject.toml names dependencies; many only configure tools."""
        if not path.endswith("pyproject.toml"):
            return True
        from predeploy.app.pyproject import read_pyproject

        project = read_pyproject(self.tree, path)
        return bool(project.value("project", "dependencies") or project.tool("poetry", "dependencies"))

    def installs_from(self, use: Use) -> tuple[str, ...]:
        """Return the manifests one command installs from, the deciding one first; those that are there."""
        if not use.installs and not (use.tool == "uv" and use.verb == "run"):
            return ()
        paths = [self.path(file, use.directory) for file in use.files]
        if not paths and use.directory is not None:
            names = OF_TOOL.get(use.tool, ()) if use.verb != "pip" else ()
            if any(word in (".", "-e.") or word.startswith(".[") for word in use.args):
                names = ("pyproject.toml", "setup.py")
            paths = [posixpath.join(use.directory, name) for name in names]
        return tuple(path for path in paths if path and self.tree.is_file(path))

    @cached_property
    def deciding(self) -> tuple[Use, tuple[str, ...]] | None:
        """The first command that installs from a manifest of the tree, and these manifests."""
        for use in self.uses:
            files = self.installs_from(use)
            if files:
                return use, files
        return None

    @cached_property
    def never_installed(self) -> tuple[str, ...]:
        """The manifests that no hook names, where none is installed at all."""
        if self.deciding is not None:
            return ()
        return tuple(path for path in self.present if posixpath.basename(path) not in self.text)

    @cached_property
    def unnoticed(self) -> tuple[Call, ...]:
        """The hook's own commands whose failure would go unnoticed."""
        return tuple(call for call in self.own if call.unnoticed and call.program not in HARMLESS)


def tool_of(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """Return the package tool a command calls and its arguments."""
    program = words[0].rpartition("/")[2]
    if PIP.fullmatch(program):
        return "pip", words[1:]
    if PYTHON.fullmatch(program) and "-m" in words[:4]:
        rest = words[words.index("-m") + 1 :]
        return (rest[0], rest[1:]) if rest and rest[0] in TOOLS else None
    if program in TOOLS:
        return program, words[1:]
    return None
