"""Every sample app has a cell for every platform, and the static answer is what the cell says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from support.cases import registry
from support.outcomes import SAMPLE_APPS, cell_of, cells, one_line, outcomes, static_answer, written

BASES = {"host-log", "host-source", "docs"}


def test_no_cell_is_missing() -> None:
    apps = {path.name for path in SAMPLE_APPS.iterdir() if path.is_dir()}
    assert set(outcomes()["apps"]) == apps
    for app, row in outcomes()["apps"].items():
        assert set(row) == set(registry().ids()), app


@pytest.mark.parametrize(("app", "platform", "cell"), cells(), ids=lambda v: v if isinstance(v, str) else "")
def test_the_static_answer(app: str, platform: str, cell: dict[str, Any]) -> None:
    expected = {key: value for key, value in cell.items() if key not in {"basis", "built"}}
    assert cell["basis"] in BASES
    assert cell_of(static_answer(app, platform)) == expected


def test_a_build_is_expected_wherever_it_begins() -> None:
    for app, platform, cell in cells():
        assert ("built" in cell) == (cell["status"] in {"accept", "warn"}), f"{app} on {platform}"


def test_every_good_app_is_accepted_by_its_host() -> None:
    for app, platform in (
        ("heroku-flask", "heroku"),
        ("function-http", "cloud-functions"),
        ("function-event", "cloud-functions"),
        ("function-cloudevent", "cloud-functions"),
        ("function-poetry", "cloud-functions"),
        ("function-uv", "cloud-functions"),
        ("firebase-http", "firebase-functions"),
        ("cloud-run-fastapi", "cloud-run"),
        ("app-engine-flask", "app-engine"),
        ("platformsh-flask", "platformsh"),
        ("streamlit-basic", "streamlit-cloud"),
    ):
        assert outcomes()["apps"][app][platform]["status"] == "accept"
    row = outcomes()["apps"]["everywhere"]
    hosts = ("heroku", "heroku-cnb", "cloud-functions", "cloud-run", "platformsh", "streamlit-cloud")
    assert {row[name]["status"] for name in hosts} <= {"accept", "warn"}


def test_a_usual_cell_is_used_more_than_once() -> None:
    used = Counter(
        cell for row in written()["apps"].values() for cell in row.values() if isinstance(cell, str)
    )
    assert set(used) == set(written()["usual"])
    assert min(used.values()) > 1


def test_a_missing_cell_is_proposed_as_one_line() -> None:
    cell = {"status": "accept", "reason": None, "python": "3.13.1", "findings": ["a", "b"], "n": 200}
    assert one_line(cell) == '{status: accept, reason: null, python: "3.13.1", findings: [a, b], n: 200}'
