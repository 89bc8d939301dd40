"""Heroku's classic buildpack: its choice of package manager, its version grammars, its steps.

Source: heroku-buildpack-python v351. The section numbers in comments are those of the buildpack's own order.
"""

from __future__ import annotations

import re

from predeploy.app.procfile import Procfile, parse_procfile
from predeploy.app.tree import Tree, Unreadable
from predeploy.hosts.entry import entry_modules
from predeploy.installers.checks import conflict_check
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import Boot, BuildPlan, Environment, PythonRequest, Selection, Step
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import grammar, predicate, recipe, selector

VERSION = re.compile(r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))?")

# The C library's whitespace in a UTF-8 locale, which is not Python's: no-break spaces, BOM and NEL stay.
BLANKS = " \t\r\v\f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"


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
    winner = order[0]
    return Selection(
        manifest=winner.file,
        installer=winner.installer,
        candidates=tuple(entry.file for entry in order),
        ignored=tuple(entry.file for entry in order[1:]),
        reason=f"{winner.file} is the package manager file of the root",
    )


@predicate("heroku.no_manager_file")
def no_manager_file(case: Case) -> Outcome:
    """Match when the root holds no package manager's file, ``setup.py`` aside."""
    files = [entry.file for entry in case.snapshot.accept if entry.installer != "setup-py"]
    return matched(not any(case.tree.is_file(file) for file in files))


@predicate("heroku.python_problem")
def python_problem(case: Case, *, file: str, kinds: Words) -> Outcome:
    """Match when the version came from this file and could not be read, for one of these reasons."""
    choice = case.python
    if choice.origin != file or choice.problem not in words(kinds):
        return matched(False)
    return Match(choice.evidence, choice.detail)


@grammar("heroku.runtime_txt")
def runtime_txt(case: Case, origin: str) -> PythonRequest | None:
    """Read ``runtime.txt``: ``python-`` and a version, comments and blank lines aside."""
    data = _data(case.tree, "runtime.txt")
    if data is None:
        return None
    lines = version_lines(data)
    whole = "\n".join(text for _, text in lines)
    version = whole.removeprefix("python-")
    line = lines[0][0] if lines else 1
    if whole.startswith("python-") and VERSION.fullmatch(version):
        return _request(origin, "runtime.txt", line, whole, version=version)
    shown = whole[:100] or "an empty file"
    return _request(origin, "runtime.txt", line, shown, problem="invalid-version", detail=shown)


@grammar("heroku.python_version_file")
def python_version_file(case: Case, origin: str) -> PythonRequest | None:
    """Read ``.python-version``: one line that is exactly a version."""
    data = _data(case.tree, ".python-version")
    if data is None:
        return None
    file, lines = ".python-version", version_lines(data)
    for number, text in lines:
        if not VERSION.fullmatch(text):
            encoding = unusable_encoding(data)
            if encoding:
                return _request(origin, file, number, text, problem="invalid-encoding", detail=encoding)
            return _request(origin, file, number, text, problem="invalid-version", detail=_printable(text))
    if not lines:
        return _request(origin, file, None, None, problem="no-version", detail=file)
    if len(lines) > 1:
        versions = ",".join(text for _, text in lines)
        return _request(origin, file, lines[1][0], versions, problem="multiple-versions", detail=versions)
    return _request(origin, file, lines[0][0], lines[0][1], version=lines[0][1])


@grammar("heroku.pipfile_lock")
def pipfile_lock(case: Case, origin: str) -> PythonRequest | None:
    """Read the Python that ``Pipfile.lock`` requires; only with Pipenv, and the full version first."""
    if case.selection.installer != "pipenv" or not case.tree.is_file("Pipfile.lock"):
        return None
    from predeploy.app.jsonfile import read_json

    if not case.tree.read("Pipfile.lock").removeprefix(b"\xef\xbb\xbf").strip():
        return _request(origin, "Pipfile.lock", 1, "", problem="invalid-version", detail="an empty file")
    document = read_json(case.tree, "Pipfile.lock")
    if document.problem is not None:
        problem = document.problem
        return _request(
            origin, "Pipfile.lock", problem.line, problem.text, problem="invalid-json", detail=problem.reason
        )
    requires: object = document.data
    for key in ("_meta", "requires"):
        if requires is None or requires is False:
            return None
        if not isinstance(requires, dict):
            detail = f"an object is expected around {key!r}"
            return _request(origin, "Pipfile.lock", None, None, problem="invalid-json", detail=detail)
        requires = requires.get(key)
    return _required_python(requires, origin)


def _required_python(requires: object, origin: str) -> PythonRequest | None:
    if requires is None or requires is False:
        return None
    if not isinstance(requires, dict):
        detail = "an object is expected under _meta.requires"
        return _request(origin, "Pipfile.lock", None, None, problem="invalid-json", detail=detail)
    for key in ("python_full_version", "python_version"):
        value = requires.get(key)
        if value is None or value is False:
            continue
        text = str(value)
        if VERSION.fullmatch(text):
            return _request(origin, "Pipfile.lock", None, text, version=text)
        shown = _printable(text) or "an empty value"
        return _request(origin, "Pipfile.lock", None, text, problem="invalid-version", detail=shown)
    return None


@grammar("heroku.cached")
def cached(case: Case, origin: str) -> PythonRequest | None:
    """Keep the minor version of the previous build."""
    value = case.setting("cached_python")
    if value is None or not re.fullmatch(r"\d+\.\d+\.\d+", value):
        return None
    return PythonRequest(origin=origin, version=value.rpartition(".")[0])


def version_lines(data: bytes) -> list[tuple[int, str]]:
    """Return the numbered lines that say something: blanks stripped, empty and comment lines dropped."""
    text = data.decode("utf-8", "surrogateescape")
    stripped = [(number, line.strip(BLANKS)) for number, line in enumerate(text.split("\n"), start=1)]
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def unusable_encoding(data: bytes) -> str | None:
    """Return how the ``file`` tool would call an encoding the buildpack refuses; ``None`` for the others."""
    marks = (
        (b"\xef\xbb\xbf", "Unicode text, UTF-8 (with BOM)"),
        (b"\xff\xfe\x00\x00", "Unicode text, UTF-32, little-endian"),
        (b"\x00\x00\xfe\xff", "Unicode text, UTF-32, big-endian"),
        (b"\xff\xfe", "Unicode text, UTF-16, little-endian"),
        (b"\xfe\xff", "Unicode text, UTF-16, big-endian"),
    )
    for mark, name in marks:
        if data.startswith(mark):
            return name
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        binary = any(byte < 0x20 and byte not in b"\t\n\r\f\x07\x08\x1b" for byte in data)
        if not binary and not any(0x80 <= byte <= 0x9F for byte in data):
            return "ISO-8859 text"
    return None


def _data(tree: Tree, path: str) -> bytes | None:
    if not tree.is_file(path):
        return None
    try:
        return tree.read(path)
    except Unreadable:
        return None


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:100]


def _request(
    origin: str,
    path: str,
    line: int | None,
    text: str | None,
    *,
    version: str | None = None,
    problem: str | None = None,
    detail: str | None = None,
) -> PythonRequest:
    evidence = Evidence(path=path, line=line, text=_printable(text) if text else None)
    return PythonRequest(origin=origin, version=version, problem=problem, detail=detail, evidence=(evidence,))


def procfile(case: Case) -> Procfile | None:
    """Return the app's Procfile, parsed once."""

    def read() -> Procfile | None:
        data = _data(case.tree, "Procfile")
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
        if any(process.name == "web" for process in parsed.processes):
            return matched(False)
        names = ", ".join(dict.fromkeys(process.name for process in parsed.processes)) or "nothing"
        return Match((Evidence(path="Procfile"),), f"The Procfile declares {names}.")
    near = [name for name in case.tree.names() if name.lower() in {"procfile", "procfile.txt", "profile"}]
    if near:
        return Match((Evidence(path=near[0]),), f"{near[0]} is not read: the name must be Procfile.")
    below = [f"{name}/Procfile" for name in case.tree.names() if case.tree.is_file(f"{name}/Procfile")]
    if below:
        return Match((Evidence(path=below[0]),), f"{below[0]} is not read: it must lie in the root.")
    return Match((), "There is no Procfile.")


@predicate("heroku.procfile_problem")
def procfile_problem(case: Case) -> Outcome:
    """Match when the Procfile has lines that declare nothing."""
    parsed = procfile(case)
    if parsed is None or not parsed.problems:
        return matched(False)
    places = (Evidence(path="Procfile", line=p.line, text=p.text) for p in parsed.problems)
    return Match(tuple(places), f"line {parsed.problems[0].line}: {parsed.problems[0].reason}")


@recipe("heroku")
def heroku(case: Case) -> BuildPlan:
    """Return the buildpack's steps: hooks around the install, then the web process of the Procfile."""
    snapshot, tools = case.snapshot, case.snapshot.tools
    installer = snapshot.installers[case.selection.installer or "pip"]
    seeds = {"pip": tools["pip"]} if case.selection.installer in {"pip", "setup-py"} else {}
    if seeds and (case.python.minor or "") in {"3.8", "3.9", "3.10", "3.11", "3.12"}:
        seeds["setuptools"] = tools["setuptools"]
    steps = [_hook(case, "pre_compile"), _install(case), _hook(case, "post_compile"), conflict_check()]
    parsed = procfile(case)
    processes = {process.name: process.command for process in parsed.processes} if parsed else {}
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds=seeds),
        env=dict(snapshot.build_env),
        tools={tool: tools[tool] for tool in installer.tools},
        steps=tuple(step for step in steps if step),
        boot=_boot(case, processes.get("web")),
        processes=processes,
        entry_modules=entry_modules(case, processes.get("web", "")),
        requirement_files=("requirements.txt",) if case.selection.installer == "pip" else (),
    )


def _install(case: Case) -> Step:
    installer = case.snapshot.installers[case.selection.installer or "pip"]
    argv, env = installer.command, dict(installer.env)
    if case.setting("ci") == "true":
        argv = _with_test_dependencies(case, argv)
    if "PIP_EXTRA_INDEX_URL" in case.env and case.selection.installer in {"pip", "setup-py", "pipenv"}:
        env["PIP_EXTRA_INDEX_URL"] = case.env["PIP_EXTRA_INDEX_URL"]
    return Step(
        id="install-dependencies",
        phase="install",
        reason=case.selection.reason,
        argv=argv,
        env=env,
        timeout_seconds=900,
    )


def _with_test_dependencies(case: Case, argv: tuple[str, ...]) -> tuple[str, ...]:
    installer = case.selection.installer
    if installer == "pip" and case.tree.is_file("requirements-test.txt"):
        return (*argv, "-r", "requirements-test.txt")
    if installer == "pipenv":
        return (*argv, "--dev")
    if installer == "poetry":
        return tuple(word for word in argv if word not in {"--only", "main"})
    if installer == "uv":
        return tuple(word for word in argv if word != "--no-default-groups")
    return argv


def _hook(case: Case, name: str) -> Step | None:
    if not case.tree.is_file(f"bin/{name}"):
        return None
    hidden = {"PATH", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME"}
    config = {key: value for key, value in case.env.items() if key not in hidden}
    return Step(
        id=name.replace("_", "-"),
        phase="install",
        reason=f"the app has bin/{name}",
        argv=(f"{{app}}/bin/{name}",),
        env={"BUILD_DIR": "{app}", "STACK": case.setting("stack") or "", **config},
        timeout_seconds=900,
    )


def _boot(case: Case, web: str | None) -> Boot | None:
    if web is None:
        return None
    launch = case.snapshot.launch
    env = {"PORT": "{port}", "DYNO": "web.1", "PYTHONPATH": "{app}", "HOME": "{app}", "WEB_CONCURRENCY": "2"}
    step = Step(
        id="web",
        phase="boot",
        reason="the web line of the Procfile",
        shell=web,
        shell_argv=("bash", "-c"),
        env={**launch.env, **env, **case.env},
        timeout_seconds=launch.timeout_seconds,
    )
    return Boot(step=step, timeout_seconds=launch.timeout_seconds, probe=launch.probe, public=True)
