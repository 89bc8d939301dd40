"""Heroku's own functions: the Procfile, the recipe and what a start command runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from predeploy.hosts.entry import entry_modules
from predeploy.hosts.heroku import no_web_process, procfile_problem
from predeploy.model.conditions import Match, NoMatch
from predeploy.model.decisions import BuildPlan, Step
from predeploy.pipeline.detect import detect
from predeploy.rules.case import Case
from support.cases import TODAY, ContractCase, case_of

Files = Mapping[str, str | bytes | None]
WEB = {"Procfile": "web: gunicorn app:app\n", ".python-version": "3.13\n"}


def heroku(
    files: Files,
    *,
    settings: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
    as_of: date = TODAY,
) -> Case:
    return case_of(
        ContractCase(
            name="unit",
            platform="heroku",
            files=dict(files),
            expect={},
            settings=settings or {},
            env=env or {},
            as_of=as_of,
        )
    )


def plan_of(files: Files, **outside: dict[str, str]) -> BuildPlan:
    plan = detect(heroku({**WEB, **files}, **outside)).plan  # type: ignore[arg-type]
    assert plan is not None
    return plan


def step(plan: BuildPlan, step_id: str) -> Step:
    return next(step for step in plan.steps if step.id == step_id)


# --- the Procfile ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "There is no Procfile."),
        ({"Procfile": ""}, "The Procfile declares nothing."),
        ({"Procfile": "worker: a\nclock: b\n"}, "The Procfile declares worker, clock."),
        ({"Procfile": "Web: a\n"}, "The Procfile declares Web."),
        ({"procfile": "web: a\n"}, "procfile is not read: the name must be Procfile."),
        ({"Procfile.txt": "web: a\n"}, "Procfile.txt is not read: the name must be Procfile."),
        ({"Profile": "web: a\n"}, "Profile is not read: the name must be Procfile."),
        ({"api/Procfile": "web: a\n"}, "api/Procfile is not read: it must lie in the root."),
        ({"Procfile/web": "a\n"}, "Procfile is not a file here."),
    ],
)
def test_why_nothing_serves_web_requests(files: Files, says: str) -> None:
    outcome = no_web_process(heroku(files))
    assert isinstance(outcome, Match)
    assert outcome.detail == says


def test_a_web_line_serves() -> None:
    assert isinstance(no_web_process(heroku({"Procfile": "worker: b\nweb: a\n"})), NoMatch)


def test_procfile_lines_that_declare_nothing() -> None:
    outcome = procfile_problem(heroku({"Procfile": "web: a\nnonsense\n\x1b[1mx: y\n"}))
    assert isinstance(outcome, Match)
    assert [place.line for place in outcome.evidence] == [2, 3]
    assert all((place.text or "").isprintable() for place in outcome.evidence)
    assert isinstance(procfile_problem(heroku({"Procfile": "# only\nweb: a\n"})), NoMatch)
    assert isinstance(procfile_problem(heroku({})), NoMatch)


def test_the_last_web_line_wins() -> None:
    assert plan_of({"requirements.txt": "", "Procfile": "web: a\nweb: b\n"}).processes == {"web": "b"}


# --- the recipe -----------------------------------------------------------------------------------------


def test_pip() -> None:
    plan = plan_of({"requirements.txt": ""})
    install = step(plan, "install-dependencies")
    assert install.argv[:4] == ("pip", "install", "-r", "requirements.txt")
    assert install.argv[4:8] == ("--exists-action=w", "--no-cache-dir", "--no-input", "--progress-bar")
    assert install.env == {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    assert plan.environment.python == "3.13.15"
    assert plan.environment.seeds == {"pip": "26.2.1"}
    assert plan.env == {"LANG": "en_US.UTF-8", "PYTHONUNBUFFERED": "1"}
    assert plan.requirement_files == ("requirements.txt",)
    assert plan.tools == {}


@pytest.mark.parametrize(
    ("minor", "seeded"), [("3.10", True), ("3.12", True), ("3.13", False), ("3.14", False)]
)
def test_setuptools_is_seeded_for_older_minors_only(minor: str, seeded: bool) -> None:
    seeds = plan_of({"requirements.txt": "", ".python-version": minor}).environment.seeds
    assert seeds == {"pip": "26.2.1", **({"setuptools": "70.3.0"} if seeded else {})}


def test_pipenv() -> None:
    plan = plan_of({"Pipfile": "", "Pipfile.lock": "{}"})
    install = step(plan, "install-dependencies")
    assert install.argv == ("{tool:pipenv}/pipenv", "install", "--deploy")
    assert install.env["PIPENV_SYSTEM"] == "1"
    assert install.env["PIPENV_NOSPIN"] == "1"
    assert plan.tools == {"pipenv": "2026.7.1"}
    assert plan.environment.seeds == {}
    assert plan.requirement_files == ()


def test_poetry() -> None:
    plan = plan_of({"poetry.lock": ""})
    install = step(plan, "install-dependencies")
    assert install.argv[1:] == ("sync", "--only", "main", "--compile", "--no-ansi", "--no-interaction")
    assert install.env["POETRY_VIRTUALENVS_CREATE"] == "false"
    assert plan.tools == {"poetry": "2.4.1"}


def test_uv() -> None:
    plan = plan_of({"uv.lock": ""})
    install = step(plan, "install-dependencies")
    assert install.argv[1:4] == ("sync", "--locked", "--no-default-groups")
    assert install.argv[4:] == ("--color", "always", "--compile-bytecode", "--no-progress")
    assert install.env["UV_PROJECT_ENVIRONMENT"] == "{venv}"
    assert plan.tools == {"uv": "0.12.5"}


@pytest.mark.parametrize(
    ("day", "tools"),
    [
        (date(2026, 4, 12), {"pipenv": "2026.5.1"}),
        (date(2026, 4, 13), {"pipenv": "2026.5.2"}),
        (date(2026, 7, 9), {"pipenv": "2026.6.1"}),
        (date(2026, 7, 10), {"pipenv": "2026.6.2"}),
        (date(2026, 8, 18), {"pipenv": "2026.7.1"}),
    ],
)
def test_tools_are_pinned_by_date(day: date, tools: dict[str, str]) -> None:
    plan = detect(heroku({**WEB, "Pipfile": "", "Pipfile.lock": "{}"}, as_of=day)).plan
    assert plan is not None
    assert plan.tools == tools


@pytest.mark.parametrize(
    ("files", "added", "dropped"),
    [
        ({"requirements.txt": "", "requirements-test.txt": ""}, ("-r", "requirements-test.txt"), ()),
        ({"requirements.txt": ""}, (), ()),
        ({"Pipfile.lock": "{}"}, ("--dev",), ()),
        ({"poetry.lock": ""}, (), ("--only", "main")),
        ({"uv.lock": ""}, (), ("--no-default-groups",)),
    ],
)
def test_heroku_ci_installs_test_dependencies(
    files: Files, added: tuple[str, ...], dropped: tuple[str, ...]
) -> None:
    usual = step(plan_of(files), "install-dependencies").argv
    ci = step(plan_of(files, settings={"ci": "true"}), "install-dependencies").argv
    assert ci == (*(word for word in usual if word not in dropped), *added)


def test_heroku_ci_resolves_the_test_requirements_too() -> None:
    files = {"requirements.txt": "", "requirements-test.txt": ""}
    assert plan_of(files).requirement_files == ("requirements.txt",)
    plan = plan_of(files, settings={"ci": "true"})
    assert plan.requirement_files == ("requirements.txt", "requirements-test.txt")


@pytest.mark.parametrize(
    ("files", "reaches"),
    [
        ({"requirements.txt": ""}, True),
        ({"Pipfile.lock": "{}"}, True),
        ({"poetry.lock": ""}, False),
        ({"uv.lock": ""}, False),
    ],
)
def test_one_config_var_reaches_pip_and_pipenv_only(files: Files, reaches: bool) -> None:
    env = {"PIP_EXTRA_INDEX_URL": "https://example.org/simple", "PIP_INDEX_URL": "https://example.org/other"}
    install = step(plan_of(files, env=env), "install-dependencies")
    assert ("PIP_EXTRA_INDEX_URL" in install.env) is reaches
    assert "PIP_INDEX_URL" not in install.env


def test_hooks_see_config_vars_but_not_the_dangerous_ones() -> None:
    files = {"Pipfile.lock": "{}", "bin/pre_compile": "", "bin/post_compile": ""}
    plan = plan_of(files, env={"TOKEN": "x", "PATH": "/x", "PYTHONHOME": "/x", "LD_PRELOAD": "/x"})
    before, after = step(plan, "pre-compile"), step(plan, "post-compile")
    assert before.shell == "chmod +x bin/pre_compile && bin/pre_compile"
    assert before.env == {
        "BUILD_DIR": "{app}",
        "CACHE_DIR": "{work}/cache",
        "STACK": "heroku-24",
        "TOKEN": "x",
    }
    assert after.env["PIPENV_SYSTEM"] == "1"
    assert "PIPENV_NOSPIN" not in after.env


def test_the_web_process() -> None:
    boot = plan_of({"requirements.txt": ""}).boot
    assert boot is not None
    assert boot.public
    assert boot.timeout_seconds == 60
    assert (boot.step.shell, boot.step.shell_argv) == ("gunicorn app:app", ("bash", "-c"))
    assert boot.step.env == {
        "PYTHONUNBUFFERED": "true",
        "FORWARDED_ALLOW_IPS": "*",
        "GUNICORN_CMD_ARGS": "--access-logfile -",
        "LANG": "en_US.UTF-8",
        "DYNO_RAM": "512",
        "WEB_CONCURRENCY": "2",
        "WEB_CONCURRENCY_SET_BY": "heroku/python",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONPATH": "{app}",
        "PORT": "{port}",
        "DYNO": "web.1",
        "HOME": "{app}",
    }


def test_config_vars_override_defaults_only() -> None:
    given = {"PORT": "5000", "WEB_CONCURRENCY": "1", "LANG": "C", "FORWARDED_ALLOW_IPS": "::1", "HOME": "/x"}
    boot = plan_of({"requirements.txt": ""}, env={**given, "PYTHONHOME": "/x", "PYTHONPATH": "src"}).boot
    assert boot is not None
    env = boot.step.env
    assert (env["PORT"], env["HOME"], env["FORWARDED_ALLOW_IPS"]) == ("{port}", "{app}", "*")
    assert (env["WEB_CONCURRENCY"], env["LANG"], env["PYTHONPATH"]) == ("1", "C", "src")
    assert not {"PYTHONHOME", "WEB_CONCURRENCY_SET_BY"} & env.keys()


def test_without_web_nothing_is_started() -> None:
    assert plan_of({"requirements.txt": "", "Procfile": "worker: x\n"}).boot is None


# --- entry modules --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("gunicorn app:app", ("app.py",)),
        ("gunicorn 'shop.wsgi:make()' --log-file -", ("shop/__init__.py", "shop/wsgi.py")),
        ("uvicorn shop:app --port $PORT", ("shop/__init__.py",)),
        ("python ./run.py", ("run.py",)),
        ("python run.py && python run.py", ("run.py",)),
        ("node server.js", ()),
        ("", ()),
    ],
)
def test_the_files_a_start_command_names(command: str, files: tuple[str, ...]) -> None:
    tree = {"app.py": "", "run.py": "", "shop/__init__.py": "", "shop/wsgi.py": ""}
    assert entry_modules(heroku(tree), command) == files
