"""Heroku's Cloud Native Buildpack: its version file, its recipe, and what it finds when the app has started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predeploy.env.runner import capture
from predeploy.hosts.heroku_cnb import ipv4_only, parsed_version, version_lines
from predeploy.model.conditions import Match, NoMatch
from predeploy.model.decisions import BuildPlan, Step
from predeploy.model.execution import BootResult, BootStatus, Execution
from predeploy.pipeline.detect import detect
from predeploy.rules.case import Case
from support.cases import TODAY, ContractCase, case_of

Files = Mapping[str, str | bytes | None]
WEB = {"Procfile": "web: gunicorn app:app\n", ".python-version": "3.13\n"}


def fir(files: Files, *, env: dict[str, str] | None = None, as_of: date = TODAY) -> Case:
    contract = ContractCase(
        name="unit", platform="heroku-cnb", files=dict(files), expect={}, env=env or {}, as_of=as_of
    )
    return case_of(contract)


def plan_of(files: Files, *, env: dict[str, str] | None = None, as_of: date = TODAY) -> BuildPlan:
    plan = detect(fir({**WEB, **files}, env=env, as_of=as_of)).plan
    assert plan is not None
    return plan


def step(plan: BuildPlan, step_id: str) -> Step:
    return next(step for step in plan.steps if step.id == step_id)


# --- .python-version ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.13", "3.13"),
        ("3.13.1", "3.13.1"),
        ("03.013.007", "3.13.7"),
        ("+3.+13", "3.13"),
        ("0.0", "0.0"),
        ("65535.65535.65535", "65535.65535.65535"),
        ("000000000003.13", "3.13"),
        ("65536.1", None),
        ("3.100000", None),
        ("3." + "9" * 5000, None),
        ("3", None),
        ("3.1.2.3", None),
        ("3.", None),
        (".13", None),
        ("3.+", None),
        ("++3.13", None),
        ("-3.13", None),
        ("3. 13", None),
        ("3_0.13", None),
        ("\u0663.13", None),
        ("3.13\n", None),
        ("\ufeff3.13", None),
    ],
)
def test_a_version_is_two_or_three_16_bit_numbers(text: str, version: str | None) -> None:
    assert parsed_version(text) == version


@pytest.mark.parametrize("blank", "\t\v\f\r \x85\xa0\u1680\u2000\u2007\u200a\u2028\u2029\u202f\u205f\u3000")
def test_unicode_blanks_are_stripped(blank: str) -> None:
    assert version_lines(f"{blank}3.13{blank}\n{blank}# a\n{blank}") == [(1, "3.13")]


@pytest.mark.parametrize("other", "\x00\x1b\x1c\x1d\x1e\x1f\u180e\u200b\u2060\ufeff")
def test_what_is_no_blank_stays(other: str) -> None:
    assert version_lines(f"{other}3.13") == [(1, f"{other}3.13")]


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    python = fir({"requirements.txt": "", ".python-version": data}).python
    assert (python.resolved is None) == (python.problem is not None)
    assert (python.detail or "").isprintable()


# --- the recipe -----------------------------------------------------------------------------------------


def test_pip_is_outside_the_environment_it_installs_into() -> None:
    plan = plan_of({"requirements.txt": ""})
    install = step(plan, "install-dependencies")
    assert install.argv == (
        *("{tool:pip}/pip", "install", "--no-input", "--progress-bar", "off"),
        *("--requirement", "requirements.txt"),
    )
    assert install.env["PIP_PYTHON"] == "{bin}/python"
    assert plan.environment.seeds == {}
    assert plan.tools == {"pip": "26.1.2"}
    assert plan.requirement_files == ("requirements.txt",)


def test_poetry() -> None:
    plan = plan_of({"poetry.lock": "", "pyproject.toml": ""})
    install = step(plan, "install-dependencies")
    assert install.argv == (
        *("{tool:poetry}/poetry", "sync", "--compile", "--only", "main"),
        "--no-interaction",
    )
    assert install.env == {"VIRTUAL_ENV": "{venv}"}
    assert plan.tools == {"poetry": "2.4.1"}
    assert plan.requirement_files == ()


def test_uv() -> None:
    plan = plan_of({"uv.lock": "", "pyproject.toml": ""})
    install = step(plan, "install-dependencies")
    assert install.argv[1:4] == ("sync", "--locked", "--no-default-groups")
    assert install.env["UV_PROJECT_ENVIRONMENT"] == "{venv}"
    assert plan.tools == {"uv": "0.11.33"}


@pytest.mark.parametrize(
    ("day", "pip"),
    [("2025-05-02", "25.0.1"), ("2025-05-20", "25.1.1"), ("2026-05-06", "26.0.1"), ("2026-08-05", "26.1.2")],
)
def test_the_pins_of_a_day(day: str, pip: str) -> None:
    assert plan_of({"requirements.txt": ""}, as_of=date.fromisoformat(day)).tools == {"pip": pip}


def test_every_day_has_every_pin() -> None:
    from predeploy.profiles.timeline import change_days, snapshot
    from support.cases import profile

    facts = profile("heroku-cnb")
    for day in (facts.covers_from, *change_days(facts)):
        if day >= facts.covers_from:
            assert {"pip", "poetry"} <= set(snapshot(facts, day).tools)


def test_variables_reach_the_install_and_the_buildpack_s_own_win() -> None:
    given_ = {"TOKEN": "t", "PIP_INDEX_URL": "u", "PYTHONUNBUFFERED": "0", "PATH": "/x"}
    given_ |= {"PIP_DISABLE_PIP_VERSION_CHECK": "0", "SOURCE_DATE_EPOCH": "7"}
    plan = plan_of({"requirements.txt": "", "manage.py": ""}, env=given_)
    for name in ("install-dependencies", "collectstatic-help", "collectstatic"):
        seen = {**plan.env, **step(plan, name).env}
        assert (seen["TOKEN"], seen["PIP_INDEX_URL"], seen["SOURCE_DATE_EPOCH"]) == ("t", "u", "7")
        assert seen["PYTHONUNBUFFERED"] == "1"
        assert "PATH" not in seen
    assert step(plan, "install-dependencies").env["PIP_DISABLE_PIP_VERSION_CHECK"] == "1"


def test_the_web_process_knows_its_port_and_no_gunicorn_settings() -> None:
    env = {"A": "b", "PORT": "1", "PYTHONHOME": "/x", "WEB_CONCURRENCY": "5"}
    boot = plan_of({"requirements.txt": ""}, env={k: v for k, v in env.items() if k != "PYTHONHOME"}).boot
    assert boot is not None
    assert boot.ipv6
    assert boot.public
    assert boot.timeout_seconds == 60
    assert boot.step.shell == "gunicorn app:app"
    assert (boot.step.env["A"], boot.step.env["PORT"], boot.step.env["WEB_CONCURRENCY"]) == (
        "b",
        "{port}",
        "5",
    )
    assert not {"GUNICORN_CMD_ARGS", "FORWARDED_ALLOW_IPS", "PYTHONPATH"} & set(boot.step.env)


def test_without_a_web_line_nothing_starts() -> None:
    assert plan_of({"requirements.txt": "", "Procfile": "worker: a\n"}).boot is None


# --- Django ---------------------------------------------------------------------------------------------


def run(tmp_path: object, plan: BuildPlan, step_id: str, *, python: str, django: bool = True) -> str | None:
    """Run one of Django's steps with a stand-in for ``python``; return its output, ``None`` for a failure."""
    from pathlib import Path

    root = Path(str(tmp_path))
    binaries = root / "bin"
    binaries.mkdir(exist_ok=True)
    (binaries / "python").write_text(f"#!/bin/sh\n{python}\n")
    (binaries / "python").chmod(0o755)
    if django:
        (binaries / "django-admin").write_text("")
    words = {"{bin}": str(binaries), "{temp}": str(root)}
    argv = []
    for word in step(plan, step_id).argv:
        for place, path in words.items():
            word = word.replace(place, path)
        argv.append(word)
    return capture(tuple(argv), timeout=20, env={"PATH": f"{binaries}:/usr/bin:/bin"})


@pytest.fixture
def django() -> BuildPlan:
    return plan_of({"requirements.txt": "", "manage.py": ""})


def test_static_files_are_collected(tmp_path: object, django: BuildPlan) -> None:
    assert run(tmp_path, django, "collectstatic-help", python="exit 0") == ""
    assert run(tmp_path, django, "collectstatic", python='echo "$@"') == "manage.py collectstatic --noinput\n"
    assert run(tmp_path, django, "collectstatic", python="exit 3") is None


def test_without_the_command_nothing_is_collected(tmp_path: object, django: BuildPlan) -> None:
    python = "echo 'Unknown command: collectstatic' >&2; exit 1"
    said = run(tmp_path, django, "collectstatic-help", python=python)
    assert said == "django.contrib.staticfiles is not enabled\n"
    assert run(tmp_path, django, "collectstatic", python="exit 3") == "nothing to collect\n"


def test_the_words_count_only_on_stderr(tmp_path: object, django: BuildPlan) -> None:
    python = "echo 'Unknown command'; exit 1"
    assert run(tmp_path, django, "collectstatic-help", python=python) is None


def test_a_broken_manage_py_ends_the_build(tmp_path: object, django: BuildPlan) -> None:
    assert run(tmp_path, django, "collectstatic-help", python="echo ImportError >&2; exit 1") is None


def test_manage_py_without_django_means_nothing(tmp_path: object, django: BuildPlan) -> None:
    said = run(tmp_path, django, "collectstatic-help", python="exit 1", django=False)
    assert said == "Django is not installed\n"
    assert run(tmp_path, django, "collectstatic", python="exit 3", django=False) == "nothing to collect\n"


# --- IPv6 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "listening", "alone"),
    [
        ("ok", ("0.0.0.0:8000",), True),
        ("ok", ("10.0.0.1:8000", "127.0.0.1:8000"), True),
        ("ok", ("0.0.0.0:8000", "[::]:8000"), False),
        ("ok", ("[::]:8000",), False),
        ("ok", (), False),
        ("loopback-only", ("127.0.0.1:8000",), False),
    ],
)
def test_a_server_that_listens_on_ipv4_alone(
    status: BootStatus, listening: tuple[str, ...], alone: bool
) -> None:
    case = fir({"requirements.txt": ""})
    assert isinstance(ipv4_only(case), NoMatch)
    case.execution = Execution(boot=BootResult(status=status, listening=listening))
    outcome = ipv4_only(case)
    assert isinstance(outcome, Match if alone else NoMatch)
    if isinstance(outcome, Match):
        assert outcome.detail == ", ".join(listening)
    case.execution = replace(case.execution, boot=None)
    assert isinstance(ipv4_only(case), NoMatch)
