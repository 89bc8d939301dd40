"""Records: what a frozen dataclass does, without the price of defining one."""

from __future__ import annotations

import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from predeploy.record import field, field_names, positional, record, replace


@record
class Base:
    name: str
    tags: dict[str, str] = field(default_factory=dict)


@record
class Child(Base):
    size: int = 0


@positional
class Point:
    x: int
    y: int = 0
    note: str = field(default="", compare=False)

    @cached_property
    def sum(self) -> int:
        return self.x + self.y


def test_values_and_defaults() -> None:
    one, other = Base(name="a"), Base(name="b")
    assert (one.name, one.tags) == ("a", {})
    assert one.tags is not other.tags
    assert Child(name="a", size=2) == Child(size=2, name="a") != Child(name="a")
    assert Base(name="a") != Child(name="a")
    assert repr(Child(name="a")) == "Child(name='a', tags={}, size=0)"
    assert field_names(Child) == ("name", "tags", "size")


@pytest.mark.parametrize(
    ("made_of", "problem"),
    [
        ({}, "needs the field 'name'"),
        ({"name": "a", "colour": 1}, "no field 'colour'"),
    ],
)
def test_a_wrong_call_is_a_type_error(made_of: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        Base(**made_of)


def test_positions() -> None:
    assert Point(1, 2) == Point(1, y=2) == Point(x=1, y=2)
    wrong: Any = Point
    with pytest.raises(TypeError, match="twice"):
        wrong(1, x=1)
    with pytest.raises(TypeError, match="3 fields and was given 4"):
        wrong(1, 2, "", 4)


def test_equality_and_hash_know_the_compared_fields_only() -> None:
    point = Point(1, 2, "here")
    assert point.sum == 3  # keeps its value in the instance
    assert point == Point(1, 2, "there")
    assert len({point, Point(1, 2), Point(2, 1)}) == 2


def test_records_are_frozen() -> None:
    point: Any = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x


def test_replace() -> None:
    child = Child(name="a", tags={"k": "v"})
    assert (
        replace(child, size=3)
        == dataclasses.replace(child, size=3)
        == Child(name="a", tags={"k": "v"}, size=3)
    )
    assert child.size == 0
    wrong: dict[str, Any] = {"colour": 1}
    with pytest.raises(TypeError, match="colour"):
        replace(child, **wrong)

    @dataclasses.dataclass
    class Ordinary:
        x: int = 1

    assert replace(Ordinary(), x=2) == Ordinary(2)


def test_the_standard_library_sees_dataclasses() -> None:
    @record
    class Fresh(Base):
        inner: Point = Point(1)
        listed: tuple[int, ...] = field(default_factory=tuple)

    made: Any = Fresh
    assert hasattr(made, "__dataclass_fields__")
    assert [one.name for one in dataclasses.fields(Fresh)] == ["name", "tags", "inner", "listed"]
    expected = {"name": "a", "tags": {}, "inner": {"x": 1, "y": 0, "note": ""}, "listed": ()}
    assert dataclasses.asdict(made(name="a")) == expected
    assert made(name="b") == made(name="b")
    assert pickle.loads(pickle.dumps(Child(name="a"))) == Child(name="a")


def test_pydantic_reads_records() -> None:
    assert TypeAdapter(Child).validate_python({"name": "a", "size": "3"}) == Child(name="a", size=3)
    with pytest.raises(ValidationError):
        TypeAdapter(Child).validate_python({"size": 3})
