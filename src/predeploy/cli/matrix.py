"""``predeploy matrix``: many apps, platforms and days in one table."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from predeploy.api import registry_for, report_of, request_for
from predeploy.apps import Cell, find_apps
from predeploy.cli.answer import answer, code_of, write
from predeploy.cli.options import with_options
from predeploy.cli.redaction import run_secrets
from predeploy.config import Config, read_config
from predeploy.errors import UsageError
from predeploy.model.results import Report
from predeploy.option import parse_reports
from predeploy.profiles.registry import Registry
from predeploy.settings import RunRequest, is_strict, resolved


@click.command("matrix")
@click.argument("apps", nargs=-1, metavar="[APP]...")
@with_options("matrix")
@click.option("--list", "only_list", is_flag=True, help="List the cells and judge nothing; text or json.")
def command(*, apps: tuple[str, ...], only_list: bool, **options: Any) -> int:
    r"""Judge every APP on every platform and day; APP is a directory or a pattern such as services/*.

    Without APP, [tool.predeploy] apps of the current directory are taken, else the directory itself. An app's
    own configuration comes before that of the current directory.

    \b
    Examples:
      predeploy matrix 'services/*' -p heroku -p platformsh
      predeploy matrix 'services/*' --build --format json -o all.json
      predeploy matrix --day today --day 2027-01-06
      predeploy matrix --list --format json
    """
    root = read_config(Path())
    requests = list(_requests(apps or root.apps, root, options))
    registry = registry_for(requests[0])
    if only_list:
        return _list(requests, registry, options.get("output_format") or "text")
    reports = _built(requests, registry) if requests[0].build else _judged(requests, registry)
    remarks = [f"{request.app}: {remark}" for request in requests for remark in request.remarks]
    asked = replace(requests[0], remarks=())
    answer(reports, asked, registry, remarks=tuple(dict.fromkeys(remarks)), streamed=asked.build)
    return code_of(reports, strict=asked.strict)


def _requests(apps: Sequence[str], root: Config, options: dict[str, Any]) -> Iterator[RunRequest]:
    """Yield one request an app and day."""
    whole = resolved("matrix", options, os.environ, root)
    shared = {name: whole[name] for name in ("output_format", "quiet", "verbose", "jobs", "build")}
    strict, reports = is_strict(whole["strict"], os.environ), parse_reports(whole["reports"] or ())
    days = whole["days"] or (None,)
    for app in find_apps(Path(), apps):
        for day in days:
            given = {**options, "days": (), "as_of": day}
            # How the whole is answered is for the flags and the root to say, not for one of the apps.
            request = replace(
                request_for("matrix", app, given, secrets=run_secrets()),
                strict=strict,
                reports=reports,
                **shared,
            )
            if not request.platforms and root.values.get("platforms"):
                request = replace(request, platforms=tuple(root.values["platforms"]))
            yield request


def _judged(requests: Sequence[RunRequest], registry: Registry) -> list[Report]:
    from predeploy.pipeline.static import check

    reports = []
    for request in requests:
        begun = perf_counter()
        results = check(request, registry)
        reports.append(report_of(request, results, seconds=perf_counter() - begun))
    return reports


def _built(requests: Sequence[RunRequest], registry: Registry) -> list[Report]:
    from predeploy.api import built
    from predeploy.cli.build import _stopped_by_signals
    from predeploy.cli.running import checked_work_dir, reporting
    from predeploy.env.commands import Cancellation

    gc.enable()
    checked_work_dir(requests[0])
    cancellation = Cancellation()
    reports: list[Report] = []
    with _stopped_by_signals(cancellation), reporting(requests[0]) as reporter:
        for request in requests:
            if cancellation.requested:
                break
            reports.append(built(request, registry, reporter, cancellation))
    return reports


def _list(requests: Sequence[RunRequest], registry: Registry, output_format: str) -> int:
    """Print the cells: for people, or as the matrix of a GitHub workflow."""
    if output_format not in {"text", "json"}:
        raise UsageError(f"--list --format {output_format}: expected text or json")
    cells = [cell for request in requests for cell in _cells(request, registry)]
    if output_format == "json":
        include = [{"app": c.app, "platform": c.platform, "as_of": c.as_of} for c in cells]
        write(json.dumps({"include": include}) + "\n", None)
        return 0
    from predeploy.report.escape import line

    write("".join(f"{line(c.app)}  {c.platform}  {c.as_of}\n" for c in cells), None)
    return 0


def _cells(request: RunRequest, registry: Registry) -> Iterator[Cell]:
    for name in dict.fromkeys(request.platforms) or registry.default_ids():
        registry.located_or_error(name)
        yield Cell(app=str(request.app), platform=name, as_of=request.as_of.isoformat())
