"""What is known before a package manager runs: which steps may be decided and placed, and which not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from predeploy.env.decided import Decision, Page, fresh_until, is_archive, load, pages_of, report_of, save
from predeploy.installers import pip, uv
from predeploy.model.decisions import Step
from predeploy.pipeline.placing_pip import PipPlacing


def step(*argv: str, shell: str | None = None) -> Step:
    return Step(id="install", phase="install", reason="", argv=argv, shell=shell)


@pytest.mark.parametrize(
    ("argv", "rest"),
    [
        (("pip", "install", "-r", "r.txt", "--no-cache-dir"), ("-r", "r.txt")),
        (("{bin}/python", "-m", "pip", "install", ".", "--no-compile"), (".",)),
        (("{tool:pip}/pip", "install", "x"), ("x",)),
        (("pip", "check"), None),
        (("{bin}/python", "-m", "compileall"), None),
        (("{tool:uv}/uv", "pip", "install", "x"), None),
        ((), None),
    ],
)
def test_what_pip_is_asked(argv: tuple[str, ...], rest: tuple[str, ...] | None) -> None:
    assert pip.decision_arguments(step(*argv)) == rest


@pytest.mark.parametrize(
    ("argv", "rest"),
    [
        (("{tool:uv}/uv", "pip", "install", "-r", "r.txt", "--no-cache"), ("-r", "r.txt")),
        (("{tool:uv}/uv", "sync"), None),
        (("pip", "install", "x"), None),
        ((), None),
    ],
)
def test_what_uv_is_asked(argv: tuple[str, ...], rest: tuple[str, ...] | None) -> None:
    assert uv.decision_arguments(step(*argv)) == rest


def stage(pip_version: str, python: str = "3.13.0", env: dict[str, str] | None = None) -> Any:
    plan = SimpleNamespace(environment=SimpleNamespace(seeds={"pip": pip_version}), tools={})
    command = SimpleNamespace(env=env or {})
    return SimpleNamespace(plan=plan, python_version=python, command=lambda step: command)


@pytest.mark.parametrize(
    ("pip_version", "python", "env", "why"),
    [
        ("22.1.2", "3.10.1", {}, "pip 22.1.2 cannot say what it would install"),
        ("21.3.1", "3.6.15", {}, "pip 21.3.1 cannot say what it would install"),
        ("22.3", "3.7.9", {}, "Python 3.7.9 cannot be watched"),
        ("26.2", "3.13.0", {"PIP_CONSTRAINT": "c.txt"}, "PIP_CONSTRAINT is set"),
        ("22.2", "3.8.0", {}, ""),
    ],
)
def test_what_pip_does_alone(pip_version: str, python: str, env: dict[str, str], why: str) -> None:
    assert PipPlacing.obstacle(stage(pip_version, python, env), step("pip", "install", "x")) == why


def test_until_when_a_page_is_fresh() -> None:
    assert fresh_until({"cache-control": "max-age=600, public"}, 100) == 700
    assert fresh_until({"cache-control": "max-age=600", "age": "590"}, 100) == 110
    assert fresh_until({"cache-control": "max-age=600, no-cache"}, 100) == 100
    assert fresh_until({"cache-control": "max-age=x"}, 100) == 100
    assert fresh_until({}, 100) == 100


def note(url: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"method": "GET", "url": url, "asked": {}, "told": {}, "status": status, "at": 1.0, **more}


def test_which_requests_are_pages() -> None:
    pages = pages_of(
        [
            note("https://i/simple/a/", told={"etag": "1"}),
            note("https://i/files/a-1.whl"),
            note("https://i/files/a-1.whl.metadata"),
            note("https://i/simple/b/", 304, asked={"if-none-match": "2"}),
            note("https://i/simple/C/", 301),
            note("https://i/simple/d/", 404),
        ]
    )
    assert pages is not None
    assert [(page.url[-2:], dict(page.validators), page.there) for page in pages] == [
        ("a/", {"etag": "1"}, True),
        ("b/", {"etag": "2"}, True),
        ("d/", {}, False),
    ]
    assert pages_of([note("https://i/simple/a/", 500)]) is None
    assert pages_of([{**note("https://i/x"), "method": "POST"}]) is None
    assert is_archive("https://i/a-1.tar.gz#sha256=1")


REPORT = """{"install": [{"metadata": {"name": "a", "version": "1"}, "requested": true,
"download_info": {"url": "https://i/a-1-py3-none-any.whl", "archive_info": %s}, "is_direct": %s}]}"""


@pytest.mark.parametrize("archive", ['{"hashes": {"sha256": "00"}}', '{"hash": "sha256=00"}'])
def test_a_report_of_pip_is_read(archive: str) -> None:
    pins, why = report_of(REPORT % (archive, "false"))
    assert (pins[0].name, pins[0].sha256, pins[0].requested, why) == ("a", "00", True, "")


@pytest.mark.parametrize(
    ("archive", "direct", "said"),
    [("{}", "false", "a place of its own"), ('{"hashes": {"sha256": "00"}}', "true", "a place of its own")],
)
def test_what_a_report_leaves_to_pip(archive: str, direct: str, said: str) -> None:
    pins, why = report_of(REPORT % (archive, direct))
    assert not pins
    assert said in why


def test_a_source_distribution_is_left_to_pip() -> None:
    text = (REPORT % ('{"hashes": {"sha256": "00"}}', "false")).replace("a-1-py3-none-any.whl", "a-1.tar.gz")
    assert report_of(text) == ((), "a 1 has to be built")


def test_a_decision_comes_back_as_it_was(tmp_path: Any) -> None:
    page = Page(
        url="https://i/a/", asked={"accept": "x"}, validators={"etag": "1"}, digest="", fresh_until=5.0
    )
    decision = Decision(pins=(), files={"/app/r.txt": "sha256 0"}, pages=(page,), made_at=1.0, why="built")
    save(tmp_path / "d" / "k.json", decision)
    assert load(tmp_path / "d" / "k.json") == decision
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["k.json"]
    for harm in (b"", b"{}", b"x" * 65 + b"\n{}", (tmp_path / "d" / "k.json").read_bytes()[:-3]):
        (tmp_path / "d" / "k.json").write_bytes(harm)
        assert load(tmp_path / "d" / "k.json") is None
    assert load(tmp_path / "nothing") is None
