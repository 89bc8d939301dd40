"""Read a profile strictly: every problem with its file and line, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from predeploy.errors import ProfileError, at, suggestion
from predeploy.model.conditions import Test
from predeploy.model.profile import Profile, Rule
from predeploy.profiles.registry import base_file

Place = tuple[str, int | None]
DataPath = tuple[str | int, ...]
INDEXED = 2
"""Length of the paths by which places are found: a rule, a table."""


class Source:
    """Plain data together with the file and line each value came from."""

    def __init__(self, data: dict[str, Any], places: dict[DataPath, Place], file: str) -> None:
        self.data = data
        self.places = places
        self.file = file
        self._below: dict[DataPath, list[tuple[DataPath, Place]]] | None = None

    def below(self, path: DataPath) -> Iterable[tuple[DataPath, Place]]:
        """Return the places of what stands below a path, itself included."""
        depth = len(path)
        if depth < INDEXED:
            return [(known, place) for known, place in self.places.items() if known[:depth] == path]
        if self._below is None:
            self._below = {}
            for known, place in self.places.items():
                self._below.setdefault(known[:INDEXED], []).append((known, place))
        near = self._below.get(path[:INDEXED], ())
        return [(known, place) for known, place in near if known[:depth] == path]

    def place(self, path: DataPath) -> Place:
        """Return the file and line of a value, or of the nearest value around it."""
        for length in range(len(path), -1, -1):
            known = self.places.get(path[:length])
            if known is not None:
                return known
        return self.file, None


def read_source(path: Path) -> Source:
    """Return the data of one YAML file; raise :class:`ProfileError` for YAML that is not ours."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ProfileError(at(path, None, (error.strerror or "cannot be read").lower())) from None
    except UnicodeDecodeError as error:
        raise ProfileError(at(path, None, f"is not UTF-8 (byte {error.start})")) from None
    return _parsed(path, text)


@lru_cache(maxsize=64)
def _parsed(path: Path, text: str) -> Source:
    """Read a text once, though several profiles extend it; nobody changes a source."""
    from predeploy.app.marked_yaml import YamlProblem, load_marked

    try:
        document = load_marked(text, strict=True)
    except YamlProblem as problem:
        raise ProfileError(at(path, problem.line, problem.reason)) from None
    if not isinstance(document.data, dict):
        raise ProfileError(at(path, 1, "a profile is a mapping"))
    places: dict[DataPath, Place] = {
        tuple(part if isinstance(part, int) else str(part) for part in key): (str(path), line)
        for key, line in document.lines.items()
    }
    return Source(document.data, places, str(path))


def build_profile(chain: list[Source]) -> Profile:
    """Merge a chain of sources, base first, and return the validated profile.

    Raise :class:`ProfileError` whose message holds every problem, one a line.
    """
    from predeploy.rules.registry import load_module

    merged = chain[0]
    for source in chain[1:]:
        merged = _merge_sources(merged, source)
    module = merged.data.get("module")
    try:
        load_module(str(module)) if module else load_module("common")
    except ImportError as error:
        raise ProfileError(
            at(*merged.place(("module",)), f"cannot import module {module!r}: {error}")
        ) from None
    return _validated(merged)


def _validated(source: Source) -> Profile:
    from predeploy.profiles.conditions import parse_condition
    from predeploy.profiles.schema import validate_profile

    problems: list[str] = []

    def complain(path: DataPath, problem: str) -> None:
        problems.append(at(*source.place(path), problem))

    data = dict(source.data)
    rules = _worded(data)
    if isinstance(rules, list):
        data["rules"] = [
            {**rule, "when": parse_condition(rule["when"], ("rules", index, "when"), complain)}
            if isinstance(rule, dict) and "when" in rule
            else rule
            for index, rule in enumerate(rules)
        ]
    profile = validate_profile(data, complain)
    if profile is not None:
        _check_references(profile, complain)
    if problems or profile is None:
        raise ProfileError("\n".join(dict.fromkeys(problems)))
    return profile


def _worded(data: dict[str, Any]) -> Any:
    """Return the rules with the profile's own words (``extra: words``) in their texts.

    What a family of hosts shares can then name the file that each of them has in its place.
    """
    rules, extra = data.get("rules"), data.get("extra")
    words = extra.get("words") if isinstance(extra, dict) else None
    if not isinstance(rules, list) or not isinstance(words, dict):
        return rules

    def filled(text: Any) -> Any:
        for word, meant in words.items() if isinstance(text, str) else ():
            text = text.replace(f"{{{word}}}", str(meant))
        return text

    texts = ("headline", "message", "hint")
    return [
        {key: filled(value) if key in texts else value for key, value in rule.items()}
        if isinstance(rule, dict)
        else rule
        for rule in rules
    ]


def _check_references(profile: Profile, complain: Any) -> None:
    from predeploy.rules.registry import GRAMMARS, RECIPES, ROOTS, SELECTORS

    root = profile.upload.root
    if root is not None and root not in ROOTS:
        complain(("upload", "root"), f"unknown upload root {root!r}{suggestion(root, ROOTS)}")
    if profile.manifests.select not in SELECTORS:
        name = profile.manifests.select
        complain(("manifests", "select"), f"unknown selector {name!r}{suggestion(name, SELECTORS)}")
    for index, source in enumerate(profile.python.sources):
        if source.grammar not in GRAMMARS:
            near = suggestion(source.grammar, GRAMMARS)
            complain(("python", "sources", index, "grammar"), f"unknown grammar {source.grammar!r}{near}")
    if not profile.abstract and profile.recipe not in RECIPES:
        complain(("recipe",), f"unknown recipe {profile.recipe!r}{suggestion(str(profile.recipe), RECIPES)}")
    _check_installers(profile, complain)
    seen: set[str] = set()
    for index, rule in enumerate(profile.rules):
        if rule.id in seen:
            complain(("rules", index, "id"), f"two rules have the id {rule.id!r}")
        seen.add(rule.id)
        _check_rule(rule, index, complain)


def _check_installers(profile: Profile, complain: Any) -> None:
    from predeploy.installers import INSTALLERS

    for index, entry in enumerate(profile.manifests.accept):
        if entry.installer not in profile.installers:
            near = suggestion(entry.installer, profile.installers)
            complain(
                ("manifests", "accept", index, "installer"), f"unknown installer {entry.installer!r}{near}"
            )
    for name, declared in profile.installers.items():
        if (declared.kind or name) not in INSTALLERS:
            near = suggestion(declared.kind or name, INSTALLERS)
            complain(("installers", name), f"unknown kind of installer {declared.kind or name!r}{near}")


def _check_rule(rule: Rule, index: int, complain: Any) -> None:
    if len(rule.headline) > 60:
        complain(("rules", index, "headline"), f"headline of {len(rule.headline)} characters; 60 at most")
    if not rule.timeline:
        complain(("rules", index, "timeline"), "a rule needs at least one verdict")
    dates = [change.since for change in rule.timeline if change.since]
    if dates != sorted(set(dates)) or any(c.since is None for c in rule.timeline[1:]):
        complain(("rules", index, "timeline"), "timeline entries go from the oldest to the newest day")
    if isinstance(rule.when, Test) and rule.when.predicate == "invalid":
        return
    if "{evidence}" in rule.headline:
        complain(("rules", index, "headline"), "{evidence} belongs into the message")


def _merge_sources(base: Source, child: Source) -> Source:
    places: dict[DataPath, Place] = {(): child.place(())}
    data = _merge(base, (), child, (), (), places)
    for key in ("abstract", "extends"):
        if key not in child.data:
            data.pop(key, None)
    return Source(data, places, child.file)


def _merge(
    base: Source,
    at_base: DataPath,
    child: Source,
    at_child: DataPath,
    out: DataPath,
    places: dict[DataPath, Place],
) -> Any:
    """Merge mappings key by key, ``rules`` rule by rule; everything else is replaced by the child's."""
    ours, theirs = _value(base.data, at_base), _value(child.data, at_child)
    if out == ("rules",):
        return _merge_rules(base, child, places)
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        _copy_places(child, at_child, out, places)
        return theirs
    result: dict[str, Any] = {}
    for key in (*ours, *(key for key in theirs if key not in ours)):
        if key not in theirs:
            _copy_places(base, (*at_base, key), (*out, key), places)
            result[key] = ours[key]
        elif key not in ours:
            _copy_places(child, (*at_child, key), (*out, key), places)
            result[key] = theirs[key]
        else:
            places[(*out, key)] = child.place((*at_child, key))
            result[key] = _merge(base, (*at_base, key), child, (*at_child, key), (*out, key), places)
    return result


def _merge_rules(base: Source, child: Source, places: dict[DataPath, Place]) -> list[Any]:
    """Return the child's rules, each over the base's rule of the same id, then the base's other rules."""
    known = {rule["id"]: index for index, rule in enumerate(base.data["rules"])}
    result: list[Any] = []
    taken: set[str] = set()
    for index, rule in enumerate(child.data["rules"]):
        out: DataPath = ("rules", len(result))
        _copy_places(child, ("rules", index), out, places)
        identity = rule.get("id") if isinstance(rule, dict) else None
        if isinstance(identity, str) and identity in known:
            taken.add(identity)
            rule = {**base.data["rules"][known[identity]], **rule}
        result.append(rule)
    for index, rule in enumerate(base.data["rules"]):
        if rule["id"] not in taken:
            _copy_places(base, ("rules", index), ("rules", len(result)), places)
            result.append(rule)
    return result


def _value(data: Any, path: DataPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _copy_places(source: Source, from_: DataPath, to: DataPath, places: dict[DataPath, Place]) -> None:
    places[to] = source.place(from_)
    for path, place in source.below(from_):
        places[(*to, *path[len(from_) :])] = place


def profile_from(files: Mapping[str, Path], name: str) -> Profile:
    """Return the profile ``name``, following ``extends`` through the given files."""
    return build_profile(source_chain(files, name))


def source_chain(files: Mapping[str, Path], name: str) -> list[Source]:
    """Return the sources a profile is made of, base first."""
    chain: list[Source] = []
    seen: list[Path] = []
    path: Path | None = files[name]
    while path is not None:
        seen.append(path)
        source = read_source(path)
        chain.insert(0, source)
        base = source.data.get("extends")
        path = None
        if base is not None:
            path = base_file(files, str(base), seen)
            if path is None:
                near = suggestion(str(base), files)
                raise ProfileError(at(*source.place(("extends",)), f"extends unknown profile {base!r}{near}"))
            if path in seen:
                raise ProfileError(at(*source.place(("extends",)), "extends itself"))
    return chain
