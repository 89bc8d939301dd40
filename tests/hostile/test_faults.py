"""An index that is out of order: what may pass is 75 with what failed, and never the app's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.building import MINOR, Build, decisive, index_with_tools
from support.faults import Fault
from support.index import LocalIndex
from support.wheels import Distribution

PIP = {"requirements.txt": "gamma-ray==1.0\n", ".python-version": MINOR}
ALTERED = {**PIP, "requirements.txt": "gamma-ray==1.0 --hash=sha256:" + "0" * 64 + "\n"}
SHORT = {"PIP_TIMEOUT": "2", "UV_HTTP_TIMEOUT": "2", "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}

pytestmark = pytest.mark.slow

Try = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def own_index() -> Iterator[LocalIndex]:
    """An index that a test may break."""
    index = index_with_tools()
    index.add(Distribution(name="gamma-ray", version="1.0", files={"gamma_ray.py": "#" * 200_000}))
    with index:
        yield index


@pytest.fixture(params=["pip", "uv"])
def attempt(request: pytest.FixtureRequest, build: Build, own_index: LocalIndex) -> Try:
    """Return a function that installs one requirement with pip or uv from the broken index."""

    def call(files: dict[str, str], *argv: str, **more: str) -> tuple[int, dict[str, Any]]:
        env = {**own_index.environ(), **SHORT, **more}
        tree: dict[str, str | bytes | None] = {**files, "Procfile": "web: true\n"}
        if request.param == "uv":
            tree["streamlit_app.py"] = "import streamlit\n"
        platform = "streamlit-cloud" if request.param == "uv" else "heroku"
        settings = ("--set", f"streamlit-cloud.python={MINOR}") if request.param == "uv" else ()
        result, answer = build(tree, *settings, "--until", "install", *argv, platform=platform, env=env)
        return result.exit_code, answer

    return call


def last(platform: dict[str, Any]) -> dict[str, Any]:
    """Return the last step."""
    return dict(platform["steps"][-1])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("hangs up", r"RemoteDisconnected|Connection aborted|connection closed|error sending request"),
        ("half a page", r"Connection broken|error decoding response body"),
        ("redirects", r"redirect"),
    ],
)
def test_an_index_out_of_order_is_worth_a_retry(
    attempt: Try, own_index: LocalIndex, kind: Fault, said: str, request: pytest.FixtureRequest
) -> None:
    if kind == "redirects" and request.node.callspec.params["attempt"] == "uv":
        pytest.skip("uv takes an index that only redirects for one that has nothing, and does not say more")
    own_index.misbehave(kind, path="/simple/gamma-ray")
    check_transient(attempt(PIP), said)


def check_transient(answered: tuple[int, dict[str, Any]], said: str) -> None:
    code, platform = answered
    assert code == 75, platform
    assert platform["status"] == "unknown"
    assert last(platform)["status"] == "transient"
    told = json.dumps(decisive(platform))
    assert re.search(said, told), told


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_index_that_answers_with_an_error(attempt: Try, own_index: LocalIndex, status: int) -> None:
    own_index.fail_with(status, path="/simple/gamma-ray")
    check_transient(attempt(PIP), rf"{status}|too many")


def test_a_file_that_is_refused_by_a_server_in_trouble(attempt: Try, own_index: LocalIndex) -> None:
    own_index.fail_with(503, path="/files/gamma_ray")
    check_transient(attempt(PIP), "503|too many|Max retries exceeded")


def test_a_wheel_that_is_cut_off(attempt: Try, own_index: LocalIndex) -> None:
    own_index.cut_off("gamma_ray-1.0-py3-none-any.whl")
    check_transient(attempt(PIP), r"Connection broken|not enough bytes|incomplete|error decoding|body")


def test_an_index_slower_than_the_tool_waits(attempt: Try, own_index: LocalIndex) -> None:
    code, platform = attempt(PIP)
    assert code == 0, platform
    own_index.delay = 4.0
    code, platform = attempt({**PIP, "requirements.txt": "alpha<2\n"})
    assert code == 75, platform


def test_an_index_that_nobody_is_at(attempt: Try) -> None:
    code, platform = attempt(
        PIP, PIP_INDEX_URL="http://127.0.0.1:9/simple/", UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/"
    )
    assert code == 75, platform


def test_one_error_and_then_none(attempt: Try, own_index: LocalIndex) -> None:
    own_index.fail_with(503, path="/simple/gamma-ray", times=1)
    code, platform = attempt(PIP, PIP_RETRIES="2", UV_HTTP_RETRIES="2")
    assert code == 0, platform


def test_plain_text_where_tls_is_expected(attempt: Try, own_index: LocalIndex) -> None:
    url = own_index.url.replace("http:", "https:")
    code, platform = attempt(PIP, PIP_INDEX_URL=url, UV_DEFAULT_INDEX=url)
    assert code == 75, platform


def test_a_wrong_hash_is_no_passing_trouble(attempt: Try) -> None:
    code, platform = attempt(ALTERED)
    assert code == 1, platform
    assert platform["status"] == "fail"
    assert last(platform)["status"] == "failed"


def test_a_name_that_is_not_there_is_no_passing_trouble(attempt: Try) -> None:
    code, platform = attempt({**PIP, "requirements.txt": "no-such-thing\n"})
    assert code == 1, platform
    assert platform["status"] == "fail"
