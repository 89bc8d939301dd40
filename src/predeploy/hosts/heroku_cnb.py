"""Heroku's Cloud Native Buildpack (Fir generation), where it differs from the classic one.

Source: heroku/buildpacks-python 6.5.6. What both share is taken from :mod:`predeploy.hosts.heroku`.
"""

from __future__ import annotations

from predeploy.hosts.entry import entry_modules
from predeploy.hosts.heroku import procfile, runtime_config, web_boot
from predeploy.hosts.heroku_python import printable, read_bytes
from predeploy.installers import install_step, kind_of
from predeploy.installers.base import pinned
from predeploy.installers.checks import conflict_check
from predeploy.lazy import pattern
from predeploy.model.conditions import Match, Outcome, matched
from predeploy.model.decisions import Boot, BuildPlan, Environment, PythonRequest, Selection, Step
from predeploy.model.findings import Evidence
from predeploy.record import replace
from predeploy.rules.case import Case
from predeploy.rules.choice import first_of
from predeploy.rules.registry import grammar, predicate, recipe, selector

# --- the package manager and Python -------------------------------------------------------------------


@selector("heroku-cnb.package_manager")
def package_manager(case: Case) -> Selection:
    """Want exactly one package manager's file; a directory of that name counts as well."""
    present = [entry for entry in case.snapshot.accept if case.tree.exists(entry.file)]
    if not present:
        return Selection(problem="none-found", reason="no dependency file that the buildpack reads")
    return first_of(present, "is the package manager file of the root")


@predicate("heroku-cnb.manifest_is_directory")
def manifest_is_directory(case: Case) -> Outcome:
    """Match when the package manager's file that was chosen is a directory."""
    manifest = case.selection.manifest
    wrong = manifest is not None and case.tree.is_dir(manifest)
    return matched(wrong, Evidence(path=manifest or ""))


@grammar("heroku-cnb.runtime_txt")
def runtime_txt(case: Case, origin: str) -> PythonRequest | None:
    """Refuse ``runtime.txt`` by its name, whatever it holds."""
    if not case.tree.exists("runtime.txt"):
        return None
    return PythonRequest(origin=origin, problem="not-supported", evidence=(Evidence(path=origin),))


# Unicode's White_Space, which is neither the C library's class nor Python's.
BLANKS = "".join(map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B))))
BLANKS += "\u2028\u2029\u202f\u205f\u3000"

_NUMBER = pattern(r"\+?[0-9]+")
_LARGEST = 2**16 - 1


@grammar("heroku-cnb.python_version_file")
def python_version_file(case: Case, origin: str) -> PythonRequest | None:
    """Read ``.python-version``: UTF-8, one line of two or three numbers; several lines are told first."""
    data = read_bytes(case.tree, ".python-version")
    if data is None:
        return None
    try:
        lines = version_lines(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        place = Evidence(path=origin, line=data.count(b"\n", 0, error.start) + 1)
        detail = f"byte {error.start} is not UTF-8"
        return PythonRequest(origin=origin, problem="not-utf-8", detail=detail, evidence=(place,))
    if not lines:
        place = Evidence(path=origin)
        return PythonRequest(origin=origin, problem="no-version", detail=origin, evidence=(place,))
    number, text = lines[0]
    place = Evidence(path=origin, line=number, text=printable(text))
    if len(lines) > 1:
        several = printable(", ".join(line for _, line in lines))
        place = Evidence(path=origin, line=lines[1][0], text=several)
        return PythonRequest(origin=origin, problem="multiple-versions", detail=several, evidence=(place,))
    version = parsed_version(text)
    if version is None:
        return PythonRequest(origin=origin, problem="invalid-version", detail=place.text, evidence=(place,))
    return PythonRequest(origin=origin, version=version, evidence=(place,))


def version_lines(text: str) -> list[tuple[int, str]]:
    """Return the numbered lines that say something: blanks stripped, empty lines and comments dropped."""
    stripped = [(number, line.strip(BLANKS)) for number, line in enumerate(text.split("\n"), start=1)]
    return [(number, line) for number, line in stripped if line and line[0] != "#"]


def parsed_version(text: str) -> str | None:
    """Return ``3.9`` for ``3.09`` or ``+3.9``; ``None`` for what is not two or three 16-bit numbers."""
    parts = text.split(".")
    if len(parts) not in {2, 3} or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    bare = [part.lstrip("+").lstrip("0") or "0" for part in parts]
    if any(len(part) > 5 or int(part) > _LARGEST for part in bare):
        return None
    return ".".join(bare)


# --- the plan -----------------------------------------------------------------------------------------

# Without django-admin or the command, nothing is generated and nothing is wrong.
_HAS_COMMAND = """\
if [ ! -e "$1" ]; then echo 'Django is not installed'; exit 0; fi
if said=$(python manage.py help collectstatic 2>&1 >/dev/null); then : >"$2"; exit 0; fi
case $said in *'Unknown command'*) echo 'django.contrib.staticfiles is not enabled'; exit 0 ;; esac
printf '%s\\n' "$said" >&2
exit 1
"""
_COLLECT = """\
if [ ! -e "$1" ]; then echo 'nothing to collect'; exit 0; fi
exec python manage.py collectstatic --noinput
"""
_MARK = "{temp}/has-collectstatic"


@recipe("heroku-cnb")
def heroku_cnb(case: Case) -> BuildPlan:
    """Return the buildpack's steps: the install, static files for Django, the web process of the Procfile."""
    snapshot, installer = case.snapshot, case.selection.installer or "pip"
    kind = kind_of(installer, snapshot.installers[installer])
    parsed = procfile(case)
    processes = {process.name: process.command for process in parsed.processes} if parsed else {}
    return BuildPlan(
        platform=snapshot.id,
        as_of=snapshot.as_of.isoformat(),
        environment=Environment(python=case.python.resolved or "", seeds=pinned(kind.seeded, snapshot.tools)),
        env=dict(snapshot.build_env),
        tools=pinned(kind.tools, snapshot.tools),
        steps=(_install(case), *_static_files(case), conflict_check()),
        boot=_boot(case, processes.get("web")),
        processes=processes,
        entry_modules=entry_modules(case, processes.get("web", "")),
        requirement_files=kind.requirement_files(case.selection.manifest or ""),
    )


def _declared(case: Case) -> dict[str, str]:
    """Return the user's variables, which every command of the build sees; the buildpack's own win."""
    defaults = {"SOURCE_DATE_EPOCH"}  # set by the buildpack only where the user did not
    own = {"PATH", *case.snapshot.build_env} - defaults
    return {name: value for name, value in case.env.items() if name not in own}


def _install(case: Case) -> Step:
    name = case.selection.installer or "pip"
    declared = case.snapshot.installers[name]
    step = install_step(kind_of(name, declared), declared, reason=case.selection.reason)
    return replace(step, env={**_declared(case), **step.env})


def _static_files(case: Case) -> tuple[Step, ...]:
    if not case.tree.exists("manage.py"):
        return ()
    ask, collect = "the root has manage.py: is collectstatic there?", "Django's static files"
    return (
        _django(case, "collectstatic-help", ask, _HAS_COMMAND, "{bin}/django-admin", _MARK),
        _django(case, "collectstatic", collect, _COLLECT, _MARK),
    )


def _django(case: Case, step_id: str, reason: str, script: str, *arguments: str) -> Step:
    return Step(
        id=step_id,
        phase="install",
        reason=reason,
        argv=("sh", "-c", script, "sh", *arguments),
        env={**_declared(case), "VIRTUAL_ENV": "{venv}"},
        only_if_importable="django",  # as sure as bin/django-admin, which the script looks for as well
    )


def _boot(case: Case, web: str | None) -> Boot | None:
    if web is None:
        return None
    dyno = {"PORT": "{port}", "DYNO": "web-00000000-00000", "VIRTUAL_ENV": "{venv}"}
    env = {**runtime_config(case), **case.snapshot.launch.env, **dyno}
    return web_boot(case, web, env, ipv6=True)


@predicate("heroku-cnb.ipv4_only")
def ipv4_only(case: Case) -> Outcome:
    """Match when the app answered, and listens on IPv4 addresses alone."""
    boot = case.execution.boot if case.execution else None
    if boot is None or boot.status != "ok" or not boot.listening:
        return matched(False)
    if any(address.startswith("[") for address in boot.listening):
        return matched(False)
    return Match((), ", ".join(boot.listening))
