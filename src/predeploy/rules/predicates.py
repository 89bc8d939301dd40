"""The common vocabulary of static conditions.

Each function takes the case and typed keyword arguments; in a profile a single argument may be written
without its name (``path_exists: Procfile``).
"""

from __future__ import annotations

from typing import Literal

from predeploy.model.conditions import Match, Outcome, Unknown, found, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

Words = str | tuple[str, ...]


def words(value: Words) -> tuple[str, ...]:
    """Return one word or several as a tuple."""
    return (value,) if isinstance(value, str) else value


def named(case: Case, paths: Words | None, names_from: str | None) -> tuple[str, ...]:
    """Return the given names, or the members of one of the profile's lists."""
    if names_from is not None:
        return case.snapshot.lists.get(names_from, ())
    return words(paths or ())


@predicate("path_exists")
def path_exists(case: Case, *, paths: Words | None = None, names_from: str | None = None) -> Outcome:
    """Match when any of the paths is there, as a file or a directory."""
    present = [path for path in named(case, paths, names_from) if case.tree.exists(path)]
    return matched(bool(present), *(Evidence(path=path) for path in present))


@predicate("file_exists")
def file_exists(case: Case, *, paths: Words | None = None, names_from: str | None = None) -> Outcome:
    """Match when any of the paths is a regular file, or a link to one."""
    present = [path for path in named(case, paths, names_from) if case.tree.is_file(path)]
    return matched(bool(present), *(Evidence(path=path) for path in present))


@predicate("dir_exists")
def dir_exists(case: Case, *, paths: Words | None = None, names_from: str | None = None) -> Outcome:
    """Match when any of the paths is a directory, or a link to one."""
    present = [path for path in named(case, paths, names_from) if case.tree.is_dir(path)]
    return matched(bool(present), *(Evidence(path=path) for path in present))


@predicate("empty_tree")
def empty_tree(case: Case) -> Outcome:
    """Match when the host would receive nothing at all."""
    return matched(not case.tree.names())


@predicate("selection_problem")
def selection_problem(case: Case, *, kinds: Words) -> Outcome:
    """Match when no manifest could be chosen for one of these reasons."""
    return matched(case.selection.problem in words(kinds), *map(_place, case.selection.candidates))


@predicate("manifest_count")
def manifest_count(case: Case, *, min: int) -> Outcome:  # noqa: A002 - the word profiles use
    """Match when at least ``min`` accepted manifests are there."""
    candidates = case.selection.candidates
    return matched(len(candidates) >= min, *map(_place, candidates), detail=", ".join(candidates))


@predicate("ignored_manifests")
def ignored_manifests(case: Case) -> Outcome:
    """Match when manifests lie there that do not count, because another won."""
    ignored = case.selection.ignored
    return matched(bool(ignored), *map(_place, ignored))


@predicate("installer_is")
def installer_is(case: Case, *, names: Words) -> Outcome:
    """Match when one of these installers was chosen."""
    return matched(case.selection.installer in words(names))


@predicate("selected_manifest")
def selected_manifest(case: Case, *, names: Words) -> Outcome:
    """Match when the manifest that won has one of these file names."""
    manifest = case.selection.manifest
    return matched(manifest is not None and manifest.rsplit("/", 1)[-1] in words(names))


@predicate("python_origin")
def python_origin(case: Case, *, origins: Words) -> Outcome:
    """Match when the Python version came from one of these places."""
    return matched(case.python.origin in words(origins), *case.python.evidence, detail=case.python.requested)


@predicate("python_problem")
def python_problem(case: Case, *, kinds: Words) -> Outcome:
    """Match when the choice of Python failed for one of these reasons."""
    return matched(case.python.problem in words(kinds), *case.python.evidence, detail=case.python.detail)


@predicate("python_matches")
def python_matches(case: Case, *, specifier: str) -> Outcome:
    """Match when the resolved Python fits a PEP 440 specifier, or its minor equals a plain ``3.10``."""
    resolved = case.python.resolved
    if resolved is None:
        return matched(False)
    if specifier[:1].isdigit():
        return matched(case.python.minor == specifier, *case.python.evidence, detail=resolved)
    from packaging.specifiers import SpecifierSet

    return matched(resolved in SpecifierSet(specifier), *case.python.evidence, detail=resolved)


@predicate("python_status")
def python_status(case: Case, *, words_: Words) -> Outcome:
    """Match when the host calls the chosen minor one of these words (``deprecated``, ``retired`` …)."""
    status = case.snapshot.python_status.get(case.python.minor or "")
    return matched(status in words(words_), *case.python.evidence, detail=case.python.minor)


@predicate("python_patch_outdated")
def python_patch_outdated(case: Case) -> Outcome:
    """Match when a full version is asked for and the host has a newer patch of that minor."""
    from predeploy.rules.choice import numbers, span

    choice = case.python
    newest = case.snapshot.releases.get(choice.minor or "")
    if newest is None or choice.resolved is None:
        return matched(False)
    low, high = span(newest)
    if low and numbers(choice.resolved) < numbers(low):
        return Match(choice.evidence, f"{choice.resolved}, the newest is {low if low == high else newest}")
    if low == high or numbers(choice.resolved) >= numbers(high):
        return matched(False)
    return Unknown(f"which patch was the newest of {choice.minor} on that day is not recorded")


@predicate("setting_is")
def setting_is(case: Case, *, key: str, values: Words) -> Outcome:
    """Match when a host setting has one of these values."""
    return matched(case.setting(key) in words(values), detail=case.setting(key))


@predicate("setting_in_list")
def setting_in_list(case: Case, *, key: str, list: str) -> Outcome:  # noqa: A002 - the word profiles use
    """Match when a host setting is a member of one of the profile's lists of the day."""
    value = case.setting(key)
    return matched(value is not None and value in case.snapshot.lists.get(list, ()), detail=value)


@predicate("setting_given")
def setting_given(case: Case, *, key: str) -> Outcome:
    """Match when a host setting has a value at all."""
    return matched(bool(case.setting(key)), detail=case.setting(key))


@predicate("env_set")
def env_set(case: Case, *, names: Words | None = None, names_from: str | None = None) -> Outcome:
    """Match when one of these variables is declared, even if empty."""
    present = [name for name in named(case, names, names_from) if name in case.env]
    return matched(bool(present), detail=", ".join(present))


@predicate("env_is")
def env_is(case: Case, *, name: str, values: Words) -> Outcome:
    """Match when a declared variable has one of these values."""
    return matched(case.env.get(name) in words(values), detail=case.env.get(name))


@predicate("requires")
def requires(case: Case, *, names: Words) -> Outcome:
    """Match when the selected requirements file names one of these distributions, includes read."""
    from predeploy.app.requirements import read_requirements

    manifest = case.selection.manifest
    if manifest is None or not manifest.endswith(".txt"):
        return matched(False)
    requirements = case.once(f"requirements:{manifest}", lambda: read_requirements(case.tree, manifest))
    wanted = set(words(names))
    lines = [line for line in requirements.lines if line.name in wanted and not line.constraint]
    return matched(bool(lines), *(Evidence(path=x.path, line=x.line, text=x.text) for x in lines))


@predicate("parse_error")
def parse_error(case: Case, *, file: str, format: Literal["toml", "json"]) -> Outcome:  # noqa: A002
    """Match when a file is there and is not valid TOML or JSON."""
    if not case.tree.is_file(file):
        return matched(False)
    if format == "toml":
        from predeploy.app.toml import read_toml

        problem = read_toml(case.tree, file).problem
    else:
        from predeploy.app.jsonfile import read_json

        problem = read_json(case.tree, file).problem
    if problem is None:
        return matched(False)
    return found(file, problem.line, problem.reason)


@predicate("unreadable")
def unreadable(case: Case, *, paths: Words | None = None, names_from: str | None = None) -> Outcome:
    """Unknown when a file the decision rests on is there and cannot be read on this machine."""
    from predeploy.app.tree import Unreadable

    selected = case.selection.manifest
    for path in (*named(case, paths, names_from), *((selected,) if selected else ())):
        if not case.tree.is_file(path):
            continue
        try:
            case.tree.read(path)
        except Unreadable as error:
            return Unknown(f"{error.path}: {error.reason}")
    return matched(False)


@predicate("outward_links")
def outward_links(case: Case) -> Outcome:
    """Match when symlinks of the root lead out of the app or nowhere."""
    links = list(case.tree.links())
    return matched(bool(links), *(Evidence(path=path, text=f"-> {target}") for path, target in links))


@predicate("remark")
def remark(case: Case, *, kind: str) -> Outcome:
    """Match when reading the directory left a remark of this kind, such as files git does not track."""
    texts = [text for word, text in case.remarks if word == kind]
    return matched(bool(texts), *(Evidence(path=text) for text in texts))


def _place(path: str) -> Evidence:
    return Evidence(path=path)


@predicate("python_minor_in_list")
def python_minor_in_list(case: Case, *, list: str) -> Outcome:  # noqa: A002 - the word profiles use
    """Match when the chosen minor is a member of one of the profile's lists of the day."""
    minor = case.python.minor
    return matched(minor in case.snapshot.lists.get(list, ()), *case.python.evidence, detail=minor)
