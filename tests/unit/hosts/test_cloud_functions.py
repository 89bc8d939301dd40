"""Google Cloud Functions: version constraints, the target, syntax errors, the plan, and failing starts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from predeploy.hosts import cloud_functions_source as source
from predeploy.hosts import cloud_functions_syntax as syntax
from predeploy.hosts.cloud_functions import classify, cloud_functions, start_failure
from predeploy.hosts.google_manifest import tool_version
from predeploy.hosts.google_python import at_least, solve
from predeploy.model.conditions import Match, NoMatch, Unknown
from predeploy.model.execution import BootResult, Execution
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from support.cases import ContractCase, case_of

RELEASES = {"3.10": "3.10.21", "3.11": "3.11.16", "3.12": "3.12.14", "3.13": "3.13.15", "3.14": "3.14.6"}
HELLO = "def hello(request):\n    return 'hi'\n"
PROJECT = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['functions-framework']\n"


def case(files: dict[str, str], env: dict[str, str] | None = None, **settings: str) -> Case:
    contract = ContractCase(
        name="unit",
        platform="cloud-functions",
        files=files,
        expect={},
        as_of=date(2026, 11, 20),
        settings={"runtime": "python312"} | settings,
        env=env or {},
    )
    return case_of(contract)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.12", "3.12.14"),
        ("3", "3.14.6"),
        ("*", "3.14.6"),
        ("3.12.x", "3.12.14"),
        ("3.12.*", "3.12.14"),
        ("~3.11", "3.11.16"),
        ("~3.11.2", "3.11.16"),
        ("^3.10", "3.14.6"),
        (">=3.10, <3.12", "3.11.16"),
        ("<=3.12.3, >3.12.1", "3.12.3"),
        ("<=3.12", "3.12.14"),
        ("3.9 || 3.11", "3.11.16"),
        ("3.10 - 3.11", "3.11.16"),
        ("!=3.14", "3.13.15"),
        ("=3.13", "3.13.15"),
        ("v3.13", "3.13.15"),
        (">=4", None),
        ("3.99", None),
        ("python-3.11", None),
        ("pypy3.10", None),
        ("3.11\n3.12", None),
        ("# 3.11", None),
        (">=3.10 <3.12", None),
        ("3.11 ||", None),
    ],
)
def test_a_constraint_takes_the_newest_release_that_meets_it(text: str, version: str | None) -> None:
    assert solve(text, RELEASES) == version


@pytest.mark.parametrize(
    ("requested", "newer"),
    [
        ("3.14", True),
        ("3.14.1", True),
        ("3.14.*", True),
        ("3.13.9", False),
        ("3.*", False),
        (">=3.14", False),
    ],
)
def test_only_a_plain_version_counts_as_314(requested: str, newer: bool) -> None:
    assert at_least(case({"main.py": HELLO}, {"GOOGLE_PYTHON_VERSION": requested}), "3.14") is newer


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("def _private(): ...\ndef first(r): ...\ndef second(r): ...\n", "first"),
        ("import functions_framework as ff\ndef helper(): ...\n@ff.http\ndef entry(r): ...\n", "entry"),
        ("from functions_framework import cloud_event\n@cloud_event\ndef on(e): ...\n", "on"),
        ("import functions_framework as ff\n@ff.typed(int)\ndef sized(x): ...\n", "sized"),
        ("if True:\n    def nested(r): ...\n", "nested"),
        ("class A:\n    def method(self): ...\n", None),
        ("def broken(:\n", None),
    ],
)
def test_the_target_is_found_in_the_source_file(text: str, name: str | None) -> None:
    found = source.target(case({"main.py": text}))
    assert (found.name if found else None) == name


def test_a_given_target_goes_before_what_is_found() -> None:
    by_setting = source.target(case({"main.py": HELLO}, {"GOOGLE_FUNCTION_TARGET": "b"}, target="a"))
    by_variable = source.target(case({"main.py": HELLO}, {"GOOGLE_FUNCTION_TARGET": "b"}))
    assert by_setting == source.Target(name="a", origin="the setting target", given=True)
    assert by_variable == source.Target(name="b", origin="GOOGLE_FUNCTION_TARGET", given=True)


@pytest.mark.parametrize(
    "text",
    [
        "hello = lambda r: r\n",
        "import hello\n",
        "from x import y as hello\n",
        "try:\n    from x import hello\nexcept ImportError:\n    hello = None\n",
        "for hello in []: pass\n",
        "if (hello := 1): pass\n",
        "def set_it():\n    global hello\n    hello = 1\n",
        "from x import *\n",
        "globals()['hello'] = print\n",
        "def __getattr__(name): ...\n",
    ],
)
def test_a_target_that_any_statement_may_bind_is_no_warning(text: str) -> None:
    assert isinstance(source.target_not_defined(case({"main.py": text}, target="hello")), NoMatch)


@pytest.mark.parametrize("text", ["def f():\n    hello = 1\n", "class A:\n    hello = 1\n", "hello.x = 1\n"])
def test_a_name_bound_elsewhere_is_no_target(text: str) -> None:
    assert isinstance(source.target_not_defined(case({"main.py": text}, target="hello")), Match)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("def broken(:\n", Match),
        ("x = t'{name}'\n", Unknown),
        ("try:\n    pass\nexcept A, B:\n    pass\n", Unknown),
        ("x = 1\n", NoMatch),
    ],
)
def test_a_newer_runtime_makes_only_newer_syntax_doubtful(
    text: str, outcome: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syntax, "_problem", _problem_of_313)
    monkeypatch.setattr(syntax, "OURS", (3, 13))
    assert isinstance(syntax.syntax_error(case({"main.py": text}, runtime="python314")), outcome)


def _problem_of_313(data: bytes, path: str, host: int) -> Evidence | None:
    return None if data == b"x = 1\n" else Evidence(path=path, line=1, text="invalid syntax")


def test_large_files_are_left_to_the_build_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MAX_FILE_BYTES", 10)
    assert isinstance(syntax.syntax_error(case({"main.py": "def broken(:\n"})), NoMatch)


def test_the_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syntax, "MAX_FILES", 1)
    assert isinstance(syntax.syntax_error(case({"main.py": HELLO, "z.py": "def broken(:\n"})), NoMatch)


@pytest.mark.parametrize(
    ("text", "version", "problem"),
    [
        ("==0.9.5", "0.9.5", ""),
        (">=0.5", "0.12.5", ""),
        ("0.5.0", "", "malformed"),
        ("~=0.8.0", "", "range"),
    ],
)
def test_the_words_for_uv_stand_behind_its_name(text: str, version: str, problem: str) -> None:
    found = tool_version(
        case({"main.py": HELLO, "pyproject.toml": f"{PROJECT}[tool.uv]\nrequired-version = '{text}'"}), "uv"
    )
    assert (found.version, found.problem) == (version, problem)


def test_poetry_has_an_older_pin_for_python_39() -> None:
    older = case({"main.py": HELLO, "pyproject.toml": PROJECT}, {"GOOGLE_RUNTIME_VERSION": "3.9"})
    assert tool_version(older, "poetry").version == "2.2.1"
    assert tool_version(case({"pyproject.toml": PROJECT}), "poetry").version == "2.4.1"


def test_the_list_of_the_framework_comes_first_and_apart() -> None:
    plan = cloud_functions(case({"main.py": HELLO, "requirements.txt": "Flask==3.1.0\n"}))
    first, second = (step.argv for step in plan.steps if step.id.startswith("install-"))
    assert first[:4] == ("{bin}/python", "-m", "pip", "install")
    assert {"functions-framework==3.10.2", "starlette==1.3.1", "--force-reinstall", "--no-cache-dir"} < set(
        first
    )
    assert second[4:6] == ("--requirement", "requirements.txt")
    assert "--user" not in first + second
    assert plan.requirement_files == ("requirements.txt",)
    assert plan.requirements == ()
    assert plan.environment.seeds == {"pip": "26.3"}


def test_an_old_python_gets_the_last_pip_that_runs_there() -> None:
    plan = cloud_functions(case({"main.py": HELLO}, runtime="python39"))
    assert plan.environment.seeds == {"pip": "26.0.1"}
    assert "starlette==0.49.1" in plan.requirements


def test_without_a_manifest_the_list_is_what_the_hosts_python_must_resolve() -> None:
    plan = cloud_functions(case({"main.py": HELLO}))
    assert "functions-framework==3.10.2" in plan.requirements
    assert plan.requirement_files == ()


def test_vendored_wheels_and_installer_variables_reach_the_installer() -> None:
    env = {"GOOGLE_VENDOR_PIP_DEPENDENCIES": "vendor", "PIP_INDEX_URL": "https://example.com", "OTHER": "1"}
    files = {"main.py": HELLO, "requirements.txt": "functions-framework\n"}
    step = cloud_functions(case(files, env)).steps[1]
    assert step.argv[-3:] == ("--no-index", "--find-links", "vendor")
    assert step.env == {"PIP_INDEX_URL": "https://example.com"}


def test_uv_installs_into_the_virtualenv_with_the_pinned_version() -> None:
    plan = cloud_functions(case({"main.py": HELLO, "requirements.txt": ""}, runtime="python314"))
    step = plan.steps[2]
    assert plan.tools == {"uv": "0.12.5"}
    assert plan.environment.seeds == {}
    assert step.argv == (
        *("{tool:uv}/uv", "pip", "install", "-r", "requirements.txt"),
        *("--reinstall", "--link-mode=copy", "--no-cache"),
    )
    assert step.env["VIRTUAL_ENV"] == "{venv}"
    assert step.env["UV_PYTHON_DOWNLOADS"] == "never"


def test_the_start_sees_the_launch_variables_and_not_those_of_the_build() -> None:
    env = {"GOOGLE_PYTHON_VERSION": "3.12", "GOOGLE_CLOUD_PROJECT": "p", "UV_INDEX": "u", "PORT": "1"}
    plan = cloud_functions(case({"src/f.py": HELLO}, env, source="src/f.py", signature="http"))
    assert plan.boot is not None
    assert plan.boot.step.env == {
        "FUNCTION_TARGET": "hello",
        "FUNCTION_SOURCE": "src/f.py",
        "FUNCTION_SIGNATURE_TYPE": "http",
        "GOOGLE_CLOUD_PROJECT": "p",
        "HOST": "0.0.0.0",
        "PORT": "{port}",
        "PYTHONUNBUFFERED": "TRUE",
    }
    assert "the first public function in src/f.py" in plan.boot.step.reason
    assert plan.entry_modules == ("src/f.py",)
    assert plan.import_roots == ("src",)


HEAD = "Traceback (most recent call last):\n    spec.loader.exec_module(source_module)\n"
FRAMEWORK = "functions_framework.exceptions."


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        (f"{HEAD}    import nothere\nModuleNotFoundError: No module named 'nothere'\n", "import-error"),
        (f"{HEAD}RuntimeError: boom\n", "import-error"),
        (f"{HEAD}{FRAMEWORK}MissingTargetException: File main.py is expected to …\n", "target-not-found"),
        (f"{HEAD}{FRAMEWORK}InvalidTargetTypeException: The function …\n", "target-not-function"),
        (f"{HEAD}{FRAMEWORK}MissingSourceException: File main.py …\n", "source-missing"),
        (
            f'{HEAD}    os.environ["KEY"]\n  File "<frozen os>", line 709, in x\nKeyError: \'KEY\'\n',
            "needs-environment",
        ),
        (
            f"{HEAD}  File \"/usr/lib/python3.9/os.py\", line 679, in x\nKeyError: 'KEY'\n",
            "needs-environment",
        ),
        (f"{HEAD}    settings['KEY']\nKeyError: 'KEY'\n", "import-error"),
        (f"{HEAD}google.auth.exceptions.DefaultCredentialsError: not found\n", "needs-environment"),
        (
            f"{HEAD}ImportError: libGL.so.1: cannot open shared object file: No such file\n",
            "needs-environment",
        ),
        (f"{HEAD}    raise DefaultCredentialsError(x)\nValueError: y\n", "import-error"),
        ("Error: Missing option '--target'.\n", "other"),
        ("", "other"),
    ],
)
def test_a_failed_start_is_read_from_the_end_of_the_traceback(output: str, kind: str) -> None:
    assert classify(output)[0] == kind


def test_only_a_crash_is_read() -> None:
    started = case({"main.py": HELLO})
    boot = BootResult(status="crashed", returncode=1, tail=f"{HEAD}RuntimeError: boom\n")
    assert isinstance(start_failure(started, kinds="import-error"), NoMatch)
    started.execution = Execution(boot=boot)
    assert isinstance(start_failure(started, kinds="import-error"), Match)
    started.execution = Execution(boot=replace(boot, status="timeout"))
    assert isinstance(start_failure(started, kinds="import-error"), NoMatch)
