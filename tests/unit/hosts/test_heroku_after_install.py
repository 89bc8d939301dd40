"""What Heroku runs around the install: which steps, with which variables, and what their output means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from predeploy.app.tree import Tree
from predeploy.hosts.heroku_steps import collectstatic, manage_file, nltk_download
from predeploy.model.decisions import BuildPlan, Step
from predeploy.model.execution import Execution, Sizes, StepResult
from predeploy.pipeline.detect import detect
from predeploy.report.plan import as_text
from predeploy.report.shell import _step
from predeploy.rules.case import Case
from predeploy.rules.evaluate import judge
from support.cases import TODAY, ContractCase, case_of

Files = Mapping[str, str | bytes | None]
BASE: dict[str, str | bytes | None] = {
    "requirements.txt": "django\n",
    ".python-version": "3.13\n",
    "Procfile": "web: gunicorn app:app\n",
}
MEGABYTE = 1024 * 1024


def heroku(files: Files, env: dict[str, str] | None = None) -> Case:
    everything = {**BASE, **files}
    case = ContractCase(
        name="unit", platform="heroku", files=everything, expect={}, as_of=TODAY, env=env or {}
    )
    return case_of(case)


def plan_of(files: Files, env: dict[str, str] | None = None) -> BuildPlan:
    plan = detect(heroku(files, env)).plan
    assert plan is not None
    return plan


def step(plan: BuildPlan, step_id: str) -> Step:
    return next(step for step in plan.steps if step.id == step_id)


# --- collectstatic --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"manage.py": "", "a/manage.py": ""}, "manage.py"),
        ({"b/manage.py": "", "a/manage.py": "", "a/b/manage.py": ""}, "a/manage.py"),
        ({"a/manage.py": "", "a-b/manage.py": ""}, "a-b/manage.py"),
        ({"z/manage.py": "", "a/b/manage.py": ""}, "z/manage.py"),
        ({"a/b/manage.py": ""}, "a/b/manage.py"),
        ({"a/b/c/manage.py": ""}, None),
        ({"manage.py": "-> b/manage.py", "b/manage.py": ""}, "b/manage.py"),
        ({"a": "-> b", "b/c/manage.py": ""}, "b/c/manage.py"),
        ({"manage.py/": None, "src/manage.py": ""}, "src/manage.py"),
        ({".hidden/manage.py": ""}, ".hidden/manage.py"),
    ],
)
def test_which_manage_py(files: Files, found: str | None) -> None:
    assert manage_file(Tree.of(dict(files))) == found


def test_collectstatic_is_run_by_python_from_the_root_when_django_is_there() -> None:
    collect = step(plan_of({"src/manage.py": ""}), "collectstatic")
    assert collect.argv == ("python", "src/manage.py", "collectstatic", "--noinput", "--traceback")
    assert collect.only_if_importable == "django"
    assert collect.cwd == "{app}"


def test_config_vars_but_seven_reach_collectstatic() -> None:
    hidden = ("PATH", "CPATH", "CPPATH", "LD_PRELOAD", "LIBRARY_PATH", "LD_LIBRARY_PATH", "PYTHONHOME")
    env = {"SECRET_KEY": "x", "BUILD_DIR": "mine", **dict.fromkeys(hidden, "mine")}
    collect = step(plan_of({"manage.py": ""}, env=env), "collectstatic")
    assert collect.env["SECRET_KEY"] == "x"
    assert collect.env["BUILD_DIR"] == "mine"
    assert not set(hidden) & collect.env.keys()
    assert collect.env["PIP_DISABLE_PIP_VERSION_CHECK"] == "1"


@pytest.mark.parametrize(
    ("env", "path"), [({}, "."), ({"PYTHONPATH": ""}, "."), ({"PYTHONPATH": "src"}, "src")]
)
def test_the_python_path_of_collectstatic(env: dict[str, str], path: str) -> None:
    assert step(plan_of({"manage.py": ""}, env=env), "collectstatic").env["PYTHONPATH"] == path


REASONS = [
    ("  SyntaxError: invalid syntax\nOSError\nImproperlyConfigured", "collectstatic-syntax-error"),
    ("django.core.exceptions.ImproperlyConfigured: x\nOSError", "collectstatic-improper-configuration"),
    ("whitenoise: The CSS file 'a.css' references\nOSError", "collectstatic-fancy-references"),
    ("OSError: [Errno 2]", "collectstatic-missing-file"),
    ("Unknown command: 'collectstatic'\noserror syntaxerror", "collectstatic-other"),
    ("raise ImproperlyConfigured(\n" + "more\n" * 200, "collectstatic-improper-configuration"),
]


@pytest.mark.parametrize(("output", "reason"), REASONS)
def test_the_reason_is_read_from_the_whole_output(output: str, reason: str) -> None:
    case = heroku({"manage.py": ""})
    failed = StepResult(id="collectstatic", phase="install", status="failed", output=output, tail="the end")
    case.execution = Execution(steps=(failed,))
    assert [finding.upstream_id for finding in judge(case, ("install",))] == [reason]


# --- NLTK -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        (b"punkt\nstopwords\n", ("punkt", "stopwords")),
        (b"punkt", ("punkt",)),
        (b"# data\n\npunkt\r\n", ("# data", "", "punkt\r")),
        (b"", ()),
        (b"\n", ("",)),
        (b"pu\0nkt \n", ("punkt ",)),
    ],
)
def test_every_line_of_nltk_txt_is_an_argument(content: bytes, arguments: tuple[str, ...]) -> None:
    download = step(plan_of({"nltk.txt": content}), "nltk-download")
    assert download.argv == ("python", "-m", "nltk.downloader", "-d", "{venv}/nltk_data", *arguments)
    assert download.only_if_importable == "nltk"


def test_the_app_finds_the_data_at_run_time() -> None:
    plan = plan_of({"nltk.txt": "punkt\n"}, env={"SECRET_KEY": "x"})
    assert plan.boot is not None
    assert plan.boot.step.env["NLTK_DATA"] == "{venv}/nltk_data"
    assert step(plan, "nltk-download").env["SECRET_KEY"] == "x"
    other = plan_of({})
    assert other.boot is not None
    assert "NLTK_DATA" not in other.boot.step.env


# --- hints ----------------------------------------------------------------------------------------------

GDAL, SQLITE = "Could not find GDAL-config", "fatal error: sqlite3.h: no such file or directory"
METADATA = "Please use pip<24.1 if you need to use this version."


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        (GDAL, "gdal-not-found"),
        (SQLITE, "sqlite-headers-missing"),
        (METADATA, "metadata-of-old-package-invalid"),
        (f"{METADATA}\n{SQLITE}\n{GDAL}", "gdal-not-found"),
        (f"{METADATA}\n{SQLITE}", "sqlite-headers-missing"),
    ],
)
def test_the_first_hint_stands_beside_the_failure(output: str, hint: str) -> None:
    case = heroku({})
    failed = StepResult(
        id="install-dependencies", phase="install", status="failed", output=output + "\nx" * 100
    )
    case.execution = Execution(steps=(failed,))
    findings = judge(case, ("install",))
    assert [finding.rule for finding in findings] == [f"heroku/{hint}", "heroku/pip-install-failed"]
    assert [finding.severity for finding in findings] == ["note", "fail"]
    assert findings[1].upstream_id == "install-dependencies::pip"


def test_no_hint_for_another_failure() -> None:
    case = heroku({})
    failed = StepResult(id="install-dependencies", phase="install", status="failed", output="no wheel")
    case.execution = Execution(steps=(failed,))
    assert [finding.rule for finding in judge(case, ("install",))] == ["heroku/pip-install-failed"]


# --- after the build ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("config", "workers"), [({}, "2"), ({"WEB_CONCURRENCY": "5"}, "5")])
def test_the_workers_of_the_smallest_dyno(config: dict[str, str], workers: str) -> None:
    plan = plan_of({}, env=config)
    assert plan.boot is not None
    assert plan.boot.step.env["WEB_CONCURRENCY"] == workers
    assert ("WEB_CONCURRENCY_SET_BY" in plan.boot.step.env) is not bool(config)


@pytest.mark.parametrize(
    ("files", "names", "noted"),
    [
        ({"manage.py": ""}, {"django", "psycopg2"}, True),
        ({"manage.py": ""}, {"django", "psycopg"}, False),
        ({"a/manage.py": ""}, {"django", "psycopg2"}, False),
    ],
)
def test_the_postgres_add_on(files: Files, names: set[str], noted: bool) -> None:
    case = heroku(files)
    case.execution = Execution(importable=frozenset(names))
    rules = [finding.rule for finding in judge(case, ("verify",))]
    assert ("heroku/postgres-add-on" in rules) is noted


@pytest.mark.parametrize(("files", "noted"), [({}, True), ({"nltk.txt": ""}, False)])
def test_nltk_without_its_list(files: Files, noted: bool) -> None:
    case = heroku(files)
    case.execution = Execution(importable=frozenset({"nltk"}))
    rules = [finding.rule for finding in judge(case, ("verify",))]
    assert rules == (["heroku/nltk-data-not-listed"] if noted else [])


@pytest.mark.parametrize(
    ("megabytes", "severities"), [(299, []), (300, []), (301, ["warn"]), (500, ["warn"]), (501, ["reject"])]
)
def test_the_size_of_the_slug(megabytes: int, severities: list[str]) -> None:
    case = heroku({})
    sizes = Sizes(installed_bytes=900 * MEGABYTE, compressed_estimate_bytes=megabytes * MEGABYTE)
    case.execution = Execution(sizes=sizes)
    findings = judge(case, ("verify",))
    assert [finding.severity for finding in findings] == severities
    assert all(f"about {megabytes} MB, from 900 MB" in finding.message for finding in findings)


def test_nothing_is_said_about_a_size_that_was_not_measured() -> None:
    assert judge(heroku({}), ("verify",)) == ()


# --- how it is shown ------------------------------------------------------------------------------------


def test_the_condition_is_shown_in_plans() -> None:
    case = heroku({"manage.py": ""})
    detection = detect(case)
    from predeploy.pipeline.static import static_result

    text = as_text([static_result(case, detection)], [detection], width=100, colour=False)
    assert "only if django can be imported by then" in text
    assert detection.plan is not None
    lines = _step(step(detection.plan, "collectstatic"), detection.plan)
    assert lines[1].startswith('if "$VENV_BIN/python" -c ')
    assert 'find_spec("django")' in lines[1]
    assert lines[2].endswith("python manage.py collectstatic --noinput --traceback")
    assert lines[-1] == "fi"


@pytest.mark.parametrize(("day", "otherwise"), [("2016-02-07", "ignore"), ("2016-02-08", "fail")])
def test_a_failing_collectstatic_was_once_ignored(day: str, otherwise: str) -> None:
    case = ContractCase(
        name="unit", platform="heroku", files={"manage.py": ""}, expect={}, as_of=date.fromisoformat(day)
    )
    collect = collectstatic(case_of(case))
    assert collect is not None
    assert collect.otherwise == otherwise


@pytest.mark.parametrize(("day", "there"), [("2017-02-14", False), ("2017-02-15", True)])
def test_nltk_txt_is_read_since_a_day(day: str, there: bool) -> None:
    case = ContractCase(
        name="unit", platform="heroku", files={"nltk.txt": ""}, expect={}, as_of=date.fromisoformat(day)
    )
    assert (nltk_download(case_of(case)) is not None) is there
