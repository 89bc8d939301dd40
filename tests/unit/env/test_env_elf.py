"""Shared objects: what they need, and that broken ones do no harm."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predeploy.env.elf import SharedObject, shared_objects
from support.elf import shared_object


def test_what_a_shared_object_needs_is_read(tmp_path: Path) -> None:
    (tmp_path / "cv2").mkdir()
    data = shared_object(needed=("libGL.so.1", "libc.so.6"), soname="cv2.abi3.so")
    (tmp_path / "cv2" / "cv2.abi3.so").write_bytes(data)
    (tmp_path / "libinner.so.1.2").write_bytes(shared_object(needed=()))
    assert list(shared_objects(tmp_path)) == [
        SharedObject("cv2/cv2.abi3.so", "cv2.abi3.so", ("libGL.so.1", "libc.so.6")),
        SharedObject("libinner.so.1.2", None, ()),
    ]


@pytest.mark.parametrize(
    "data",
    [b"", b"INPUT(-lGL)\n", b"\x7fELF", b"\x7fELF" + b"\xff" * 200, shared_object(needed=("a.so",))[:120]],
    ids=["empty", "script", "magic", "noise", "cut"],
)
def test_what_is_no_shared_object_is_left_out(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.so").write_bytes(data)
    assert list(shared_objects(tmp_path)) == []


def test_other_files_links_and_directories_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "x.so.txt.py").mkdir()
    (tmp_path / "link.so").symlink_to("/dev/zero")
    (tmp_path / "module.sort").write_text("")
    assert list(shared_objects(tmp_path)) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=12))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_shared_object_never_stops_the_scan(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    data = bytearray(shared_object(needed=("libGL.so.1", "libc.so.6"), soname="x.so"))
    for position, value in changes:
        data[position % len(data)] = value
    (tmp_path / "x.so").write_bytes(bytes(data))
    assert len(list(shared_objects(tmp_path))) <= 1


def test_the_writer_of_these_tests_makes_what_the_system_takes() -> None:
    data = shared_object(needed=("libc.so.6",))
    assert data[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", data, 16) == (3,)
