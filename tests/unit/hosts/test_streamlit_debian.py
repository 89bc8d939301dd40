"""The shipped names of Debian's releases, and how one is looked up."""

from __future__ import annotations

import gzip

import pytest

from predeploy.hosts.streamlit_debian import DATA, look_up, matching
from support.cases import profile

RELEASES = ("11", "12", "13", "11-security")


def test_the_data_has_every_release_and_library_of_the_profile() -> None:
    head = gzip.decompress(DATA.read_bytes()).decode().partition("\n\n")[0].splitlines()
    facts = profile("streamlit-cloud")
    assert head[0].split()[1:] == list(RELEASES)
    assert set(head[1].split()[1:]) == set(facts.extra["libraries"].values())
    named = {
        str(entry.value) for name in ("debian-release", "leftover-debian") for entry in facts.values[name]
    }
    assert named - {"None"} <= set(RELEASES)


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("ffmpeg", ("real", "real", "real", "real")),
        ("libgl1-mesa-glx", ("real", "real", "mentioned", "real")),
        ("libglib2.0-0", ("real", "real", "virtual", "real")),
        ("software-properties-common", ("real", "real", "absent", "absent")),
        ("mail-transport-agent", ("ambiguous", "ambiguous", "ambiguous", "ambiguous")),
        ("no-such-package", ()),
        ("", ()),
        ("caf\u00e9", ()),
        ("releases 11", ()),
    ],
)
def test_a_name_has_a_state_in_each_release(name: str, states: tuple[str, ...]) -> None:
    assert tuple(look_up(name).states.values()) == states
    assert look_up(name).state("14") == "absent"


def test_what_a_package_brings_along() -> None:
    assert {"libgl1", "libx11-6"} <= look_up("libgl1").brings
    assert "libgl1" in look_up("python3-opencv").brings
    assert "libgl1" not in look_up("libsm6").brings


@pytest.mark.parametrize(
    ("word", "found"), [("libglib2.0", True), ("no.such", False), ("((((", False), ("a" * 50_000, False)]
)
def test_a_word_that_is_no_name_is_looked_for_inside_of_names(word: str, found: bool) -> None:
    assert bool(matching(word, "13")) is found
    assert len(matching(word, "13", limit=2)) <= 2
    assert matching(word, "14") == ()
