"""``build``: every platform through all phases, side by side, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from time import perf_counter

from predeploy.env.caches import in_use
from predeploy.env.commands import Cancellation
from predeploy.events import PhaseFinished, PlatformFinished, Reporter
from predeploy.model.results import PlatformResult
from predeploy.paths import cache_root
from predeploy.pipeline.credentials import learn
from predeploy.pipeline.detect import detect
from predeploy.pipeline.platform import PlatformRun
from predeploy.pipeline.ports import Ports
from predeploy.pipeline.source import AppSource
from predeploy.pipeline.static import cases, static_result
from predeploy.pipeline.surroundings import choose_sandbox
from predeploy.profiles.registry import Registry
from predeploy.settings import RunRequest


def build(
    request: RunRequest, registry: Registry, reporter: Reporter, cancellation: Cancellation
) -> tuple[PlatformResult, ...]:
    """Return the answer of every platform; on cancellation, what there is by then.

    Ctrl-C may arrive in any phase: every platform is then told to stop, its processes are ended, and its
    result so far is returned with ``interrupted`` set.
    """
    with in_use(cache_root(request.environ)):
        return _build(request, registry, reporter, cancellation)


def _build(
    request: RunRequest, registry: Registry, reporter: Reporter, cancellation: Cancellation
) -> tuple[PlatformResult, ...]:
    source = AppSource(request.app, request.environ, on_read=request.secrets.content)
    learn(request, source)
    ports = Ports()
    sandbox = choose_sandbox(request)
    runs = []
    for case in cases(request, registry, source):
        detection = detect(case)
        static = static_result(case, detection)
        for phase, outcome in static.phases:
            reporter.emit(PhaseFinished(static.platform, phase, outcome, static.seconds.get(phase, 0.0)))
        runs.append(
            PlatformRun(case, detection, static, request, source, reporter, cancellation, ports, sandbox)
        )
    workers = max(1, request.jobs or os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=min(workers, len(runs) or 1), thread_name_prefix="platform") as pool:
        futures = [pool.submit(_timed(run, reporter)) for run in runs]
        _await(futures, cancellation)
    return tuple(future.result() for future in futures)


def _timed(run: PlatformRun, reporter: Reporter) -> Callable[[], PlatformResult]:
    def call() -> PlatformResult:
        begun = perf_counter()
        result = run.run()
        reporter.emit(PlatformFinished(result.platform, result.status, perf_counter() - begun))
        return result

    return call


def _await(futures: list[Future[PlatformResult]], cancellation: Cancellation) -> None:
    """Wait in short turns, so that Ctrl-C is noticed at once and passed on."""
    while True:
        try:
            if not wait(futures, timeout=0.2).not_done:
                return
        except KeyboardInterrupt:
            cancellation.cancel()
