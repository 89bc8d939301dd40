"""What Heroku's classic buildpack runs around the install: the app's hooks, NLTK data, collectstatic.

Source: heroku-buildpack-python v351, lib/hooks.sh, bin/steps/nltk, bin/steps/collectstatic.
"""

from __future__ import annotations

from collections.abc import Iterator

from predeploy.app.tree import Tree
from predeploy.hosts.heroku_python import read_bytes
from predeploy.model.decisions import Step
from predeploy.rules.case import Case

LIMIT_SECONDS = 900
"""The whole build's limit; the steps have none of their own."""

NLTK_DATA = "{venv}/nltk_data"
"""Where the data goes, and what NLTK is told at run time."""

HIDDEN = frozenset({"PATH", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME"})
"""Config vars that the app's own code does not see during the build."""

PASSING = frozenset({"PIPENV_NOSPIN", "PIP_SRC"})
"""Variables of a package manager that are set for its one command only."""

MANAGE_DEPTH = 3
"""Names in the longest path of a ``manage.py`` that is found."""


def manager_env(case: Case) -> dict[str, str]:
    """Return what the package manager's step leaves in the environment of later ones."""
    installer = case.selection.installer or "pip"
    env = case.snapshot.installers[installer].env
    return {name: value for name, value in env.items() if name not in PASSING}


def _with_config(case: Case, env: dict[str, str]) -> dict[str, str]:
    """Return the variables of a step that runs the app's code: the build's own, then the config vars."""
    build = {"BUILD_DIR": "{app}", "CACHE_DIR": "{work}/cache", "STACK": stack_of(case)}
    config = {name: value for name, value in case.env.items() if name not in HIDDEN}
    return {**build, **env, **config}


def stack_of(case: Case) -> str:
    """Return the stack: the one given, else the default, or the newest of a day before the default's own."""
    stack = case.setting("stack") or ""
    given = "stack" in case.settings or "STACK" in case.env
    stacks = case.snapshot.lists["stacks"]
    return stack if given or stack in stacks or not stacks else stacks[-1]


def hook(case: Case, name: str) -> Step | None:
    """Return the step of ``bin/pre_compile`` or ``bin/post_compile``, if the app has it."""
    if not case.tree.is_file(f"bin/{name}"):
        return None
    return Step(  # noqa: S604 - a field of that name; nothing is run here
        id=name.replace("_", "-"),
        phase="install",
        reason=f"the app has bin/{name}",
        shell=f"chmod +x bin/{name} && bin/{name}",
        shell_argv=("bash", "-c"),
        env=_with_config(case, manager_env(case) if name == "post_compile" else {}),
        timeout_seconds=LIMIT_SECONDS,
    )


def nltk_download(case: Case) -> Step | None:
    """Return the step that fetches the data of ``nltk.txt``, whose lines are arguments as they stand."""
    data = read_bytes(case.tree, "nltk.txt")
    if data is None or not case.snapshot.values.get("nltk-data"):
        return None
    lines = data.replace(b"\0", b"").decode("utf-8", "replace").split("\n")
    if not lines[-1]:
        lines.pop()
    return Step(
        id="nltk-download",
        phase="install",
        reason="nltk.txt names data to download, which the buildpack does when nltk is installed",
        argv=("python", "-m", "nltk.downloader", "-d", NLTK_DATA, *lines),
        env=_with_config(case, manager_env(case)),
        timeout_seconds=LIMIT_SECONDS,
        only_if_importable="nltk",
    )


def collectstatic(case: Case) -> Step | None:
    """Return the step that collects Django's static files, unless it is switched off or has no manage.py."""
    if case.tree.is_file(".heroku/collectstatic_disabled") or _switched_off(case):
        return None
    manage = manage_file(case.tree)
    if manage is None:
        return None
    env = {"PYTHONPATH": ".", **_with_config(case, manager_env(case))}
    return Step(
        id="collectstatic",
        phase="install",
        reason=f"the app has {manage}, and the buildpack collects static files when Django is installed",
        argv=("python", manage, "collectstatic", "--noinput", "--traceback"),
        env={**env, "PYTHONPATH": env["PYTHONPATH"] or "."},
        timeout_seconds=LIMIT_SECONDS,
        spares_environment=True,
        otherwise="fail" if case.snapshot.values.get("collectstatic-must-succeed") else "ignore",
        only_if_importable="django",
    )


def _switched_off(case: Case) -> bool:
    """Return whether ``DISABLE_COLLECTSTATIC`` is set; Heroku CI sets it where no config var does."""
    switch = case.env.get("DISABLE_COLLECTSTATIC", "1" if case.setting("ci") == "true" else None)
    if switch is None:
        return False
    return switch not in {"", "0"} or bool(case.snapshot.values.get("collectstatic-off-by-any-value"))


def manage_file(tree: Tree) -> str | None:
    """Return the shallowest ``manage.py`` that is a regular file, the first by path of several."""
    level = [""]
    for depth in range(MANAGE_DEPTH):
        if depth:
            level = [below for path in level for below in _directories(tree, path)]
        found = [path for path in level if _is_regular(tree, f"{path}manage.py")]
        if found:
            return f"{min(found)}manage.py"
    return None


def _is_regular(tree: Tree, path: str) -> bool:
    entry = tree.entry(path)
    return entry is not None and entry.kind == "file"


def _directories(tree: Tree, prefix: str) -> Iterator[str]:
    """Yield the directories inside another, each with a final slash; links to directories are not entered."""
    for name in tree.names(prefix.rstrip("/")):
        entry = tree.entry(f"{prefix}{name}")
        if entry is not None and entry.kind == "dir":
            yield f"{prefix}{name}/"
