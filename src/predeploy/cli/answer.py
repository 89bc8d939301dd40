"""Write a report where it was asked for: stdout is the answer, stderr the story."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from predeploy import __version__
from predeploy.cli.redaction import run_secrets
from predeploy.env.secrets import mask_credentials
from predeploy.errors import UsageError
from predeploy.model.results import PlatformResult, Report
from predeploy.pipeline.static import exit_code
from predeploy.settings import RunRequest

PLAIN = str.maketrans({"✓": "+", "✗": "x", "·": "-", "…": "...", "→": "->"})
"""What stands for our signs where stdout cannot show them."""


def report_of(
    request: RunRequest,
    results: tuple[PlatformResult, ...],
    *,
    seconds: float,
    interrupted: bool = False,
) -> Report:
    """Return the report of a run that has ended."""
    return Report(
        tool_version=__version__,
        as_of=request.as_of.isoformat(),
        app=str(request.app),
        platforms=results,
        exit_code=int(exit_code(results, strict=request.strict, interrupted=interrupted)),
        strict=request.strict,
        interrupted=interrupted,
        seconds=seconds,
    )


def answer(report: Report, request: RunRequest, *, output_format: str, output_file: Path | None) -> None:
    """Render a report and write it, without secrets."""
    if request.secrets:
        from predeploy.report.masking import masked

        report = masked(report, request.secrets)
    tell(request.remarks)
    if output_format == "json":
        import json

        from predeploy.report.document import document

        write(json.dumps(document(report), indent=2) + "\n", output_file)
        return
    from predeploy.report.text import render

    colour = output_file is None and wants_colour(sys.stdout.isatty())
    write(render(report, width=width(), colour=colour), output_file)


def tell(remarks: Iterable[str]) -> None:
    """Write remarks about the call to stderr, without secrets."""
    secrets = run_secrets()
    for remark in remarks:
        click.echo(f"predeploy: {secrets(remark)}", err=True)


def write(text: str, output_file: Path | None) -> None:
    """Write text to a file or to stdout; credentials in URLs are masked, what stdout cannot show replaced."""
    text = mask_credentials(text)
    if output_file is None:
        _print(text)
        return
    try:
        output_file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{output_file}: {(error.strerror or 'cannot be written').lower()}") from None


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:  # without this every mark of the matrix would be the one of "unknown"
        text = text.translate(PLAIN).encode(encoding, "replace").decode(encoding)
    try:
        click.echo(text, nl=False, color=True)
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
