"""Platform.sh's own functions: reading the configuration, the recipe, and what a failed run means."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any

import pytest

from predeploy.app.tree import Tree
from predeploy.hosts.platformsh_config import APPLICATIONS, read_project, variables_of
from predeploy.hosts.platformsh_outcomes import (
    boot_exited,
    hook_failed,
    hook_undecided,
    other_languages,
    step_failed,
)
from predeploy.hosts.platformsh_recipe import requirement
from predeploy.hosts.platformsh_start import backgrounded
from predeploy.model.conditions import Match, NoMatch, Unknown
from predeploy.model.decisions import BuildPlan
from predeploy.model.execution import BootResult, Execution, LocalPython, StepResult
from predeploy.pipeline.detect import detect
from predeploy.rules.case import Case
from support.cases import TODAY, ContractCase, case_of

APP = """\
name: app
type: "python:3.13"
variables:
  env: {debug: true, LEVELS: [1, 2], PLATFORM_PROJECT: mine}
  theme: {colour: red}
hooks:
  build: pip install -r requirements.txt
web:
  commands: {start: python main.py}
"""


def platformsh(
    app: str = APP,
    files: dict[str, str] | None = None,
    *,
    as_of: date = TODAY,
    env: dict[str, str] | None = None,
) -> Case:
    tree = {".platform.app.yaml": app, "requirements.txt": "", "main.py": "", **(files or {})}
    return case_of(
        ContractCase(name="x", platform="platformsh", files=tree, expect={}, as_of=as_of, env=env or {})
    )


def plan_of(case: Case) -> BuildPlan:
    plan = detect(case).plan
    assert plan is not None
    return plan


def decoded(text: str) -> Any:
    return json.loads(base64.b64decode(text))


# --- reading ------------------------------------------------------------------------------------------


def test_an_include_is_looked_for_beside_the_file_and_in_the_app() -> None:
    for place in (".platform/crons.yaml", "api/crons.yaml", "crons.yaml"):
        listed = "- name: api\n  type: python:3.13\n  source: {root: api}\n  crons: !include crons.yaml\n"
        project = read_project(Tree.of({APPLICATIONS: listed, place: "a: {spec: x}\n", "api/x": ""}))
        assert project.problems == ()
        assert project.apps[0].part.get("crons", "a", "spec").data == "x"


def test_an_include_does_not_leave_the_tree() -> None:
    project = read_project(Tree.of({".platform.app.yaml": "name: a\ncrons: !include ../../etc/passwd\n"}))
    assert [problem.id for problem in project.problems] == ["yaml-include-missing"]


def test_includes_that_include_themselves_end() -> None:
    project = read_project(
        Tree.of({".platform.app.yaml": "name: a\ncrons: !include c.yaml\n", "c.yaml": "x: !include c.yaml\n"})
    )
    assert [problem.id for problem in project.problems] == ["yaml-include-missing"]


def test_an_archive_is_its_directory() -> None:
    tree = Tree.of({".platform.app.yaml": "name: a\nconf: !archive conf\n", "conf/x": ""})
    assert read_project(tree).apps[0].part.get("conf").data == "conf"


def test_variables_have_upper_case_names_and_json_values() -> None:
    app = read_project(Tree.of({".platform.app.yaml": APP})).apps[0]
    environment, others = variables_of(app)
    assert environment == {"DEBUG": "true", "LEVELS": "[1, 2]", "PLATFORM_PROJECT": "mine"}
    assert others == {"theme:colour": "red"}


@pytest.mark.parametrize("text", ["- 1\n- 2\n", "a: 1\nb: {type: x}\n", "[]", "- [x]\n", "1: {}\n", "text"])
def test_odd_applications_never_raise(text: str) -> None:
    read_project(Tree.of({APPLICATIONS: text}))


@pytest.mark.parametrize(
    "text",
    [
        "name: [a]\ntype: {x: y}\ndisk: [1]\nsize: {a: b}\nmounts: [1]\nweb: [1]\nworkers: {a: 1}\n",
        "name: a\ntype: python:3.13\nmounts: {1: 2, a: [x], b: {source: [x], service: [y]}}\nhooks: [x]\n",
        "name: a\ntype: python:3.13\nrelationships: {a: [1], b: 1, c: {service: [x], endpoint: {y: z}}, 1: x}\n",
        "name: a\ntype: python:3.13\nvariables: {env: [1], 2: {3: 4}}\nfirewall: {outbound: [1, null, {ips: x}]}\n",
        "name: a\ntype: python:3.13\ncrons: {a: [x], b: {commands: [x], timeout: x}}\naccess: [x]\nsource: x\n",
        "name: a\ntype: python:3.13\ndependencies: {python3: [x], php: 1}\nbuild: [x]\noperations: [x]\n",
        "name: a\ntype: python:3.13\nweb: {commands: {start: [x]}, locations: {/: [x]}, upstream: [x]}\n",
        "name: a\ntype: python:3.13\nhooks: {build: {x: y}}\nsource: {root: [x], operations: [x]}\n",
    ],
)
def test_values_of_any_kind_never_raise(text: str) -> None:
    assert detect(platformsh(text)).findings


@pytest.mark.parametrize(
    "text",
    ["a: [x]\n", "a: {type: [x], disk: [y], configuration: [z]}\n", "1: {type: 2}\n", "- x\n", "a: b\n"],
)
def test_services_and_routes_of_any_kind_never_raise(text: str) -> None:
    for file in (".platform/services.yaml", ".platform/routes.yaml"):
        assert detect(platformsh(files={file: text})).findings


# --- the recipe ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "expected"),
    [("*", "x"), (None, "x"), ("1.2", "x==1.2"), (">=1.8", "x>=1.8"), ("==1", "x==1"), (2022.1, "x==2022.1")],
)
def test_a_global_dependency_becomes_a_requirement(version: object, expected: str) -> None:
    assert requirement("x", version) == expected


def test_the_build_sees_the_hosts_variables_over_the_apps() -> None:
    env = plan_of(platformsh(env={"TOKEN": "x"})).env
    assert env["DEBUG"] == "true"
    assert env["TOKEN"] == "x"
    assert env["PLATFORM_PROJECT"] != "mine"
    assert env["HOME"] == env["PLATFORM_APP_DIR"] == "{app}"
    assert (env["PIP_USER"], env["PYTHONUSERBASE"]) == ("1", "{app}/.global")
    assert decoded(env["PLATFORM_VARIABLES"]) == {"theme:colour": "red"}
    assert decoded(env["PLATFORM_APPLICATION"])["name"] == "app"
    assert not {"PORT", "PLATFORM_RELATIONSHIPS", "PLATFORM_BRANCH"} & env.keys()


def test_an_interpreter_of_the_runs_own_stands_for_the_images() -> None:
    plan = plan_of(platformsh(APP.replace("3.13", "3.11")))
    assert plan.environment.base
    assert plan.environment.path == ("{app}/.global/bin",)
    assert plan.environment.sites == ("{app}/.global", "{venv}")
    assert plan.environment.seeds["setuptools"] == "65.5.0"
    assert "VIRTUAL_ENV" not in plan.env


@pytest.mark.parametrize(
    ("start", "made"),
    [
        ("poetry run python main.py", True),
        ("pipenv run python main.py", True),
        ("uv run --no-sync main.py", True),
        (".venv/bin/python main.py", True),
        (". .venv/bin/activate && python main.py", True),
        ("python main.py", False),
        ("gunicorn run:app", False),
    ],
)
def test_an_app_may_run_in_an_environment_that_a_tool_made(start: str, made: bool) -> None:
    plan = plan_of(platformsh(APP.replace("python main.py", start)))
    assert ("{app}/.venv" in plan.environment.sites) is made


@pytest.mark.parametrize(
    ("day", "name", "there"),
    [
        (date(2025, 10, 9), "CI", False),
        (date(2025, 10, 10), "CI", True),
        (date(2024, 8, 4), "PLATFORM_VENDOR", False),
        (date(2024, 8, 5), "PLATFORM_VENDOR", True),
    ],
)
def test_a_variable_came_on_a_day(day: date, name: str, there: bool) -> None:
    case = platformsh(APP.replace("3.13", "3.11"), as_of=day)
    plan = plan_of(case)
    (hook,) = (step for step in plan.steps if step.id == "build-hook")
    assert (name in hook.env) is there
    assert plan.boot is not None
    assert name not in plan.boot.step.env


def test_the_start_command_gets_a_port_or_a_socket() -> None:
    tcp = plan_of(platformsh()).boot
    unix = plan_of(platformsh(APP + "  upstream: {socket_family: unix}\n")).boot
    assert tcp is not None
    assert unix is not None
    assert (tcp.unix_socket, unix.unix_socket) == (False, True)
    assert tcp.step.env["PORT"] == "{port}"
    assert unix.step.env["SOCKET"] == "{socket}"
    assert "SOCKET" not in tcp.step.env
    assert "PORT" not in unix.step.env


def test_the_environment_file_is_sourced_before_the_start_only() -> None:
    plan = plan_of(platformsh(files={".environment": "export A=1\n"}))
    assert plan.boot is not None
    assert ". ./.environment" in plan.boot.step.shell_argv[2]
    assert plan.boot.step.shell == "python main.py"
    assert {step.shell_argv for step in plan.steps if step.shell} == {("dash", "-c")}


def test_an_app_below_the_root_runs_there() -> None:
    case = platformsh(APP + "source: {root: api}\n", {"api/main.py": "", "api/requirements.txt": ""})
    plan = plan_of(case)
    assert {step.cwd for step in plan.steps if step.id == "build-hook"} == {"{app}"}
    assert plan.root == "api"
    assert plan.requirement_files == ("requirements.txt",)


def test_an_own_virtualenv_is_not_scanned_for_imports() -> None:
    own = APP.replace("pip install", "python -m venv .venv && .venv/bin/pip install")
    assert plan_of(platformsh()).entry_modules == ("main.py",)
    assert plan_of(platformsh(own)).entry_modules == ()


def test_workers_are_shown_as_processes() -> None:
    plan = plan_of(platformsh(APP + "workers: {queue: {commands: {start: python queue.py}}}\n"))
    assert plan.processes == {"web": "python main.py", "queue": "python queue.py"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python main.py &", True),
        ("gunicorn --daemon app:app", True),
        ("gunicorn -D app:app", True),
        ("uwsgi --ini x --daemonize log", True),
        ("python main.py", False),
        ("migrate && python main.py", False),
        ("python helper.py & python main.py", False),
        ("gunicorn -b x app:app -D", True),
    ],
)
def test_a_command_in_the_background(command: str, expected: bool) -> None:
    assert backgrounded(command) is expected


# --- what a failed run means ----------------------------------------------------------------------------


def ran(tail: str, code: int = 1, *, app: str = APP, local: LocalPython | None = None) -> Case:
    case = platformsh(app)
    step = StepResult(id="build-hook", phase="install", status="failed", returncode=code, tail=tail)
    case.execution = Execution(steps=(step,), local_python=local)
    return case


def test_a_failed_hook_is_told_apart_by_status_and_output() -> None:
    case = ran("x: not found", 127)
    assert isinstance(hook_failed(case), Match)
    assert isinstance(hook_failed(case, codes=(127,)), Match)
    assert isinstance(hook_failed(case, codes=(126,)), NoMatch)
    assert isinstance(hook_failed(case, texts="NOT FOUND"), Match)
    assert isinstance(hook_failed(case, texts="other"), NoMatch)
    assert isinstance(hook_failed(case, mentions="requirements.txt"), Match)
    assert isinstance(hook_failed(platformsh()), NoMatch)


def test_what_lies_in_this_machine_is_not_held_against_the_app() -> None:
    other = LocalPython(version="3.12.1", path="/usr/bin/python3.12", match="none")
    node = APP + 'dependencies: {nodejs: {yarn: "*"}}\n'
    cases = [
        ran("ERROR: Could not find an activated virtualenv (required)."),
        ran("dash: 1: python3.13: not found", 127, local=other),
        ran("yarn: not found", 127, app=node),
    ]
    for case in cases:
        assert isinstance(hook_undecided(case), Unknown)
        assert isinstance(hook_failed(case), NoMatch)
        assert isinstance(step_failed(case), NoMatch)


def test_other_failures_count() -> None:
    case = ran("python3.12: not found", 127)
    assert isinstance(hook_undecided(case), NoMatch)
    assert isinstance(step_failed(case), Match)


def test_dependencies_of_other_languages_leave_the_build_undecided() -> None:
    assert isinstance(other_languages(platformsh(APP + 'dependencies: {nodejs: {yarn: "*"}}\n')), Unknown)
    assert isinstance(other_languages(platformsh(APP + 'dependencies: {python3: {uv: "*"}}\n')), NoMatch)


def test_the_status_of_the_start_command() -> None:
    case = platformsh()
    case.execution = Execution(boot=BootResult(status="crashed", returncode=127, tail="gunicorn: not found"))
    assert isinstance(boot_exited(case, codes=(127,)), Match)
    assert isinstance(boot_exited(case, codes=(1,)), NoMatch)
    assert isinstance(boot_exited(platformsh(), codes=(127,)), NoMatch)


def test_the_variables_do_not_change_between_runs() -> None:
    first, second = plan_of(platformsh()), plan_of(platformsh())
    assert first == second


UV_HOOK = "name: app\ntype: 'python:3.13'\ndependencies: {python3: {uv: '*'}}\nhooks: {build: 'uv sync'}\nweb: {commands: {start: python main.py}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "{bin}/python"),
        ("3.13\n", "{bin}/python"),
        ("# ours\n3.13.2\n", "{bin}/python"),
        ("3.12\n", "3.12"),
        ("nonsense\n", "{bin}/python"),
    ],
)
def test_uv_takes_the_image_s_python_unless_the_version_file_asks_for_another(
    text: str | None, expected: str
) -> None:
    files = {"main.py": ""} if text is None else {"main.py": "", ".python-version": text}
    (hook,) = (step for step in plan_of(platformsh(UV_HOOK, files)).steps if step.id == "build-hook")
    assert hook.env["UV_PYTHON"] == expected
