"""The boot phase: start the app as the host does, until it answers, ends, or the host's time is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING

from predeploy.events import StepFinished, StepStarted
from predeploy.model.decisions import Boot, Call
from predeploy.model.execution import BootResult, BootStatus, CallResult
from predeploy.pipeline.cause import cause, read_end
from predeploy.pipeline.stage import Stage, is_read_only

if TYPE_CHECKING:
    from predeploy.env.commands import Running
    from predeploy.env.footprint import Footprint
    from predeploy.env.probe import Answer

INTERVAL_SECONDS = 0.05
ASK_SECONDS = 5.0
BODY_SHOWN = 2000
"""Bytes of the answer to a call that are kept."""

SOCKET_LIMIT = 100
"""Bytes of a socket's path; the kernel's own limit is 104 on macOS and 108 on Linux."""


def boot(stage: Stage, plan: Boot, *, limit: float | None) -> BootResult:
    """Start the app and return what came of it; its whole process tree is gone afterwards."""
    with _socket(stage) as socket:
        stage.places["port"] = str(_port(stage, plan))
        stage.places["socket"] = socket
        result = _started(stage, plan, limit=limit)
        if stage.guards(plan.step) and _wants_to_write(plan, result):
            stage.open_environment()  # the host would have let it
            result = _started(stage, plan, limit=limit)
        return result


def _wants_to_write(plan: Boot, result: BootResult) -> bool:
    """Return whether a start failed since the environment, which only here is read-only, was."""
    if result.status == "ok" or plan.step.writable is not None:
        return False
    said = result.cause.text if result.cause is not None else ""
    return is_read_only(said) or is_read_only(result.tail)


def _port(stage: Stage, plan: Boot) -> int:
    """Return the host's own port where the network is the app's alone, else one that is free here."""
    use = stage.use
    if use is not None and use.own_network_at_start and plan.preferred_port is not None:
        return plan.preferred_port
    return stage.ports.claim(plan.preferred_port)


@contextmanager
def _socket(stage: Stage) -> Iterator[str]:
    """Yield a path for the app's socket that the kernel takes, in a directory of its own if need be."""
    path = f"{stage.places['run']}/app.sock"
    if len(os.fsencode(path)) < SOCKET_LIMIT:
        yield path
        return
    with TemporaryDirectory(prefix="predeploy-", dir="/tmp") as short:
        yield f"{short}/app.sock"


def _started(stage: Stage, plan: Boot, *, limit: float | None) -> BootResult:
    port = int(stage.places["port"])
    command = stage.command(plan.step)
    seconds = plan.timeout_seconds if limit is None else min(limit, plan.timeout_seconds)
    shown = plan.step.shell if plan.step.shell is not None else " ".join(command.argv)
    stage.reporter.emit(StepStarted(stage.platform, "boot", plan.step.id, shown))
    begun = monotonic()
    server = stage.runner.start(command)
    try:
        result = _Watch(stage, plan, server, port, begun + seconds).until_decided()
        # Taken before the end, so that the output of being stopped is not shown as the app's own.
        result = replace(result, seconds=monotonic() - begun, log=str(command.log), tail=server.tail())
    finally:
        server.stop()
    unanswered = result.call is not None and result.call.status is None
    server_error = unanswered or (result.http_status or 0) >= 500
    if result.status != "ok" or result.script_status not in {None, 200} or server_error:
        result = replace(result, cause=cause(read_end(command.log), Path(stage.places["app"])))
    result = _cut_off(stage, result)
    stage.reporter.emit(StepFinished(stage.platform, "boot", plan.step.id, result.status, result.seconds))
    if result.status in {"crashed", "exited"}:
        stage.require_disk(result.tail)
    return result


def _cut_off(stage: Stage, result: BootResult) -> BootResult:
    """Mark a start that failed for want of the network, which the host would have given it."""
    from predeploy.env.transient import lacks_network

    cut = stage.use is not None and stage.use.own_network_at_start
    if not cut or result.status not in {"crashed", "exited", "timeout", "unhealthy"}:
        return result
    said = result.cause.text if result.cause is not None else result.tail
    return replace(result, status="cut-off") if lacks_network(said) else result


class _Watch:
    """The questions asked of one started app."""

    def __init__(self, stage: Stage, plan: Boot, server: Running, port: int, deadline: float) -> None:
        self.stage = stage
        self.plan = plan
        self.server = server
        self.port = port
        self.deadline = deadline

    def until_decided(self) -> BootResult:
        """Ask until there is an answer, the process has ended, or the time is over."""
        last: Answer | None = None
        while True:
            if self.stage.cancellation.requested:
                return self._result("interrupted")
            answer = self._ask(self.plan.probe, ASK_SECONDS)
            ended = self.server.poll()
            if ended is not None:
                return self._ended(ended)
            if answer is not None and self._is_ours():
                if self._healthy(answer):
                    return self._answered(answer)
                last = answer
            if monotonic() >= self.deadline:
                return self._given_up(last)
            sleep(INTERVAL_SECONDS)

    def _ask(self, path: str, timeout: float, call: Call | None = None) -> Answer | None:
        from predeploy.env.probe import ask

        target: int | Path = Path(self.stage.places["socket"]) if self.plan.unix_socket else self.port
        limit = max(0.2, min(timeout, self.deadline - monotonic()))
        cancellation = self.stage.cancellation
        return ask(
            target,
            path,
            limit,
            method=call.method if call else "GET",
            headers=call.headers if call else None,
            body=call.body.encode() if call and call.body else None,
            ipv6=self.plan.ipv6,
            cancelled=lambda: cancellation.requested,
            connecting=self.server.connect,
        )

    def _is_ours(self) -> bool:
        """Return whether the port is the app's, not that of another program that took it meanwhile."""
        if self.plan.unix_socket:
            return True
        listening = self.server.listening()
        if not listening and sys.platform != "linux":
            return self.server.poll() is None  # other systems do not show sockets to everybody
        return any(address.endswith(f":{self.port}") for address in listening)

    def _healthy(self, answer: Answer) -> bool:
        if self.plan.expect_body is None:
            return True
        return (
            answer.status == 200 and answer.body.decode("utf-8", "replace").strip() == self.plan.expect_body
        )

    def _answered(self, answer: Answer) -> BootResult:
        elsewhere = self._loopback_only()
        if elsewhere:
            return self._result("loopback-only", http_status=answer.status, listening=elsewhere)
        at_rest = self._footprint()
        script = self._script_status()
        peak = self._footprint() or at_rest
        if self.stage.cancellation.requested:
            return self._result("interrupted")
        listening = self._mine() if self.plan.ipv6 else ()
        called = self._called()
        if self.stage.cancellation.requested:
            return self._result("interrupted")
        status = called.status if called and called.status else answer.status
        result = self._result("ok", http_status=status, script_status=script, listening=listening)
        result = replace(result, call=called)
        if at_rest is None or peak is None:
            return result
        return replace(result, memory_at_rest=at_rest.resident, memory_peak=peak.peak, loaded=peak.loaded)

    def _called(self) -> CallResult | None:
        """Send the plan's call, once, and return its answer."""
        call = self.plan.call
        if call is None:
            return None
        begun = monotonic()
        self.deadline = begun + call.timeout_seconds
        answer = self._ask(call.path, call.timeout_seconds, call)
        return CallResult(
            what=call.what,
            method=call.method,
            path=call.path,
            status=answer.status if answer else None,
            body=answer.body[:BODY_SHOWN].decode("utf-8", "replace") if answer else "",
            seconds=monotonic() - begun,
        )

    def _footprint(self) -> Footprint | None:
        from predeploy.env.footprint import footprint

        return footprint(self.server.processes())

    def _mine(self) -> tuple[str, ...]:
        return tuple(address for address in self.server.listening() if address.endswith(f":{self.port}"))

    def _loopback_only(self) -> tuple[str, ...]:
        if not self.plan.public:
            return ()
        mine = self._mine()
        if not mine or any(not address.startswith(("127.", "[::1]", "::1")) for address in mine):
            return ()
        return mine

    def _script_status(self) -> int | None:
        if self.plan.script_probe is None:
            return None
        self.deadline = monotonic() + self.plan.script_timeout_seconds + 5
        answer = self._ask(self.plan.script_probe, self.plan.script_timeout_seconds + 5)
        return answer.status if answer is not None else 0

    def _ended(self, returncode: int) -> BootResult:
        if self.server.exceeded:
            return self._result("over-limit", limit=self.server.exceeded)
        # A server that put itself into the background has ended and still answers; hosts see it as ended.
        return self._result("exited" if returncode == 0 else "crashed", returncode=returncode)

    def _given_up(self, last: Answer | None) -> BootResult:
        listening = self.server.listening()
        if last is not None:
            return self._result("unhealthy", http_status=last.status)
        return self._result("wrong-port" if listening else "timeout", listening=listening)

    def _result(
        self,
        status: BootStatus,
        *,
        returncode: int | None = None,
        http_status: int | None = None,
        script_status: int | None = None,
        listening: tuple[str, ...] = (),
        limit: str = "",
    ) -> BootResult:
        return BootResult(
            status=status,
            port=None if self.plan.unix_socket else self.port,
            returncode=returncode,
            http_status=http_status,
            script_status=script_status,
            listening=listening,
            limit=limit,
        )
