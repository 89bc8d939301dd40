"""What pip and uv say when they fail, in a sentence that names the requirement."""

from __future__ import annotations

from textwrap import dedent

import pytest

from predeploy.installers.reasons import LIMIT, lacking, reason

PIP_BROKEN_BACKEND = """\
Collecting flask (from -r requirements.txt (line 1))
  Downloading flask-3.1.3-py3-none-any.whl (103 kB)
Collecting old==1.24.0 (from -r requirements.txt (line 3))
  Downloading old-1.24.0.tar.gz (10.9 MB)
ERROR: Exception:
Traceback (most recent call last):
pip._vendor.pyproject_hooks._impl.BackendUnavailable: Cannot import 'setuptools.build_meta'
"""

PIP_NOT_BUILT = """\
Collecting mysqlclient (from -r requirements.txt (line 3))
  Downloading mysqlclient-2.3.1.tar.gz (90 kB)
  error: subprocess-exited-with-error
      Exception: Can not find valid pkg-config name.
ERROR: Failed to build 'mysqlclient' when getting requirements to build wheel
"""

PIP_24_NOT_BUILT = """\
Collecting gunicorn (from -r requirements.txt (line 2))
Collecting mysqlclient (from -r requirements.txt (line 3))
  Downloading mysqlclient-2.3.1.tar.gz (90 kB)
  error: subprocess-exited-with-error
  \u00d7 Getting requirements to build wheel did not run successfully.
      Exception: Can not find valid pkg-config name.
error: subprocess-exited-with-error

\u00d7 Getting requirements to build wheel did not run successfully.
╰─> See above for output.
"""

PIP_CONFLICT = """\
ERROR: Cannot install -r requirements.txt (line 1) and werkzeug==2.0.0 because of conflicting dependencies.

The conflict is caused by:
    The user requested werkzeug==2.0.0
    flask 3.0.0 depends on Werkzeug>=3.0.0

To fix this you could try to:
ERROR: ResolutionImpossible: for help visit the documentation
"""

PIP_NOTHING = """\
ERROR: Ignored the following versions that require a different python version: 0.55.2 Requires-Python <3.5
ERROR: Could not find a version that satisfies the requirement pywin32==306 (from versions: none)
ERROR: No matching distribution found for pywin32==306
"""

PIP_TOO_NEW = """\
ERROR: Could not find a version that satisfies the requirement flask==9 (from versions: 0.1, 3.0, 3.1.3)
ERROR: No matching distribution found for flask==9
"""

UV_CONFLICT = """\
  \u00d7 No solution found when resolving dependencies:
  ╰─▶ Because flask==3.0.0 depends on werkzeug>=3.0.0 and you require
      werkzeug==2.0.0, your requirements are unsatisfiable.

hint: Try again.
"""

UV_NOT_BUILT = """\
  \u00d7 Failed to build `old==1.24.0`
  ├─▶ The build backend returned an error
  ╰─▶ Call to `setuptools.build_meta` failed (exit status: 1)

      [stderr]
      ModuleNotFoundError: No module named 'distutils'

hint: `distutils` was removed from the standard library in Python 3.12.
"""

CASES = {
    "pip breaks on an old build backend": (
        PIP_BROKEN_BACKEND,
        (
            "old==1.24.0 has no wheel for this Python, and its source could not be built:"
            " BackendUnavailable: Cannot import 'setuptools.build_meta'"
        ),
    ),
    "pip names the project only": (
        PIP_NOT_BUILT,
        (
            "mysqlclient has no wheel for this Python, and its source could not be built:"
            " Exception: Can not find valid pkg-config name"
        ),
    ),
    "pip 24 names nothing": (
        PIP_24_NOT_BUILT,
        (
            "mysqlclient has no wheel for this Python, and its source could not be built:"
            " Exception: Can not find valid pkg-config name"
        ),
    ),
    "pip finds a conflict": (
        PIP_CONFLICT,
        (
            "these contradict each other: The user requested werkzeug==2.0.0,"
            " flask 3.0.0 depends on Werkzeug>=3.0.0"
        ),
    ),
    "pip finds nothing": (
        PIP_NOTHING,
        "the index has nothing for pywin32==306 that this Python and Linux can install",
    ),
    "pip finds other versions": (
        PIP_TOO_NEW,
        "no version fits flask==9: the newest that this Python can install is 3.1.3",
    ),
    "uv finds a conflict": (
        UV_CONFLICT,
        (
            "Because flask==3.0.0 depends on werkzeug>=3.0.0 and you require werkzeug==2.0.0,"
            " your requirements are unsatisfiable (Try again)"
        ),
    ),
    "uv cannot build": (
        UV_NOT_BUILT,
        (
            "old==1.24.0 has no wheel for this Python, and its source could not be built:"
            " ModuleNotFoundError: No module named 'distutils'"
        ),
    ),
    "pip refuses a line": ("ERROR: Invalid requirement: 'a=1'\n", "Invalid requirement: 'a=1'"),
    "nothing known": ("make: *** [all] Error 2\n", ""),
    "no output": ("", ""),
}


@pytest.mark.parametrize(("output", "expected"), CASES.values(), ids=CASES)
def test_the_reason_names_what_is_at_fault(output: str, expected: str) -> None:
    assert reason(output) == expected


def test_a_direct_url_says_nothing_about_wheels() -> None:
    output = "  \u00d7 Failed to download and build `mypkg @ git+https://***@host/x.git`\n  ╰─▶ Git failed\n"
    assert reason(output) == "mypkg @ git+https://***@host/x.git could not be built"


def test_a_reason_is_short() -> None:
    assert len(reason("ERROR: " + "x" * 5000)) == LIMIT


@pytest.mark.parametrize(
    "line",
    [
        "Exception: Can not find valid pkg-config name.",
        "Error: pg_config executable not found.",
        "src/a.c:12:10: fatal error: libpq-fe.h: No such file or directory",
        "/usr/bin/ld: cannot find -lxml2: No such file or directory",
        "error: command 'gcc' failed: No such file or directory",
    ],
)
def test_a_compiler_or_library_that_is_not_here(line: str) -> None:
    assert lacking(f"Collecting x\n      {line}\n") == line


@pytest.mark.parametrize(
    "output",
    [
        PIP_BROKEN_BACKEND,
        UV_NOT_BUILT,
        PIP_NOTHING,
        # Heroku's own builds end in the same way on these
        "fatal error: sqlite3.h: No such file or directory",
        "Could not find gdal-config",
        "error: command '/usr/bin/gcc' failed with exit code 1",
    ],
)
def test_what_would_fail_anywhere(output: str) -> None:
    assert lacking(dedent(output)) == ""
