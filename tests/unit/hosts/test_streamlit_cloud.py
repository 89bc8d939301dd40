"""Streamlit Community Cloud: the readers of its files, and what a failed install or script is called."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from predeploy.hosts.streamlit_outcomes import flat
from predeploy.hosts.streamlit_poetry import poetry_allows
from predeploy.hosts.streamlit_requirements import capped_below, floored_above
from predeploy.hosts.streamlit_system import split_words
from predeploy.model.execution import BootResult, Execution, MissingLibrary, StepResult
from predeploy.model.findings import Finding
from predeploy.rules.case import Case
from predeploy.rules.evaluate import judge
from predeploy.rules.registry import load_module
from support.cases import ContractCase, case_of


def case(files: dict[str, str] | None = None, **settings: str) -> Case:
    load_module("streamlit_cloud")
    return case_of(
        ContractCase(
            name="unit",
            platform="streamlit-cloud",
            files={
                "streamlit_app.py": "import streamlit\n",
                "requirements.txt": "streamlit\n",
                **(files or {}),
            },
            expect={},
            settings=settings,
        )
    )


# --- packages.txt -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a b\n\tc\n\n", [("a", 1), ("b", 1), ("c", 2)]),
        ("'a b' c", [("a b", 1), ("c", 1)]),
        ('"a"b', [("ab", 1)]),
        (r"a\ b", [("a b", 1)]),
        ("''", []),
        ("a\r\nb", [("a", 1), ("b", 2)]),
        ("it's Bob's", [("its Bobs", 1)]),
    ],
)
def test_words_are_split_as_xargs_does(text: str, words: list[tuple[str, int]]) -> None:
    split = split_words(text)
    assert [(word.text, word.line) for word in split.words] == words
    assert split.unbalanced is None


@pytest.mark.parametrize(("text", "line"), [("don't", 1), ('a\n"b\nc"', 2), ("a\nb\n# it's\n", 3)])
def test_a_quote_ends_on_its_line(text: str, line: int) -> None:
    assert split_words(text).unbalanced == line


def test_a_carriage_return_sticks_to_its_word() -> None:
    assert [word.carriage_return for word in split_words("a b\r\nc\n").words] == [False, True, False]


# --- versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "bound", "capped"),
    [
        ("==1.25.2", "1.26.0", True),
        ("==1.26.0", "1.26.0", False),
        ("<=1.25.1", "1.26.0", True),
        ("<1.26.0", "1.26.0", True),
        ("<1.27", "1.26.0", False),
        ("~=1.25.0", "1.26.0", True),
        ("~=1.25", "1.26.0", False),
        ("==1.25.*", "1.26.0", True),
        ("==1.*", "1.26.0", False),
        (">=1.0", "1.26.0", False),
        ("!=1.25", "1.26.0", False),
        (">=1.0,<1.20", "1.26.0", True),
        ("", "1.26.0", False),
    ],
)
def test_a_cap_leaves_only_lower_versions(limits: str, bound: str, capped: bool) -> None:
    assert capped_below(list(SpecifierSet(limits)), bound) is capped


@pytest.mark.parametrize(
    ("limits", "floored"),
    [
        ("==1.67.0", True),
        (">=1.66", True),
        (">1.65.0", True),
        (">=1.65.0", False),
        ("<2", False),
        ("", False),
    ],
)
def test_a_floor_leaves_only_higher_versions(limits: str, floored: bool) -> None:
    assert floored_above(list(SpecifierSet(limits)), "1.65.0") is floored


@pytest.mark.parametrize(
    ("constraint", "version", "allowed"),
    [
        ("^3.10", "3.14.7", True),
        ("^3.10", "3.9.20", False),
        ("~3.12", "3.12.14", True),
        ("~3.12", "3.13.1", False),
        ("~3", "3.14.7", True),
        ("3.12.*", "3.12.14", True),
        ("3.12.*", "3.14.7", False),
        (">=3.9,<3.13", "3.13.12", False),
        (">=3.9 <3.13", "3.12.14", True),
        (">=3.9, !=3.9.7, <3.13", "3.12.14", True),
        ("<3.9 || >=3.12", "3.14.7", True),
        ("3.14.7", "3.14.7", True),
        ("*", "3.14.7", True),
        ("!!", "3.14.7", None),
    ],
)
def test_poetrys_ranges(constraint: str, version: str, allowed: bool | None) -> None:
    assert poetry_allows(constraint, version) is allowed


# --- what a failed install is called ----------------------------------------------------------------

FAILURES = [
    (
        "stdlib-in-requirements",
        (
            "  \u00d7 No solution found when resolving dependencies:\n  ╰─▶ Because math was not found in the package\n"
            "      registry and you require math, we can conclude that your requirements are unsatisfiable."
        ),
    ),
    (
        "stdlib-in-requirements",
        "  ╰─▶ Because only hashlib==20081119 is available and hashlib==20081119 was\n      yanked (reason: old)",
    ),
    (
        "package-not-found",
        "  ╰─▶ Because no-such-thing was not found in the package registry and you\n      require no-such-thing",
    ),
    ("package-not-found", "ERROR: No matching distribution found for no-such-thing\n"),
    (
        "version-not-found",
        "  ╰─▶ Because there is no version of torch==2.3.0+cpu and you require torch==2.3.0+cpu",
    ),
    (
        "conflicting-requirements",
        (
            "  \u00d7 No solution found when resolving dependencies:\n  ╰─▶ Because pandas==2.2.0 depends on\n"
            "      numpy>=1.26.0,<2 and you require numpy==1.20"
        ),
    ),
    ("conflicting-requirements", "ERROR: ResolutionImpossible: for help visit"),
    ("conflicting-requirements", "So, because x depends on both a and b, version solving failed."),
    (
        "python-too-new-for-pin",
        "  ╰─▶ distutils was removed from the standard library in Python 3.12. Consider\n      adding",
    ),
    (
        "python-too-new-for-pin",
        "      tensorflow==2.21.0\n      have no wheels with a matching Python ABI\n      tag and you require",
    ),
    (
        "platform-unsupported-package",
        "  ╰─▶ Because pywin32==306 has no wheels with a matching Python ABI tag and\n      you require pywin32==306",
    ),
    (
        "python-too-old-for-pin",
        "  ╰─▶ Because the current Python version (3.10.13) does not satisfy\n      Python>=3.11 and streamlit",
    ),
    ("hash-mismatch", "  \u00d7 Failed to download `idna==3.7`\n  ╰─▶ Hash mismatch for `idna==3.7`\n"),
    ("invalid-requirement-line", "error: Couldn't parse\nERROR: Invalid requirement: 'idna=3.1'"),
    ("local-path-requirement", "error: Distribution not found at: file:///home/x/idna-3.1.whl"),
    ("build-failed", "  \u00d7 Failed to download and build `pycairo==1.26.0`\n  ├─▶ Build backend failed"),
    ("build-failed", "Exception: Can not find valid pkg-config name."),
    (
        "poetry-root-package-missing",
        "Error: The current project could not be installed: No file/folder found for package demo-app",
    ),
    ("poetry-config-invalid", "The Poetry configuration is invalid:\n  - Either [project.name] or"),
    (
        "python-not-allowed-by-project",
        "Current Python version (3.12.1) is not allowed by the project (>=3.13).",
    ),
    (
        "python-request-incompatible",
        (
            "error: The Python request from `.python-version` resolved to Python 3.10.13, which is incompatible "
            "with the project's Python requirement: `>=3.11`"
        ),
    ),
    ("uv-project-missing", "error: No `pyproject.toml` found in current directory or any parent directory"),
    ("lockfile-unreadable", "error: Failed to parse `uv.lock`\n  Caused by: TOML parse error"),
    (None, "something else went wrong"),
]


def install_failure(tail: str, status: str = "failed", files: dict[str, str] | None = None) -> Finding:
    subject = case(files)
    step = StepResult(id="install-requirements", phase="install", status=status, tail=tail)  # type: ignore[arg-type]
    subject.execution = Execution(steps=(step,))
    found = [finding for finding in judge(subject, ("install",)) if finding.severity == "fail"]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("upstream_id", "tail"), FAILURES)
def test_a_failed_install_is_named_after_its_output(upstream_id: str | None, tail: str) -> None:
    assert install_failure(tail).upstream_id == upstream_id


def test_an_old_pin_that_does_not_build_is_the_pythons_fault() -> None:
    tail = "  \u00d7 Failed to download and build `pandas==2.2.2`\n"
    assert (
        install_failure(tail, files={"requirements.txt": "pandas==2.2.2\n"}).upstream_id
        == "python-too-new-for-pin"
    )


def test_the_whole_log_counts_not_only_its_end(tmp_path: Path) -> None:
    log = tmp_path / "install.log"
    log.write_text("  \u00d7 Failed to download and build `x==1`\n" + "noise\n" * 200)
    subject = case()
    step = StepResult(id="x", phase="install", status="failed", tail="noise", log=str(log))
    subject.execution = Execution(steps=(step,))
    assert judge(subject, ("install",))[0].upstream_id == "build-failed"


def test_a_try_that_was_made_good_is_no_failure() -> None:
    subject = case()
    step = StepResult(
        id="install-requirements",
        phase="install",
        status="ignored",
        tail="Because x was not found in the package registry",
    )
    subject.execution = Execution(steps=(step,))
    assert judge(subject, ("install",)) == ()


def test_reasons_are_shown_whole_and_without_frames() -> None:
    tail = "Resolved 3 packages\n  \u00d7 Failed to download and build `pycairo==1.26.0`\n  ├─▶ Build backend failed\n"
    assert install_failure(tail).message == "Failed to download and build `pycairo==1.26.0`"
    assert "─" not in flat(tail)


# --- what a failed script is called -----------------------------------------------------------------

SCRIPTS = [
    ("module-not-found", "ModuleNotFoundError: No module named 'seaborn'"),
    ("file-not-found", "FileNotFoundError: [Errno 2] No such file or directory: 'x.csv'"),
    ("secret-missing", "StreamlitSecretNotFoundError: No secrets found. Valid paths"),
    (
        "missing-system-library",
        "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
    ),
    ("numpy-abi-mismatch", "ImportError: pyarrow requires NumPy 2.0 or newer, found 1.26.4"),
    ("script-error", "ZeroDivisionError: division by zero"),
]


def start_failure(boot: BootResult) -> str | None:
    subject = case()
    subject.execution = Execution(boot=boot)
    found = [finding for finding in judge(subject, ("boot",)) if finding.severity == "fail"]
    return found[0].upstream_id if found else None


@pytest.mark.parametrize(("upstream_id", "tail"), SCRIPTS)
def test_a_failed_script_is_named_after_its_exception(upstream_id: str, tail: str) -> None:
    boot = BootResult(
        status="ok", http_status=200, script_status=503, seconds=2.0, tail=f"Traceback\n{tail}\n"
    )
    assert start_failure(boot) == upstream_id


@pytest.mark.parametrize(
    ("boot", "upstream_id"),
    [
        (
            BootResult(status="ok", http_status=200, script_status=200, tail="ModuleNotFoundError: handled"),
            None,
        ),
        (BootResult(status="ok", http_status=200, script_status=503, seconds=61.0), "script-timeout"),
        (BootResult(status="ok", http_status=200, script_status=0, seconds=3.0), "server-died"),
        (BootResult(status="crashed", returncode=127), "streamlit-not-installed"),
        (
            BootResult(
                status="crashed", returncode=1, tail="ImportError: pyarrow requires NumPy 2.0 or newer"
            ),
            "numpy-abi-mismatch",
        ),
    ],
)
def test_a_start_is_named_after_how_it_ended(boot: BootResult, upstream_id: str | None) -> None:
    assert start_failure(boot) == upstream_id


LACKING = MissingLibrary(library="libGL.so.1", path="cv2/cv2.abi3.so")


@pytest.mark.parametrize(
    ("script", "packages", "missing", "rules"),
    [
        ("import cv2\n", None, LACKING, ["library-missing-for-installed"]),
        ("import cv2\n", "libgl1\n", LACKING, []),
        ("import cv2\n", "libgl1-mesa-glx\n", LACKING, []),
        ("import cv2\n", "libsm6\n", LACKING, ["library-missing-for-installed"]),
        ("def late():\n    import cv2\n", None, LACKING, ["library-possibly-missing"]),
        (
            "import cv2\n",
            None,
            MissingLibrary(library="libGL.so.1", path="cv2/qt/plugins/x.so"),
            ["library-possibly-missing"],
        ),
        (
            "import cv2\n",
            None,
            MissingLibrary(library="libSM.so.6", path="cv2/cv2.so"),
            ["library-not-known"],
        ),
        ("import cv2\n", None, MissingLibrary(library="libcuda.so.1", path="cv2/cv2.so"), []),
    ],
    ids=["imported", "brought", "old name", "another", "later", "plugin", "not known", "driver"],
)
def test_a_library_that_installed_wheels_need(
    script: str, packages: str | None, missing: MissingLibrary, rules: list[str]
) -> None:
    subject = case({"streamlit_app.py": script, **({"packages.txt": packages} if packages else {})})
    subject.execution = Execution(missing_libraries=(missing,))
    assert [f.rule.partition("/")[2] for f in judge(subject, ("verify",))] == rules


@pytest.mark.parametrize(("loaded", "found"), [("cv2/cv2.abi3.so", True), ("cv2/other.so", False)])
def test_a_library_that_the_running_app_had_loaded(loaded: str, found: bool) -> None:
    boot = BootResult(status="ok", http_status=200, script_status=200, loaded=frozenset({loaded}))
    subject = case()
    subject.execution = Execution(boot=boot, missing_libraries=(LACKING,))
    ids = [f.rule.partition("/")[2] for f in judge(subject, ("boot",))]
    assert ids == (["library-missing-as-loaded"] if found else [])


def test_memory_is_a_note() -> None:
    boot = BootResult(
        status="ok", http_status=200, script_status=200, memory_at_rest=2**26, memory_peak=300 * 2**20
    )
    subject = case()
    subject.execution = Execution(boot=boot)
    (note,) = judge(subject, ("boot",))
    assert (note.rule, note.severity) == ("streamlit-cloud/memory", "note")
    assert "64 MB at rest, 300 MB at its peak" in note.message


def test_missing_secrets_are_named() -> None:
    script = "import streamlit as st\nfrom streamlit import secrets\na = st.secrets['api_key']\nb = secrets.database['url']\n"
    subject = case({"streamlit_app.py": script})
    tail = "StreamlitSecretNotFoundError: No secrets found. Valid paths"
    subject.execution = Execution(
        boot=BootResult(status="ok", http_status=200, script_status=503, seconds=2.0, tail=tail)
    )
    (finding,) = [f for f in judge(subject, ("boot",)) if f.severity == "fail"]
    assert finding.upstream_id == "secret-missing"
    assert "The app reads api_key, database" in finding.message


@pytest.mark.parametrize(
    ("lacking", "packages", "severity"),
    [
        ("Pkg-config for machine host machine not found.", None, "fail"),
        ("Pkg-config for machine host machine not found.", "pkg-config libcairo2-dev\n", "unknown"),
        ("command 'gcc' failed: No such file or directory", None, "unknown"),
    ],
    ids=["the host lacks it too", "packages.txt brings it", "the host has a compiler"],
)
def test_a_build_that_lacks_a_tool_here(lacking: str, packages: str | None, severity: str) -> None:
    subject = case({"packages.txt": packages} if packages else {})
    tail = "  \u00d7 Failed to download and build `pycairo==1.26.0`\n"
    step = StepResult(id="install-requirements", phase="install", status="failed", tail=tail, lacking=lacking)
    subject.execution = Execution(steps=(step,))
    assert judge(subject, ("install",))[0].severity == severity


def test_an_import_that_nothing_provides_has_the_hosts_id() -> None:
    from predeploy.model.execution import MissingImport

    subject = case()
    missing = MissingImport(module="seaborn", path="streamlit_app.py", line=1, certain=True)
    subject.execution = Execution(missing_imports=(missing,))
    assert [f.upstream_id for f in judge(subject, ("verify",))] == ["module-not-found"]


# --- the plan ---------------------------------------------------------------------------------------


def test_an_old_streamlit_is_asked_at_the_old_addresses() -> None:
    from predeploy.hosts.streamlit_cloud import streamlit

    plan = streamlit(case({"requirements.txt": "streamlit==1.16.0\n"}))
    assert plan.boot is not None
    assert (plan.boot.probe, plan.boot.script_probe) == ("/healthz", "/script-health-check")


def test_a_project_below_the_root_is_installed_from_its_directory() -> None:
    from predeploy.hosts.streamlit_cloud import streamlit

    files = {
        "dash/app.py": "",
        "dash/pyproject.toml": "[project]\nname = 'x'\nversion = '0'\ndependencies = ['streamlit']\n",
        "dash/uv.lock": "version = 1\nrequires-python = '>=3.11'\n",
    }
    plan = streamlit(case(files, entrypoint="dash/app.py"))
    assert (plan.steps[0].id, plan.steps[0].cwd) == ("uv-sync", "{app}/dash")
    assert (plan.entry_modules, plan.import_roots) == (("dash/app.py",), ("dash",))
    assert set(plan.env) == {"UV_CACHE_DIR"}
