"""Runs killed in every phase and at random moments: no orphan, nothing half-made used, the next run is right."""

from __future__ import annotations

import random
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from predeploy.env.bubblewrap import trouble
from support.index import LocalIndex
from support.killing import Range, kill_at_random

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")]

KINDS = [
    pytest.param("bwrap", marks=pytest.mark.skipif(bool(trouble()), reason=trouble() or "it works")),
    "none",
]
MOMENTS = {
    "environment": r"heroku: create-environment: \$ ",
    "install": r"heroku: pre.?compile\S*: \$ ",
    "tool": r"streamlit-cloud: install: create-environment ok",
    "verify": r"heroku: conflict-check: \$ ",
    "boot": r"heroku: web: \$ ",
}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path, index: LocalIndex) -> Range:
    return Range(root=tmp_path, index=index.environ(), sandbox=request.param)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_killed_in_a_phase(place: Range, moment: str) -> None:
    run = place.start()
    run.reaches(MOMENTS[moment])
    run.kill(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    statuses = [answer["status"] for answer in place.right_answer()["platforms"]]
    assert statuses == ["accept", "accept"]


def test_runs_killed_at_random(place: Range) -> None:
    chance = random.Random(4)
    for _ in range(6):
        kill_at_random(place, chance, longest=8)
    statuses = [answer["status"] for answer in place.right_answer()["platforms"]]
    assert statuses == ["accept", "accept"]


@pytest.fixture
def deaf() -> Iterator[str]:
    """Return the address of a proxy that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for one in held:
            one.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_run_killed_while_it_fetches_an_interpreter(
    tmp_path: Path, index: LocalIndex, deaf: str, number: signal.Signals
) -> None:
    fetching = Range(
        root=tmp_path,
        index=index.environ(),
        hosts=("-p", "heroku"),
        options=("-f", "json", "--until", "install"),
        tree={"requirements.txt": "", ".python-version": "3.13", "Procfile": "web: true\n"},
        env={"PATH": "/usr/bin:/bin", "HTTPS_PROXY": deaf, "HTTP_PROXY": deaf},
    )
    run = fetching.start()
    run.reaches("asking uv for it")
    run.kill(number)
    assert run.end() == (130 if number == signal.SIGTERM else -number)
    run = fetching.start()
    run.reaches("asking uv for it")  # what was broken off is not taken for a failure
    run.kill(signal.SIGTERM)
    assert run.end() == 130
    assert not fetching.leftovers()
