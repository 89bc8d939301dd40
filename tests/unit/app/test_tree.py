"""The tree a host receives: links, case, limits, policies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predeploy.app import tree as tree_module
from predeploy.app.tree import Tree, Unreadable


def test_files_directories_and_what_is_absent() -> None:
    tree = Tree.of({"a.txt": "x", "pkg/mod.py": "", "empty/": ""})
    assert tree.names() == ("a.txt", "empty", "pkg")
    assert tree.kind("pkg") == "dir"
    assert tree.kind("pkg/mod.py") == "file"
    assert tree.kind("nothing") is None
    assert tree.kind("a.txt/below") is None
    assert list(tree.walk()) == ["a.txt", "pkg/mod.py"]


def test_links_count_as_what_they_point_to_inside_the_tree() -> None:
    tree = Tree.of(
        {"real/requirements.txt": "x", "requirements.txt": "-> real/requirements.txt", "r": "-> real"}
    )
    assert tree.is_file("requirements.txt")
    assert tree.read("r/requirements.txt") == b"x"
    assert tree.names("r") == ("requirements.txt",)


@pytest.mark.parametrize(
    "files",
    [
        {"a": "-> nowhere"},
        {"a": "-> ../outside"},
        {"a": "-> /etc/passwd"},
        {"a": "-> a"},
        {"a": "-> b", "b": "-> a"},
        {"a": "-> d/../../x", "d/": ""},
    ],
)
def test_links_that_lead_out_or_nowhere_count_as_absent(files: dict[str, bytes | str | None]) -> None:
    tree = Tree.of(files)
    assert not tree.exists("a")
    assert ("a", str(files["a"])[3:]) in tree.links()
    with pytest.raises(Unreadable, match="no such file"):
        tree.read("a")


def test_the_same_on_disk(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_text("content")
    (tmp_path / "good").symlink_to("real/f")
    (tmp_path / "bad").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    tree = Tree.on_disk(tmp_path)
    assert tree.read("good") == b"content"
    assert not tree.exists("bad")
    assert not tree.exists("pipe")
    with pytest.raises(Unreadable, match="is not a regular file"):
        tree.read("pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(Unreadable, match="permission denied"):
        Tree.on_disk(tmp_path).read("secret")


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big").write_bytes(b"x" * 100)
    monkeypatch.setattr(tree_module, "READ_LIMIT", 99)
    with pytest.raises(Unreadable, match="is larger than"):
        Tree.on_disk(tmp_path).read("big")


def test_names_are_case_sensitive() -> None:
    assert not Tree.of({"Requirements.txt": ""}).exists("requirements.txt")


def test_a_policy_hides_files_and_all_below_a_directory() -> None:
    class NoVenv:
        def keeps(self, path: str, *, directory: bool) -> bool:
            return path != "venv"

    tree = Tree.of({"venv/pyvenv.cfg": "", "app.py": ""}, NoVenv())
    assert not tree.exists("venv/pyvenv.cfg")
    assert list(tree.walk()) == ["app.py"]


names = st.sampled_from(["a", "b", "c", "d/e", "d/f", "d/g/h"])
targets = st.sampled_from(["a", "b", "d", "d/e", "../a", "..", ".", "d/../a", "/a", "", "a/b", "d/g/../../c"])


@given(st.dictionaries(names, targets.map(lambda target: f"-> {target}")))
def test_any_web_of_links_is_answered(links: dict[str, str]) -> None:
    tree = Tree.of({**links, "file": "x"})
    for path in links:
        kind = tree.kind(path)
        assert kind in {"file", "dir", None}
        tree.names(path)
        list(tree.walk(path))


def test_a_tree_deeper_than_the_interpreters_stack() -> None:
    path = "/".join(["d"] * 3000) + "/f.py"
    assert list(Tree.of({path: ""}).walk()) == [path]
