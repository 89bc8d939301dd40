"""Profiles are read strictly: every problem with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from predeploy.errors import ProfileError, UsageError
from predeploy.model.profile import Profile
from predeploy.profiles.registry import Registry

GOOD = """\
schema_version: 1
id: mine
name: Mine
extends: base
module: heroku
recipe: heroku
covers_from: 2026-01-01
verified_on: 2026-11-20
source: a page
manifests:
  select: first_match
  accept:
    - {file: requirements.txt, installer: pip}
installers:
  pip: {command: [pip, install], source: a page}
python:
  sources: [{grammar: default, origin: default}]
  default: [{value: "3.13", source: a page}]
  releases:
    "3.13": [{value: "3.13.15", source: a page}]
rules:
  - id: no-procfile
    phase: plan
    when: {not: {path_exists: Procfile}}
    headline: No Procfile
    source: a page
    timeline: [{verdict: warn}]
"""


def load(directory: Path, text: str, name: str = "mine") -> Profile:
    (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Registry((directory,), plugins={}).profile(name)


def problems(directory: Path, text: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load(directory, text)
    return [line.removeprefix(f"{directory}/") for line in str(caught.value).splitlines()]


def test_a_good_profile_loads_with_the_base_rules(tmp_path: Path) -> None:
    profile = load(tmp_path, GOOD)
    ids = [rule.id for rule in profile.rules]
    assert ids[0] == "no-procfile"
    assert "start-crashed" in ids
    assert not profile.abstract


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('value: "3.13"', "value: 3.10", "mine.yaml:18: "),
        ("path_exists: Procfile", "path_exist: Procfile", "mine.yaml:24: unknown predicate 'path_exist'; did you mean 'path_exists'?"),
        ("verdict: warn", "verdict: wrong", "mine.yaml:27: "),
        ("headline: No Procfile", "headlin: No Procfile", "mine.yaml:25: unknown key 'headlin'; did you mean 'headline'?"),
        ("headline: No Procfile", "headline: " + "x" * 61, "mine.yaml:25: headline of 61 characters; 60 at most"),
        ("select: first_match", "select: first_mach", "mine.yaml:11: unknown selector 'first_mach'; did you mean 'first_match'?"),
        ("recipe: heroku", "recipe: herok", "mine.yaml:6: unknown recipe 'herok'; did you mean 'heroku'?"),
        ("installer: pip}", "installer: pap}", "mine.yaml:13: unknown installer 'pap'; did you mean 'pip'?"),
        ("grammar: default", "grammar: defalt", "mine.yaml:17: unknown grammar 'defalt'; did you mean 'default'?"),
        ("extends: base", "extends: bas", "mine.yaml:4: extends unknown profile 'bas'; did you mean 'base'?"),
        ("module: heroku", "module: herku", "mine.yaml:5: cannot import module 'herku'"),
        ("name: Mine", "name: Mine\nname: Yours", "mine.yaml:4: "),
        ("covers_from: 2026-01-01", "covers_from: soon", "mine.yaml:7: "),
        ("schema_version: 1", "schema_version: 2", "mine.yaml:1: "),
        ("when: {not: {path_exists: Procfile}}", "when: {not: {any: [{all: [{path_exists: a}]}]}}", "mine.yaml:24: conditions nest at most 2 deep"),
        ("timeline: [{verdict: warn}]", "timeline: []", "mine.yaml:27: a rule needs at least one verdict"),
        ("timeline: [{verdict: warn}]", "timeline: [{verdict: warn, since: 2026-02-01, source: a}, {verdict: reject, since: 2026-01-01, source: a}]", "mine.yaml:27: timeline entries go from the oldest"),
        ("phase: plan", "phase: planning", "mine.yaml:23: "),
    ],
)  # fmt: skip
def test_a_defect_is_named_with_file_and_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    found = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(line.startswith(expected) for line in found), found


def test_several_defects_are_named_in_one_go(tmp_path: Path) -> None:
    text = GOOD.replace("phase: plan", "phase: planning").replace("name: Mine", "nam: Mine")
    assert len(problems(tmp_path, text)) == 2


def test_tabs_and_broken_yaml_have_a_line(tmp_path: Path) -> None:
    assert problems(tmp_path, "id: mine\n\tname: x\n")[0].startswith("mine.yaml:2: ")
    assert problems(tmp_path, "- a list\n")[0].startswith("mine.yaml:1: a profile is a mapping")


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"id: m\xe4ne\n")
    with pytest.raises(ProfileError, match=r"mine\.yaml: is not UTF-8"):
        Registry((tmp_path,), plugins={}).profile("mine")


def test_the_id_must_be_the_files_name(tmp_path: Path) -> None:
    assert "must be the file's name" in problems(tmp_path, GOOD.replace("id: mine", "id: other"))[0]


def test_a_directory_may_replace_a_builtin_and_extend_it(tmp_path: Path) -> None:
    text = (
        "schema_version: 1\nid: heroku\nextends: heroku\n"
        'tools:\n  pip: [{value: "26.3", source: here}]\n'
        "rules:\n  - {id: no-web-process, timeline: [{verdict: reject}]}\n"
    )
    (tmp_path / "heroku.yaml").write_text(text)
    registry = Registry((tmp_path,), plugins={})
    profile = registry.profile("heroku")
    assert profile.tools["pip"][0].value == "26.3"
    assert {rule.id: rule for rule in profile.rules}["no-web-process"].timeline[0].verdict == "reject"
    assert registry.located["heroku"].overrides is not None
    assert len(profile.rules) == len(Registry(plugins={}).profile("heroku").rules)


def test_a_circle_of_profiles_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("schema_version: 1\nid: one\nextends: two\n")
    (tmp_path / "two.yaml").write_text("schema_version: 1\nid: two\nextends: one\n")
    with pytest.raises(ProfileError, match="extends itself"):
        Registry((tmp_path,), plugins={}).profile("one")


def test_an_unknown_platform_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="unknown platform 'heruko'; did you mean 'heroku'"):
        Registry(plugins={}).profile("heruko")


def test_a_plugin_may_not_take_a_builtin_id(tmp_path: Path) -> None:
    path = tmp_path / "heroku.yaml"
    path.write_text(GOOD)
    with pytest.raises(ProfileError, match="is taken by"):
        Registry(plugins={"heroku": path}).ids()


def test_a_plugin_profile_is_chosen_like_a_builtin(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    registry = Registry(plugins={"mine": path})
    assert "mine" in registry.ids()
    assert "mine" not in registry.default_ids(), "judged only when asked for"
    assert registry.profile("mine").name == "Mine"


def test_the_cache_gives_the_same_profile_and_survives_damage(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = Registry(cache_directory=cache, plugins={}).profile("heroku")
    (file,) = cache.glob("*.profile")
    assert Registry(cache_directory=cache, plugins={}).profile("heroku") == first
    data = bytearray(file.read_bytes())
    data[-10] ^= 0xFF
    file.write_bytes(bytes(data))
    assert Registry(cache_directory=cache, plugins={}).profile("heroku") == first
    file.write_bytes(b"short")
    assert Registry(cache_directory=cache, plugins={}).profile("heroku") == first


def test_every_builtin_profile_is_complete() -> None:
    registry = Registry(plugins={})
    for name in registry.ids():
        profile = registry.profile(name)
        assert profile.name
        assert profile.homepage
        assert profile.not_simulated
        assert profile.launch.source
        for rule in profile.rules:
            # a change without a source of its own rests on the rule's
            assert rule.source, f"{name}/{rule.id}: no source"
        for tool, timeline in profile.tools.items():
            assert all(entry.source for entry in timeline if entry.since), f"{name}: {tool}"
        assert profile.python.source
