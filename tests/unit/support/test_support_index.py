"""The hand-written distributions and the index that serves them."""

from __future__ import annotations

import http.client
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.index import LocalIndex
from support.pages import JSON_TYPE
from support.serving import ask
from support.tools import bundled_wheels, repacked_pip
from support.wheels import Distribution, build_wheel, record


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    with LocalIndex() as server:
        server.add(Distribution(name="Some.Thing", version="1.0+local", requires_python=">=3.8"))
        server.add(Distribution(name="old", version="1.0", yanked="was <wrong>"), with_sdist=True)
        yield server


def test_a_wheel_has_metadata_entry_points_and_a_true_record(tmp_path: Path) -> None:
    dist = Distribution(
        name="Some-Thing",
        version="1.0",
        requires=("alpha>1",),
        requires_python=">=3.8",
        files={"some_thing.py": "x = 1\n"},
        scripts={"thing": "some_thing:x"},
        extras={"more": ("beta", 'gamma; sys_platform == "linux"')},
    )
    path = build_wheel(dist, tmp_path)
    assert path.name == "some_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    metadata = files["some_thing-1.0.dist-info/METADATA"].decode()
    assert "Name: Some-Thing\n" in metadata
    assert 'Requires-Dist: beta ; extra == "more"\n' in metadata
    assert 'Requires-Dist: gamma ; (sys_platform == "linux") and extra == "more"\n' in metadata
    assert b"thing = some_thing:x" in files["some_thing-1.0.dist-info/entry_points.txt"]
    told = files.pop("some_thing-1.0.dist-info/RECORD").decode()
    assert told == record(files, "some_thing-1.0.dist-info")


def test_pages_as_html(index: LocalIndex) -> None:
    page = ask(index.port, "/simple/some-thing/", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"] == "text/html"
    assert 'href="/files/some_thing-1.0%2Blocal-py3-none-any.whl#sha256=' in page.text
    assert 'data-requires-python="&gt;=3.8"' in page.text
    assert 'data-core-metadata="sha256=' in page.text
    assert 'data-yanked="was &lt;wrong&gt;"' in ask(index.port, "/simple/old/").text
    assert '<a href="/simple/old/">old</a>' in ask(index.port, "/simple/").text


def test_pages_as_json(index: LocalIndex) -> None:
    accept = {"Accept": f"{JSON_TYPE}, text/html;q=0.1"}
    page = ask(index.port, "/simple/Some_Thing/", headers=accept)
    assert page.headers["Content-Type"] == JSON_TYPE
    (file,) = json.loads(page.text)["files"]
    assert file["requires-python"] == ">=3.8"
    assert file["yanked"] is False
    wheel, sdist = json.loads(ask(index.port, "/simple/old/", headers=accept).text)["files"]
    assert (wheel["yanked"], sdist["filename"]) == ("was <wrong>", "old-1.0.tar.gz")
    assert "core-metadata" in wheel
    assert "core-metadata" not in sdist
    names = json.loads(ask(index.port, "/simple/", headers=accept).text)["projects"]
    assert names == [{"name": "old"}, {"name": "some-thing"}]


def test_metadata_and_unknown_names(index: LocalIndex) -> None:
    answer = ask(index.port, "/files/old-1.0-py3-none-any.whl.metadata")
    assert "Name: old" in answer.text
    assert ask(index.port, "/files/old-1.0.tar.gz.metadata").status == 404
    assert ask(index.port, "/simple/unknown/").status == 404
    assert ask(index.port, "/elsewhere").status == 404
    assert index.requests[0] == "GET /files/old-1.0-py3-none-any.whl.metadata"
    assert "GET /simple/unknown/" in index.requests


def test_misbehaviour(index: LocalIndex) -> None:
    index.fail_with(503, path="/simple/old", times=1)
    assert ask(index.port, "/simple/some-thing/").status == 200
    assert [ask(index.port, "/simple/old/").status for _ in range(2)] == [503, 200]
    index.cut_off("old-1.0.tar.gz")
    with pytest.raises(http.client.IncompleteRead):
        ask(index.port, "/files/old-1.0.tar.gz")
    index.fail_with(500)
    assert ask(index.port, "/simple/").status == 500
    index.behave()
    assert ask(index.port, "/simple/").status == 200
    with pytest.raises(KeyError):
        index.cut_off("nothing.whl")


def test_only_the_index_is_used(index: LocalIndex) -> None:
    env = index.environ()
    assert env["PIP_INDEX_URL"] == env["UV_DEFAULT_INDEX"] == index.url
    assert env["PIP_FIND_LINKS"] == env["PIP_EXTRA_INDEX_URL"] == env["UV_INDEX"] == ""


def test_an_index_that_does_not_run_has_no_address() -> None:
    stopped = LocalIndex()
    with pytest.raises(RuntimeError):
        _ = stopped.url
    stopped.close()


def test_pip_under_another_version(tmp_path: Path) -> None:
    path = repacked_pip("26.2.1", tmp_path)
    old = bundled_wheels("pip")[-1].name.split("-")[1]
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert not [name for name in names if f"pip-{old}" in name]
        assert b'__version__ = "26.2.1"' in archive.read("pip/__init__.py")
        assert b"\nVersion: 26.2.1\n" in archive.read("pip-26.2.1.dist-info/METADATA")
