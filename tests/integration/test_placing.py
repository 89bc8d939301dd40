"""What pip decided and uv placed is what pip alone would have left: the same in every file that counts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.apps import write_tree
from support.building import MINOR, Build, decisive, index_with_tools
from support.index import LocalIndex
from support.wheels import Distribution, build_sdist, build_wheel

KEPT = ("--until", "install", "--keep")
NOT_COMPARED = {"RECORD"}
"""Both list what they wrote, in an order of their own and with scripts of their own."""


@pytest.fixture(scope="module")
def index() -> Iterator[LocalIndex]:
    """An index with a little of everything that makes a choice hard."""
    own = index_with_tools()
    for dist in (
        Distribution(name="apple", version="1.0", files={"apple/__init__.py": "n = 1\n"}),
        Distribution(name="apple", version="2.0", files={"apple/__init__.py": "n = 2\n"}, requires=("pear",)),
        Distribution(name="apple", version="3.0rc1"),
        Distribution(name="pear", version="1.0", scripts={"pear": "pear:main"}, extras={"ripe": ("plum",)}),
        Distribution(name="plum", version="1.0", files={"plum/data.txt": "x" * 2000, "plum/__init__.py": ""}),
        Distribution(name="plum", version="1.1", yanked="bad"),
        Distribution(name="old-python", version="1.0", requires_python="<3"),
        Distribution(name="quince", version="1.0", requires=("pear>=2",)),
        Distribution(name="xx", version="1"),
        Distribution(name="xx", version="2", requires=("yy==1",)),
        Distribution(name="yy", version="1"),
        Distribution(name="yy", version="2"),
    ):
        own.add(dist)
    own.add(Distribution(name="setuptools", version="75.0.0"))
    with own:
        yield own


@pytest.fixture(scope="module")
def extra() -> Iterator[LocalIndex]:
    """A second index, which has an older version of one and all of another."""
    with LocalIndex() as second:
        second.add(Distribution(name="apple", version="1.5"))
        second.add(Distribution(name="only-here", version="1.0"))
        yield second


def contents(platform: dict[str, Any]) -> dict[str, str]:
    """Return what an environment holds: every file but scripts and bytecode, with a digest."""
    venv = Path(platform["work_dir"]) / "venv"
    found = {}
    for directory, below, names in os.walk(venv / "lib"):
        below[:] = [name for name in below if name != "__pycache__"]
        for name in names:
            path = Path(directory, name)
            if name not in NOT_COMPARED and not path.is_symlink():
                found[str(path.relative_to(venv))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def recorded(platform: dict[str, Any]) -> set[str]:
    """Return the files that the distributions say are theirs, but bytecode."""
    venv = Path(platform["work_dir"]) / "venv"
    lines = [
        line for path in venv.rglob("*.dist-info/RECORD") for line in path.read_text("utf-8").splitlines()
    ]
    return {line.split(",")[0] for line in lines if "__pycache__" not in line}


def scripts(platform: dict[str, Any]) -> dict[str, bytes]:
    """Return the programs of an environment with the line that names their interpreter."""
    places = (Path(platform["work_dir"]) / "venv" / "bin").iterdir()
    return {
        path.name: path.read_bytes().splitlines()[0]
        for path in places
        if not path.is_symlink() and path.read_bytes().startswith(b"#!")
    }


def text_of(platform: dict[str, Any], module: str) -> str:
    """Return the source of an installed module."""
    packages = Path(platform["work_dir"]) / f"venv/lib/python{MINOR}/site-packages"
    return "".join(
        path.read_text() for path in (*packages.glob(f"{module}.py"), *packages.glob(f"{module}/*.py"))
    )


def way(platform: dict[str, Any], step: str = "install-dependencies") -> str:
    """Return how a step was carried out."""
    found = next(one for one in platform["steps"] if one["id"] == step)
    return str(found["way"])


def app(requirements: str | bytes, **more: str | bytes) -> dict[str, str | bytes | None]:
    """Return an app with these requirements."""
    return {"requirements.txt": requirements, ".python-version": MINOR, "app.py": "", **more}


PLACED = {
    "names": app("apple\npear\n"),
    "pins": app("apple==1.0\n"),
    "extras": app("pear[ripe]\n"),
    "markers": app("apple; python_version > '3'\nold-python; python_version < '3'\n"),
    "nested": app(
        "-r more/base.txt\n-c limits.txt\n", **{"more/base.txt": "apple\n", "limits.txt": "apple<2\n"}
    ),
    "pre-releases": app("--pre\napple\n"),
    "a-seed-replaced": app("setuptools==75.0.0\npear\n"),
    "order-decides": app("yy\nxx\n"),
    "byte-order-mark": app("\ufeffapple\r\npear\r\n"),
    "utf-16": app("apple\npear\n".encode("utf-16")),
    "nothing": app(""),
}


@pytest.mark.parametrize("name", PLACED)
def test_both_ways_come_to_the_same(build: Build, name: str) -> None:
    _, fast = build(PLACED[name], *KEPT)
    assert "placed by uv" in way(fast), (way(fast), fast["findings"])
    _, exact = build(PLACED[name], *KEPT, "--exact")
    assert way(exact) == "pip alone: --exact was given"
    assert fast["installed"] == exact["installed"]
    assert contents(fast) == contents(exact)
    assert recorded(fast) == recorded(exact)
    assert scripts(fast) == scripts(exact)


def test_a_variable_in_a_requirement_is_pips_to_fill_in(build: Build) -> None:
    _, platform = build(app("apple==${PIP_DISABLE_PIP_VERSION_CHECK}.0\n"), *KEPT)
    assert {"name": "apple", "version": "1.0"} in platform["installed"]


def test_further_indexes_and_options_in_the_file(build: Build, extra: LocalIndex) -> None:
    files = app(f"--extra-index-url {extra.url}\napple\nonly-here\n")
    _, fast = build(files, *KEPT)
    _, exact = build(files, *KEPT, "--exact")
    assert "placed by uv" in way(fast)
    assert fast["installed"] == exact["installed"]
    assert {"name": "apple", "version": "2.0"} in fast["installed"], (
        "an index with an older version is no rival"
    )
    assert contents(fast) == contents(exact)


def test_hashes_are_held_to(build: Build, index: LocalIndex) -> None:
    files = {file.path.name: file.sha256 for file in index.files}
    line = f"plum==1.0 --hash=sha256:{files['plum-1.0-py3-none-any.whl']}\n"
    _, fast = build(app(line), *KEPT)
    assert "placed by uv" in way(fast)
    _, wrong = build(app(line.replace("sha256:", "sha256:0")[:-2] + "\n"), *KEPT)
    assert (wrong["status"], wrong["phase"]) == ("fail", "install")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("wheel-in-the-app", "./wheels/mango-1.0-py3-none-any.whl"),
        ("sdist-in-the-app", "./wheels/mango-1.0.tar.gz"),
        ("editable", "-e ./mango"),
        ("sdist-from-the-index", "built"),
    ],
)
def test_what_pip_has_to_do_alone(
    build: Build, index: LocalIndex, tmp_path: Path, kind: str, line: str
) -> None:
    mango = Distribution(name="mango", version="1.0", sdist_only=kind == "sdist-in-the-app")
    made = build_sdist(mango, tmp_path) if mango.sdist_only else build_wheel(mango, tmp_path)
    index.add(Distribution(name="built", version="1.0", sdist_only=True))
    files = app(f"{line}\npear\n", **{f"wheels/{made.name}": made.read_bytes()})
    files["mango/setup.py"] = "from setuptools import setup\nsetup(name='mango', version='1.0')\n"
    if kind == "editable":
        pytest.importorskip("setuptools")
        files["mango/pyproject.toml"] = (
            "[build-system]\nrequires = []\nbuild-backend = 'inside'\nbackend-path = ['.']\n"
        )
        files["mango/inside.py"] = EDITABLE
    _, first = build(files, *KEPT)
    assert way(first).startswith("pip alone: "), way(first)
    assert first["status"] in {"accept", "warn"}, first["findings"]
    assert {"pear"} <= {one["name"] for one in first["installed"]}
    _, again = build(files, *KEPT)
    assert contents(first).keys() == contents(again).keys()


EDITABLE = """\
import zipfile
INFO = "mango-1.0.dist-info"
def get_requires_for_build_editable(settings=None):
    return []
def prepare_metadata_for_build_editable(place, settings=None):
    import os
    os.mkdir(os.path.join(place, INFO))
    open(os.path.join(place, INFO, "METADATA"), "w").write("Metadata-Version: 2.1\\nName: mango\\nVersion: 1.0\\n")
    return INFO
def build_editable(place, settings=None, metadata=None):
    import os
    name = "mango-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(place, name), "w") as wheel:
        wheel.writestr("mango.pth", os.getcwd())
        wheel.writestr(INFO + "/METADATA", "Metadata-Version: 2.1\\nName: mango\\nVersion: 1.0\\n")
        wheel.writestr(INFO + "/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(INFO + "/RECORD", "")
    return name
"""


@pytest.mark.parametrize("line", ["quince", "apple==9", "no-such-thing", "apple==1.0\napple==2.0"])
def test_a_failure_is_pips_own_either_way(build: Build, line: str) -> None:
    _, fast = build(app(f"{line}\n"), *KEPT)
    _, exact = build(app(f"{line}\n"), *KEPT, "--exact")
    assert fast["status"] == exact["status"] == "fail"
    first, second = decisive(fast), decisive(exact)
    said = [place["text"] for place in (*first.pop("evidence"), *second.pop("evidence"))]
    assert first == second
    assert said[0] == said[1] != ""


# --- decisions used again -------------------------------------------------------------------------------


def test_a_decision_is_used_again_while_its_pages_are_unchanged(build: Build, index: LocalIndex) -> None:
    files = app("pear[ripe]\napple<2\n")
    build(files, *KEPT)
    _, again = build(files, *KEPT)
    assert "pip's decision, replayed from" in way(again)
    assert "have not changed" in way(again)
    index.add(Distribution(name="pear", version="1.7"))
    try:
        _, after = build(files, *KEPT)
        assert way(after).startswith("decided by pip")
        assert {"name": "pear", "version": "1.7"} in after["installed"]
    finally:
        index.remove("pear")
        index.add(
            Distribution(
                name="pear", version="1.0", scripts={"pear": "pear:main"}, extras={"ripe": ("plum",)}
            )
        )


def test_what_the_app_names_decides_too(build: Build) -> None:
    files = app("-r base.txt\n", **{"base.txt": "apple==1.0\n"})
    build(files, *KEPT)
    _, again = build({**files, "base.txt": "apple==2.0\n"}, *KEPT)
    assert way(again).startswith("decided by pip")
    assert {"name": "apple", "version": "2.0"} in again["installed"]


def test_a_fresh_page_is_not_asked_for_again(build: Build, index: LocalIndex) -> None:
    index.max_age, index.etags = 600, True
    try:
        files = app("plum\n")
        build(files, *KEPT)
        asked = len(index.requests)
        _, again = build(files, *KEPT)
        assert "replayed from" in way(again)
        assert "have not changed" not in way(again)
        assert not [line for line in index.requests[asked:] if line.endswith("/simple/plum/")]
        _, anew = build(files, *KEPT, "--refresh")
        assert way(anew).startswith("decided by pip")
    finally:
        index.max_age, index.etags = None, False


def test_validators_are_enough(build: Build, index: LocalIndex) -> None:
    index.etags = True
    try:
        files = app("plum\nxx\n")
        build(files, *KEPT)
        _, again = build(files, *KEPT)
        assert "have not changed" in way(again)
    finally:
        index.etags = False


@pytest.mark.parametrize("harm", ["truncated", "flipped"])
def test_a_damaged_decision_is_made_again(build: Build, worker_cache: Path, harm: str) -> None:
    files = app(f"apple==1.0\n# {harm}\n")
    build(files, *KEPT)
    for path in (worker_cache / "decisions").glob("*.json"):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if harm == "truncated" else data.replace(b"1.0", b"2.0"))
    _, again = build(files, *KEPT)
    assert way(again).startswith("decided by pip")
    assert {"name": "apple", "version": "1.0"} in again["installed"]


def test_a_republished_file_is_found_out(build: Build, index: LocalIndex) -> None:
    index.add(Distribution(name="fig", version="1.0", files={"fig.py": "first = 1\n"}))
    files = app("fig\n")
    build(files, *KEPT)
    index.add(Distribution(name="fig", version="1.0", files={"fig.py": "second = 2\n"}))
    _, again = build(files, *KEPT)
    assert "second" in text_of(again, "fig")


# --- what is shared stays as it is -----------------------------------------------------------------------


HARM = """\
import pathlib, sys, pear
place = pathlib.Path(pear.__file__)
try:
    place.write_text("harmed = 1")
except OSError as error:
    sys.exit(f"could not: {error}")
print("could")
"""


def test_an_app_that_writes_to_its_packages_harms_nobody_else(build: Build, tmp_path: Path) -> None:
    files = app("pear\n", **{"Procfile": "web: python harm.py\n", "harm.py": HARM})
    _, platform = build(files, "--keep")
    assert platform["boot"]["status"] == "exited", "it may write there, as on the host"
    _, other = build(write_tree(tmp_path / "other", app("pear\n")), *KEPT)
    assert "harmed" not in text_of(other, "pear")


def test_a_hook_that_writes_to_packages_harms_nobody_else(build: Build, tmp_path: Path) -> None:
    hook = '#!/bin/bash\npython -c "$(cat harm.py)"\n'
    files = app("pear\n", **{"bin/post_compile": hook, "harm.py": HARM})
    _, platform = build(files, *KEPT)
    assert next(s for s in platform["steps"] if s["id"] == "post-compile")["status"] == "ok"
    _, other = build(write_tree(tmp_path / "other", app("pear\n")), *KEPT)
    assert "harmed" not in text_of(other, "pear")


def test_a_tool_that_was_damaged_is_made_again(build: Build, worker_cache: Path) -> None:
    build(app("plum==1.0\n"), *KEPT)
    damaged = list((worker_cache / "environments").glob("python*/lib/python*/site-packages/pip/__init__.py"))
    for path in damaged:
        path.write_text("broken = (", "utf-8")
    result, platform = build(app("plum==1.0\n# again\n"), *KEPT)
    assert "placed by uv" in way(platform)
    assert "not as it was made; it is made again" in result.stderr


@pytest.mark.parametrize("harm", ["truncated", "flipped"])
def test_a_damaged_file_of_a_distribution_is_fetched_again(
    build: Build, index: LocalIndex, worker_cache: Path, harm: str
) -> None:
    index.add(
        Distribution(name=f"fragile-{harm}", version="1.0", files={f"fragile_{harm}.py": "whole = 1\n"})
    )
    files = app(f"fragile-{harm}\n")
    build(files, *KEPT)
    for path in worker_cache.glob(f"uv/**/fragile_{harm}.py"):
        path.write_text("" if harm == "truncated" else "whole = 2\n")
    result, again = build(files, *KEPT)
    assert "damaged in the cache, and fetched again" in result.stderr
    assert text_of(again, f"fragile_{harm}") == "whole = 1\n"
    result, _ = build(files, *KEPT)
    assert "damaged in the cache" not in result.stderr, "said once"


def test_bytecode_is_kept_for_the_same_app_and_no_other(build: Build, worker_cache: Path) -> None:
    serve = (
        "import http.server, os, pear\nprint('cached', pear.__cached__, os.path.exists(pear.__cached__))\n"
        "http.server.HTTPServer(('', int(os.environ['PORT'])), http.server.BaseHTTPRequestHandler).serve_forever()\n"
    )
    files = app("pear\n", Procfile="web: python serve.py\n", **{"serve.py": serve})
    before = set((worker_cache / "pycache").glob("*"))
    _, first = build(files, "--keep")
    assert first["boot"]["http_status"] == 501
    made = set((worker_cache / "pycache").glob("*")) - before
    assert len(made) == 1
    assert list(next(iter(made)).rglob("pear*/*.pyc"))
    build(files, "--keep")
    assert set((worker_cache / "pycache").glob("*")) - before == made
    build({**files, "serve.py": serve + "# changed\n"}, "--keep")
    assert len(set((worker_cache / "pycache").glob("*")) - before) == 2


def test_a_cache_that_cannot_be_made_is_said_and_done_without(build: Build, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result, platform = build(
        app("plum==1.0\n"), *KEPT, env={"PREDEPLOY_CACHE_DIR": str(tmp_path / "file" / "cache")}
    )
    assert "placed by uv" in way(platform)
    assert "no cache at" in result.stderr


def test_uv_hosts_are_decided_by_their_uv(build: Build) -> None:
    files = app("apple==1.0\npear\n", **{"streamlit_app.py": ""})
    settings = ("--set", f"streamlit-cloud.python={MINOR}")
    _, first = build(files, *KEPT, *settings, platform="streamlit-cloud")
    assert way(first, "install-requirements") == "decided by uv; 2 distributions placed by uv"
    _, again = build(files, *KEPT, *settings, platform="streamlit-cloud")
    assert "uv's decision, replayed from" in way(again, "install-requirements")
    _, exact = build(files, *KEPT, *settings, "--exact", platform="streamlit-cloud")
    assert first["installed"] == again["installed"] == exact["installed"]
    assert contents(first).keys() - exact_only(exact) == contents(exact).keys() - exact_only(exact)


def exact_only(platform: dict[str, Any]) -> set[str]:
    """Return uv's notes, which it writes for what it takes from its own cache or not."""
    return {name for name in contents(platform) if name.endswith(("uv_cache.json", "uv_build.json"))}


def test_the_report_says_which_way(build: Build) -> None:
    result, _ = build(app("plum==1.0\n"), "--until", "install")
    document = json.loads(result.stdout)
    assert "placed by uv" in document["platforms"][0]["steps"][1]["way"]
