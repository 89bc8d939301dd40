"""What an environment needs of the system, through what it ships itself."""

from __future__ import annotations

from predeploy.env.elf import SharedObject
from predeploy.pipeline.libraries import lacking


def test_a_library_is_missed_through_one_that_the_wheel_ships() -> None:
    objects = [
        SharedObject("cv2/cv2.abi3.so", None, ("libQt5Gui-af.so.5", "libc.so.6", "ld-linux-x86-64.so.2")),
        SharedObject("opencv.libs/libQt5Gui-af.so.5", "libQt5Gui-af.so.5", ("libGL.so.1", "libc.so.6")),
        SharedObject("other/fine.so", None, ("libc.so.6",)),
    ]
    assert list(lacking(objects, {"libc.so.6"})) == [
        ("cv2/cv2.abi3.so", "libGL.so.1"),
        ("opencv.libs/libQt5Gui-af.so.5", "libGL.so.1"),
    ]


def test_shared_objects_that_need_each_other_end() -> None:
    objects = [SharedObject("a.so", "a.so", ("b.so",)), SharedObject("b.so", "b.so", ("a.so", "x.so"))]
    assert list(lacking(objects, set())) == [("a.so", "x.so"), ("b.so", "x.so")]
