"""The Python interface: ``check`` and ``build`` return the typed result, and keep nothing between calls."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from predeploy import __version__
from predeploy.env.secrets import Secrets
from predeploy.model import Phase
from predeploy.model.results import PlatformResult, Report
from predeploy.paths import cache_root, home_directory
from predeploy.pipeline.static import exit_code
from predeploy.profiles.registry import Registry
from predeploy.record import replace
from predeploy.settings import RunRequest, request_of

if TYPE_CHECKING:
    from predeploy.env.commands import Cancellation
    from predeploy.events import Reporter


def check(
    path: str | Path = ".",
    *,
    platforms: Sequence[str] = (),
    as_of: date | str | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    env: Mapping[str, str] | None = None,
    platform_dirs: Sequence[str | Path] = (),
    environ: Mapping[str, str] | None = None,
) -> Report:
    """Return the static answer for the app at ``path``: offline, and nothing of it is run.

    What is not given comes from ``PREDEPLOY_*`` of ``environ`` (default: the process's own), then from the
    app's configuration. ``settings`` are by platform, as ``--set``. Raises
    :class:`predeploy.errors.PredeployError` for a wrong call, configuration or profile; what is wrong with
    the app is a finding.
    """
    from predeploy.pipeline.static import check as judge

    begun = perf_counter()
    given = {"platforms": tuple(platforms), "as_of": as_of, "platform_directories": tuple(platform_dirs)}
    request = request_for("check", Path(path), given, settings, env, environ)
    results = judge(request, registry_for(request))
    return report_of(request, results, seconds=perf_counter() - begun)


def build(
    path: str | Path = ".",
    *,
    platforms: Sequence[str] = (),
    until: Phase = "boot",
    as_of: date | str | None = None,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    env: Mapping[str, str] | None = None,
    platform_dirs: Sequence[str | Path] = (),
    environ: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
    cancellation: Cancellation | None = None,
    **options: Any,
) -> Report:
    """Build, check and start the app at ``path`` as each platform would; the app's own code runs.

    ``options`` are the further options of ``predeploy build`` by their Python names: ``jobs``, ``keep``,
    ``work_dir``, ``boot_timeout``, ``fetch_python``, ``current_packages`` … ``reporter`` hears the events of
    the run; ``cancellation.cancel()``, from any thread, ends it in order. Raises as :func:`check` does.
    """
    from predeploy.events import Silent

    given = {
        **options,
        "platforms": tuple(platforms),
        "until": until,
        "as_of": as_of,
        "platform_directories": tuple(platform_dirs),
    }
    request = request_for("build", Path(path), given, settings, env, environ)
    return built(request, registry_for(request), reporter or Silent(), cancellation)


def built(
    request: RunRequest, registry: Registry, reporter: Reporter, cancellation: Cancellation | None = None
) -> Report:
    """Carry out a request and return the report, with the times of its steps."""
    from predeploy.env.commands import Cancellation
    from predeploy.pipeline.run import build as run
    from predeploy.pipeline.timing import Stopwatch

    begun = perf_counter()
    stop = cancellation or Cancellation()
    watch = Stopwatch(reporter)
    results = watch.stamped(run(request, registry, watch, stop))
    return report_of(request, results, seconds=perf_counter() - begun, interrupted=stop.requested)


def request_for(
    command: str,
    app: Path,
    given: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, str]] | None = None,
    env: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    secrets: Secrets | None = None,
) -> RunRequest:
    """Return the request of a call; an option that ``command`` does not have is an error."""
    from predeploy.errors import UsageError, suggestion
    from predeploy.options import options_of
    from predeploy.pipeline.source import checked_directory

    names = {option.name for option in options_of(command)} | {"as_of"}
    for name in given:
        if name not in names:
            raise UsageError(f"{command} has no option {name!r}{suggestion(name, names)}")
    checked_directory(app)
    surroundings = dict(os.environ if environ is None else environ)
    as_text = {**given, "as_of": None if given.get("as_of") is None else str(given["as_of"])}
    known = Secrets() if secrets is None else secrets
    known.variables(env or {})
    request = request_of(command, app, as_text, surroundings, home_directory(surroundings), secrets=known)
    merged = {name: dict(values) for name, values in request.settings.items()}
    for name, values in (settings or {}).items():
        merged.setdefault(name, {}).update(values)
    return replace(request, settings=merged, env={**request.env, **(env or {})})


def registry_for(request: RunRequest) -> Registry:
    """Return the registry a request selects from, with its cache in the user's cache directory."""
    return Registry(request.platform_directories, cache_directory=cache_root(request.environ) / "profiles")


def report_of(
    request: RunRequest,
    results: tuple[PlatformResult, ...],
    *,
    seconds: float,
    interrupted: bool = False,
) -> Report:
    """Return the report of a run that has ended, without secrets."""
    report = Report(
        tool_version=__version__,
        as_of=request.as_of.isoformat(),
        app=str(request.app),
        platforms=results,
        exit_code=int(exit_code(results, strict=request.strict, interrupted=interrupted)),
        strict=request.strict,
        interrupted=interrupted,
        seconds=seconds,
    )
    if not request.secrets:
        return report
    from predeploy.report.masking import masked

    return masked(report, request.secrets)
