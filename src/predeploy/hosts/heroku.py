"""Heroku's classic buildpack: what it detects, its choice of package manager, its steps.

Source: heroku-buildpack-python v351. How it chooses Python is in :mod:`predeploy.hosts.heroku_python`.
"""

from __future__ import annotations

from predeploy.app.procfile import Procfile, parse_procfile
from predeploy.hosts.entry import entry_modules
from predeploy.hosts.heroku_python import printable, read_bytes
from predeploy.hosts.heroku_steps import NLTK_DATA, collectstatic, hook, manager_env, nltk_download, stack_of
from predeploy.installers import install_step, kind_of
from predeploy.installers.base import pinned
from predeploy.installers.checks import conflict_check
from predeploy.model.conditions import Match, Outcome, Unknown, found, matched
from predeploy.model.decisions import Boot, BuildPlan, Environment, Selection, Step
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.choice import first_of
from predeploy.rules.registry import NotRecorded, predicate, recipe, selector

# --- detect, stacks and the package manager -----------------------------------------------------------


@predicate("heroku.recognised")
def recognised(case: Case) -> Outcome:
    """Match when the root holds a name that the buildpack's detection knows."""
    lists, tree = case.snapshot.lists, case.tree
    there = tree.exists if case.snapshot.values.get("detects-directories") else tree.is_file
    names = [name for name in lists["recognised-paths"] if there(name)]
    names += [name for name in lists["recognised-directories"] if tree.is_dir(name)]
    return matched(bool(names), *(Evidence(path=name) for name in names))


@predicate("heroku.stack_is")
def stack_is(case: Case, *, kind: str) -> Outcome:
    """Match when the stack is ``eol``, or ``unknown`` to the buildpack; a listed name may end with ``*``."""
    stack = stack_of(case)
    removed = any(
        stack.startswith(name[:-1]) if name.endswith("*") else stack == name
        for name in case.snapshot.lists["stacks-eol"]
    )
    known = removed or stack in case.snapshot.lists["stacks"]
    return matched(removed if kind == "eol" else not known, detail=stack or "no stack")


@selector("heroku.package_manager")
def package_manager(case: Case) -> Selection:
    """Want exactly one package manager's file; ``setup.py`` counts only when there is no other."""
    present = [entry for entry in case.snapshot.accept if case.tree.is_file(entry.file)]
    by_installer = {entry.installer: entry for entry in reversed(present) if entry.installer != "setup-py"}
    order = [entry for entry in present if by_installer.get(entry.installer) is entry]
    reads_pipfile = any(entry.file == "Pipfile" for entry in case.snapshot.accept)
    if not reads_pipfile and case.tree.is_file("Pipfile") and not case.tree.is_file("Pipfile.lock"):
        files = tuple(entry.file for entry in order)
        return Selection(
            candidates=files, problem="pipenv-missing-lockfile", reason="Pipfile has no lockfile"
        )
    if not order:
        order = [entry for entry in present if entry.installer == "setup-py"]
    if not order:
        return Selection(problem="none-found", reason="no dependency file that Heroku reads")
    return first_of(order, "is the package manager file of the root")


@predicate("heroku.no_manager_file")
def no_manager_file(case: Case) -> Outcome:
    """Match when the root holds no package manager's file, ``setup.py`` aside.

    Unknown when the pre_compile hook names such a file: the hook runs first and may write it.
    """
    files = [entry.file for entry in case.snapshot.accept if entry.installer != "setup-py"]
    if any(case.tree.is_file(file) for file in files):
        return matched(False)
    hook = read_bytes(case.tree, "bin/pre_compile") or b""
    named = [file for file in files if file.encode() in hook]
    return Unknown(f"bin/pre_compile runs first and may write {named[0]}") if named else Match()


@predicate("heroku.pin_not_recorded")
def pin_not_recorded(case: Case) -> Outcome:
    """Match when the profile does not know which version of a tool the buildpack of that day installed."""
    name, minor, tools = case.selection.installer, case.python.minor, case.snapshot.tools
    if name is None:
        return matched(False)
    kind = kind_of(name, case.snapshot.installers[name])
    wanted = [*kind.seeded, *kind.tools]
    if kind.seeded and minor in case.snapshot.lists["minors-with-setuptools"]:
        wanted.append("setuptools")
    others = kind.seeded and minor in case.snapshot.lists["minors-with-other-pins"]
    missing = wanted if others else [tool for tool in wanted if tool not in tools]
    return matched(bool(missing), detail=" and ".join(missing))


@predicate("heroku.command_not_recorded")
def command_not_recorded(case: Case) -> Outcome:
    """Match when the profile does not know the install command of that day."""
    name = case.selection.installer
    return matched(name is not None and not case.snapshot.installers[name].command, detail=name)


# --- the Procfile and the plan ------------------------------------------------------------------------


def procfile(case: Case) -> Procfile | None:
    """Return the app's Procfile, parsed once."""

    def read() -> Procfile | None:
        data = read_bytes(case.tree, "Procfile")
        if data is None:
            return None
        from predeploy.app.text import decode

        return parse_procfile(decode(data).text)

    return case.once("heroku.procfile", read)


@predicate("heroku.no_web_process")
def no_web_process(case: Case) -> Outcome:
    """Match when no ``web`` process is declared; evidence names near misses."""
    parsed = procfile(case)
    if parsed is not None:
        if parsed.command("web") is not None:
            return matched(False)
        names = ", ".join(dict.fromkeys(process.name for process in parsed.processes)) or "nothing"
        return found("Procfile", detail=f"The Procfile declares {names}.")
    for name in case.tree.names():
        if name == "Procfile":
            return found(name, detail="Procfile is not a file here.")
        if name.lower() in {"procfile", "procfile.txt", "profile"}:
            return found(name, detail=f"{name} is not read: the name must be Procfile.")
    for name in case.tree.names():
        below = f"{name}/Procfile"
        if case.tree.is_file(below):
            return found(below, detail=f"{below} is not read: it must lie in the root.")
    return Match((), "There is no Procfile.")


@predicate("heroku.procfile_problem")
def procfile_problem(case: Case) -> Outcome:
    """Match when the Procfile has lines that declare nothing."""
    parsed = procfile(case)
    if parsed is None or not parsed.problems:
        return matched(False)
    places = (Evidence(path="Procfile", line=p.line, text=printable(p.text)) for p in parsed.problems)
    return Match(tuple(places), f"line {parsed.problems[0].line}: {parsed.problems[0].reason}")


@predicate("heroku.process_declared")
def process_declared(case: Case, *, name: str) -> Outcome:
    """Match when the Procfile declares a process of this type."""
    parsed = procfile(case)
    lines = [process for process in parsed.processes if process.name == name] if parsed else []
    return matched(bool(lines), *(Evidence(path="Procfile", line=p.line, text=p.command) for p in lines))


@recipe("heroku")
def heroku(case: Case) -> BuildPlan:
    """Return the buildpack's steps: hooks around the install, then the web process of the Procfile."""
    if any(isinstance(gap(case), Match) for gap in (pin_not_recorded, command_not_recorded)):
        raise NotRecorded
    snapshot, installer = case.snapshot, case.selection.installer or "pip"
    tools, minor = snapshot.tools, case.python.minor
    kind = kind_of(installer, snapshot.installers[installer])
    seeds = pinned(kind.seeded, tools)
    if seeds and minor in snapshot.lists["minors-with-setuptools"]:
        seeds |= {name: tools[name] for name in ("setuptools", "wheel") if name in tools}
    steps = (
        hook(case, "pre_compile"),
        _install(case),
        nltk_download(case),
        collectstatic(case),
        hook(case, "post_compile"),
        conflict_check(),
    )
    parsed = procfile(case)
    processes = {process.name: process.command for process in parsed.processes} if parsed else {}
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds=seeds),
        env=dict(snapshot.build_env),
        tools=pinned(kind.tools, tools),
        steps=tuple(step for step in steps if step),
        boot=_boot(case, processes.get("web")),
        processes=processes,
        entry_modules=entry_modules(case, processes.get("web", "")),
        requirement_files=("requirements.txt", *_test_requirements(case)) if installer == "pip" else (),
    )


def _install(case: Case) -> Step:
    name = case.selection.installer or "pip"
    declared = case.snapshot.installers[name]
    argv, env = declared.command, {}
    if case.selection.manifest == "Pipfile":  # a lockfile was not always wanted
        argv = tuple("--skip-lock" if word == "--deploy" else word for word in argv)
    if case.setting("ci") == "true":
        argv = _with_test_dependencies(case, argv)
    handed_on = case.snapshot.values.get("pip-extra-index-url") and name in {"pip", "setup-py", "pipenv"}
    if handed_on and "PIP_EXTRA_INDEX_URL" in case.env:
        env["PIP_EXTRA_INDEX_URL"] = case.env["PIP_EXTRA_INDEX_URL"]
    return install_step(kind_of(name, declared), declared, reason=case.selection.reason, argv=argv, env=env)


def _test_requirements(case: Case) -> tuple[str, ...]:
    wanted = case.setting("ci") == "true" and case.tree.is_file("requirements-test.txt")
    return ("requirements-test.txt",) if wanted else ()


def _with_test_dependencies(case: Case, argv: tuple[str, ...]) -> tuple[str, ...]:
    installer = case.selection.installer
    if installer == "pip":
        return (*argv, *(word for file in _test_requirements(case) for word in ("-r", file)))
    if installer == "pipenv":
        return (*argv, "--dev")
    if installer == "poetry":
        return tuple(word for word in argv if word not in {"--only", "main"})
    if installer == "uv":
        return tuple(word for word in argv if word != "--no-default-groups")
    return argv


def _concurrency(case: Case) -> dict[str, str]:
    """Return what the buildpack's script sets from the dyno's memory and cores, at least one worker."""
    memory, cores = int(case.snapshot.launch.env["DYNO_RAM"]), int(case.snapshot.values["dyno-cores"])
    workers = max(1, min(memory // 256, 2 * cores + 1))
    return {"WEB_CONCURRENCY": str(workers), "WEB_CONCURRENCY_SET_BY": "heroku/python"}


def _boot(case: Case, web: str | None) -> Boot | None:
    if web is None:
        return None
    launch = case.snapshot.launch
    # Config vars win over defaults, but not over what the dyno and the buildpack's scripts always set.
    defaults = {"LANG", "GUNICORN_CMD_ARGS"}
    config = runtime_config(case)
    env = {"PYTHONPATH": "{app}", **({} if config.get("WEB_CONCURRENCY") else _concurrency(case))}
    if case.tree.is_file("nltk.txt"):
        env["NLTK_DATA"] = NLTK_DATA
    fixed = {key: value for key, value in launch.env.items() if key not in defaults}
    manager = manager_env(case) if case.selection.installer in {"pip", "setup-py", "pipenv"} else {}
    dyno = {"PORT": "{port}", "DYNO": "web.1", "HOME": "{app}"}
    return web_boot(case, web, {**launch.env, **env, **config, **fixed, **manager, **dyno})


def runtime_config(case: Case) -> dict[str, str]:
    """Return the config vars that reach the start command."""
    return {name: value for name, value in case.env.items() if name not in {"PATH", "PYTHONHOME"}}


def web_boot(case: Case, command: str, env: dict[str, str], *, ipv6: bool = False) -> Boot:
    """Return the start of a Procfile's web process, which either builder leaves to the dyno."""
    launch = case.snapshot.launch
    step = Step(
        id="web",
        phase="boot",
        reason="the web line of the Procfile",
        shell=command,
        shell_argv=("bash", "-c"),
        env=env,
        timeout_seconds=launch.timeout_seconds,
    )
    return Boot(step=step, timeout_seconds=launch.timeout_seconds, probe=launch.probe, public=True, ipv6=ipv6)
