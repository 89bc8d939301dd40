"""The app's own error is found among those of its server."""

from __future__ import annotations

from pathlib import Path

from predeploy.model.execution import Cause
from predeploy.pipeline.cause import READ_LIMIT, cause, read_end

APP = Path("/run/app")

GUNICORN = """\
[2026-11-20] [INFO] Booting worker
Traceback (most recent call last):
  File "/run/venv/lib/gunicorn/arbiter.py", line 5, in spawn
    worker.init()
  File "/run/app/app.py", line 8, in <module>
    app.secret_key = os.environ["KEY"]
  File "<frozen os>", line 716, in __getitem__
KeyError: 'KEY'
[2026-11-20] [INFO] Worker exiting
Traceback (most recent call last):
  File "/run/venv/lib/gunicorn/arbiter.py", line 9, in run
    self.halt()
gunicorn.errors.HaltServer: <HaltServer 'Worker failed to boot.' 3>
"""


def test_the_traceback_that_went_through_the_app_wins() -> None:
    assert cause(GUNICORN, APP) == Cause(text="KeyError: 'KEY'", path="app.py", line=8)


def test_the_innermost_line_of_the_app_is_named() -> None:
    output = (
        "Traceback (most recent call last):\n"
        '  File "/run/app/main.py", line 1, in <module>\n    import pkg.low\n'
        '  File "/run/app/pkg/low.py", line 7, in <module>\n    1 / 0\n    ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )
    assert cause(output, APP) == Cause(text="ZeroDivisionError: division by zero", path="pkg/low.py", line=7)


def test_a_syntax_error_points_at_the_file_it_is_in() -> None:
    output = (
        "Traceback (most recent call last):\n"
        '  File "/run/venv/bin/gunicorn", line 8, in <module>\n    run()\n'
        '  File "/run/app/app.py", line 3\n    def x(\n         ^\n'
        "SyntaxError: '(' was never closed\n"
    )
    assert cause(output, APP) == Cause(text="SyntaxError: '(' was never closed", path="app.py", line=3)


RICH = """\
\x1b[31m──\x1b[0m \x1b[1;31mTraceback \x1b[0m\x1b[1;2;31m(most recent call last)\x1b[0m\x1b[31m ───\x1b[0m
\x1b[31m \x1b[0m \x1b[2m/run/venv/lib/python3.13/site-packages/st\x1b[0m \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[2mreamlit/runtime/\x1b[0m\x1b[1mexec_code.py\x1b[0m:136 in      \x1b[31m \x1b[0m
\x1b[31m \x1b[0m exec_func_with_error_handling                \x1b[31m \x1b[0m
\x1b[31m \x1b[0m                                              \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[2m/run/app/\x1b[0m\x1b[1mapp.py\x1b[0m:9 in <module>   \x1b[31m \x1b[0m
\x1b[31m \x1b[0m                                              \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[31m❱ \x1b[0m 9 \x1b[1;4mgo()\x1b[0m      \x1b[31m \x1b[0m
\x1b[31m \x1b[0m                                              \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[2m/run/app/a_long_\x1b[0m  \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[1mname.py\x1b[0m:6 in go  \x1b[31m \x1b[0m
\x1b[31m \x1b[0m                                              \x1b[31m \x1b[0m
\x1b[31m \x1b[0m \x1b[31m❱ \x1b[0m 6 \x1b[2m│   \x1b[0m\x1b[94mraise\x1b[0m ValueError  \x1b[31m \x1b[0m
\x1b[31m──────────────────────────────────\x1b[0m
\x1b[1;91mValueError: \x1b[0mno data
"""


def test_a_traceback_that_rich_drew_is_read_too() -> None:
    wanted = Cause(text="ValueError: no data", path="a_long_name.py", line=6)
    assert cause(RICH, APP) == wanted
    boxed = RICH.replace("\x1b[31m \x1b[0m", "│").replace("──", "╭─")
    assert cause(boxed, APP) == wanted


def test_a_long_output_is_read_in_a_moment() -> None:
    assert cause("/no/end\n" * 60_000, APP) is None


def test_output_without_the_apps_part_has_no_cause() -> None:
    assert cause("gunicorn: not found\n", APP) is None
    assert cause(GUNICORN.replace("/run/app/", "/else/"), APP) is None


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (READ_LIMIT + 10) + b"END")
    assert len(read_end(log)) == READ_LIMIT
    assert read_end(log).endswith("END")
    assert read_end(tmp_path / "nothing") == ""
