"""Write a report where it was asked for: stdout is the answer, stderr the story."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from predeploy.cli.ending import to_stderr
from predeploy.cli.redaction import run_secrets
from predeploy.env.secrets import mask_credentials
from predeploy.errors import ExitCode, UsageError
from predeploy.model.results import Report
from predeploy.pipeline.static import exit_code
from predeploy.settings import RunRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from predeploy.profiles.registry import Registry
    from predeploy.report.render import Sheet

PLAIN = str.maketrans({"✓": "+", "✗": "x", "·": "-", "…": "...", "→": "->"})
"""What stands for our signs where stdout cannot show them."""


def code_of(reports: Sequence[Report], *, strict: bool) -> ExitCode:
    """Return what several reports amount to."""
    results = tuple(result for report in reports for result in report.platforms)
    return exit_code(results, strict=strict, interrupted=any(report.interrupted for report in reports))


def chosen_format(request: RunRequest) -> str:
    """Return the form of the answer: as asked for, else what the place shows best."""
    if request.output_format:
        return request.output_format
    in_actions = request.environ.get("GITHUB_ACTIONS") == "true" and request.output_file is None
    return "github" if in_actions else "text"


def answer(
    reports: Sequence[Report],
    request: RunRequest,
    registry: Registry | None = None,
    *,
    remarks: Sequence[str] = (),
    streamed: bool = False,
) -> None:
    """Render reports in every form that was asked for, and write them; stdout comes last.

    ``streamed``: files of json-lines already hold the events of the run.
    """
    trouble = registry.cache_problem if registry is not None else None
    tell((*request.remarks, *remarks, *([trouble] if trouble else [])))
    code = int(code_of(reports, strict=request.strict))
    root = request.environ.get("GITHUB_WORKSPACE") or request.environ.get("CI_PROJECT_DIR") or ""
    for name, file in request.reports:
        _write_form(name, reports, _sheet(code, registry, root), Path(file), streamed=streamed)
    chosen = chosen_format(request)
    colour = request.output_file is None and wants_colour(sys.stdout.isatty())
    sheet = _sheet(code, registry, root, colour=colour)
    if chosen == "github":
        _summarise(reports, sheet, request.environ)
    _write_form(chosen, reports, sheet, request.output_file, streamed=streamed)


def tell(remarks: Iterable[str]) -> None:
    """Write remarks about the call to stderr, without secrets."""
    secrets = run_secrets()
    for remark in remarks:
        from predeploy.report.escape import line

        to_stderr(f"predeploy: {line(secrets(remark))}")


def _sheet(code: int, registry: Registry | None, root: str, *, colour: bool = False) -> Sheet:
    from predeploy.report.render import Sheet

    return Sheet(width=width(), colour=colour, exit_code=code, registry=registry, root=root)


def _write_form(
    name: str, reports: Sequence[Report], sheet: Sheet, file: Path | None, *, streamed: bool
) -> None:
    from predeploy.report.render import rendered

    text = rendered(name, reports, sheet)
    write(text, file, append=streamed and name == "json-lines")


def _summarise(reports: Sequence[Report], sheet: Sheet, environ: Mapping[str, str]) -> None:
    """Append the Markdown table to the summary of a step of GitHub Actions."""
    file = environ.get("GITHUB_STEP_SUMMARY")
    if file:
        from predeploy.report.github import summary

        write(summary(reports, sheet), Path(file), append=True)


def write(text: str, output_file: Path | None, *, append: bool = False) -> None:
    """Write text to a file or to stdout; credentials in URLs are masked, what stdout cannot show replaced."""
    text = mask_credentials(text)
    if output_file is None:
        _print(text)
        return
    try:
        with output_file.open("a" if append else "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{output_file}: {(error.strerror or 'cannot be written').lower()}") from None


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # without this every mark of the matrix would be the one of "unknown"
        text = text.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_stdout()  # the reader has seen enough; the exit code is still the answer's
    except OSError as error:
        discard_stdout()
        raise UsageError(f"stdout: {(error.strerror or 'cannot be written').lower()}") from None


def discard_stdout() -> None:
    """Point stdout elsewhere, so that the interpreter's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def wants_colour(is_terminal: bool) -> bool:
    """Return whether to colour: ``NO_COLOR``, then ``FORCE_COLOR``, then ``TERM=dumb``, then the terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the columns to write for, between 40 and 200."""
    given = os.environ.get("COLUMNS", "")
    try:
        columns = int(given) if given.isdigit() else os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 100
    return max(40, min(200, columns))
