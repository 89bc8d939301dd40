"""Validation of one application of a Platform.sh project: every key, in the order of its documentation.

Each function yields what is wrong below one key. Where several reason ids fit, the narrowest is given;
``config-value-type`` and ``config-key-unknown`` are for what has no id of its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from typing import Any

from predeploy.app.tree import Tree
from predeploy.hosts.platformsh_config import App, Part
from predeploy.hosts.platformsh_keys import (
    Problems,
    check_commands,
    check_instance,
    check_locations,
    check_rest,
    one_of,
    unknown_keys,
    wrong_type,
)
from predeploy.lazy import pattern
from predeploy.record import field, record

NAME = pattern(r"[a-z0-9][a-z0-9_-]*")
MINIMUM_DISK = 128
SIZES = ("AUTO", "XS", "S", "M", "L", "XL", "2XL", "4XL")
LANGUAGES = ("php", "python", "python2", "python3", "ruby", "nodejs")
SINGLE_RUNTIME_KEYS = ("build", "dependencies", "runtime")

MAPPINGS = (
    *("resources", "relationships", "mounts", "web", "workers", "access", "variables", "firewall", "build"),
    *("dependencies", "hooks", "crons", "source", "runtime", "additional_hosts", "operations", "preflight"),
)
PER_INSTANCE = (
    *("size", "container_profile", "resources", "disk", "relationships", "mounts", "access", "variables"),
    *("firewall", "additional_hosts"),
)
TOP_KEYS = (*MAPPINGS, "name", "type", "size", "container_profile", "disk", "timezone", "stack")
UNDOCUMENTED = ("egress", "authorizations", "image", "endpoints")
"""What the vendor's model of a deployed app has, and its documentation has not."""
LEGACY_WEB = (
    *("document_root", "passthru", "index_files", "whitelist", "blacklist", "expires", "move_to_root"),
)
WEB_KEYS = (*PER_INSTANCE, *LEGACY_WEB, "commands", "upstream", "locations")
NOT_FOR_WORKERS = ("build", "dependencies", "crons", "hooks")


@record
class Facts:
    """What the vendor's registry holds on the day, from the profile."""

    runtimes: tuple[str, ...]
    pythons: frozenset[str]
    channels: tuple[str, ...]
    mount_sources: tuple[str, ...]
    commands: tuple[str, ...] = ("start", "pre_start", "post_start")
    """Keys of ``web.commands``."""
    short_relationships: bool = True
    """Whether a relationship may be left empty or be a mapping."""
    source_path_optional: bool = True
    storage: int | None = None
    """Storage of the plan in MB, where it is known."""
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Service images with their default endpoint and smallest disk."""
    service_status: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``image:version`` by the registry's word for it."""
    upsun: bool = False
    """Whether the product is Upsun."""
    unread: tuple[str, ...] = ()
    """Keys that the product knows and does not read."""


def check_app(app: App, facts: Facts, tree: Tree) -> Problems:
    """Yield what is wrong with one application, cross-references aside."""
    yield from _top_keys(app.part)
    yield from _name(app, facts)
    yield from _type(app, facts)
    yield from _source(app, tree)
    for key in ("web", "workers"):
        instances = [app.part.get(key)] if key == "web" else [part for _, part in app.part.get(key).entries()]
        for instance in instances:
            yield from _instance(instance, facts)
    yield from _instance(app.part, facts)
    yield from _web(app.part.get("web"), facts)
    yield from _workers(app.part.get("workers"), facts)
    yield from _build(app.part.get("build"))
    yield from _dependencies(app.part.get("dependencies"))
    yield from _hooks(app.part.get("hooks"))
    yield from check_rest(app.part)


def _top_keys(part: Part) -> Problems:
    for key, value in part.entries():
        if key in UNDOCUMENTED:
            yield value.says("undocumented-key", key)
        elif key not in TOP_KEYS:
            yield value.says("unknown-top-level-key", key, TOP_KEYS)
        elif key in MAPPINGS:
            yield from wrong_type(value, dict, "a mapping")


def _name(app: App, facts: Facts) -> Problems:
    part = app.part if facts.upsun else app.part.get("name")
    if not app.name:
        yield app.part.says("app-name-missing", "the application has no name")
    elif not (facts.upsun or isinstance(part.data, str | None)) or not NAME.fullmatch(app.name):
        yield part.says("app-name-invalid", repr(app.name))
    elif not app.name.isalnum():
        yield part.says("app-name-unusual", repr(app.name))


def _type(app: App, facts: Facts) -> Problems:
    part = app.part.get("type")
    stack = app.part.get("stack").data
    if part.data in (None, "") and stack is not None and facts.upsun:
        return
    if part.data in (None, ""):
        yield app.part.says("app-type-missing", f"{app.name or 'the application'} has no type")
    elif not isinstance(part.data, str):
        yield part.says("config-value-type", f"type: {part.data!r} is not a text such as python:3.13")
    elif app.runtime not in facts.runtimes:
        yield part.says("type-unknown-runtime", repr(app.runtime), facts.runtimes)
    elif not app.version:
        yield part.says("type-version-missing", repr(part.data))
    else:
        known: Collection[str] | None = {"python": facts.pythons, "composable": facts.channels}.get(
            app.runtime
        )
        if known is not None and app.version not in known:
            yield part.says("type-unknown-version", repr(part.data))
    if app.runtime == "composable" or stack is not None:
        for key in SINGLE_RUNTIME_KEYS:
            if app.part.get(key).data is not None:
                yield app.part.get(key).says("composable-with-dependencies", f"{key} beside {part.data}")


def _source(app: App, tree: Tree) -> Problems:
    source = app.part.get("source")
    root = source.get("root")
    yield from unknown_keys(source, ("root", "operations"))
    yield from wrong_type(root, str, "a directory's path")
    if isinstance(root.data, str) and app.root and not tree.is_dir(app.root):
        yield root.says("source-root-not-a-directory", root.data)
    if app.listed and root.data is None:
        yield app.part.says("source-root-defaulted", f"{app.name} has no source.root")
    for name, operation in source.get("operations").entries():
        if not isinstance(operation.get("command").data, str):
            yield operation.says("source-operation-command-missing", name)


def unread(part: Part, facts: Facts) -> Problems:
    """Yield the keys that the product knows and does not read."""
    for key in facts.unread:
        if part.get(key).data is not None:
            yield part.get(key).says("upsun-resources-ignored", part.get(key).name)


def _instance(part: Part, facts: Facts) -> Problems:
    """Yield what is wrong with the keys that the app, ``web`` and each worker may carry."""
    if facts.unread:
        yield from unread(part, facts)
    else:
        yield from one_of(part.get("size"), SIZES, "size-invalid")
        yield from _disk(part.get("disk"))
    yield from check_instance(part, reads_resources=not facts.unread)
    yield from _variables(part.get("variables"))


def _disk(part: Part) -> Problems:
    if part.data is None:
        return
    if not isinstance(part.data, int) or isinstance(part.data, bool):
        yield part.says("disk-invalid", f"disk: {part.data!r}")
    elif part.data < MINIMUM_DISK:
        yield part.says("disk-too-small", f"disk: {part.data}")


def _variables(part: Part) -> Problems:
    for prefix, values in part.entries():
        if isinstance(values.data, list):
            yield values.says("config-value-type", f"{values.name} is not a mapping")
        elif values.data is not None and not isinstance(values.data, dict):
            yield values.says("variables-without-prefix", prefix)
        for name, value in values.entries():
            if isinstance(value.data, float) and name.upper().endswith("VERSION"):
                yield value.says("unquoted-version-number", f"{value.name} is the number {value.data}")


def _web(part: Part, facts: Facts) -> Problems:
    yield from unknown_keys(part, WEB_KEYS)
    commands, upstream = part.get("commands"), part.get("upstream")
    yield from check_commands(commands, facts.commands)
    yield from wrong_type(upstream, dict, "a mapping")
    yield from unknown_keys(upstream, ("socket_family", "protocol"))
    yield from one_of(upstream.get("socket_family"), ("tcp", "unix"), "socket-family-invalid")
    yield from one_of(upstream.get("protocol"), ("http", "fastcgi"), "protocol-invalid")
    yield from check_locations(part.get("locations"))
    legacy = [value for key, value in part.entries() if key in LEGACY_WEB]
    if legacy and part.get("locations").data is not None:
        yield legacy[0].says("web-legacy-and-locations", legacy[0].name)


def _workers(part: Part, facts: Facts) -> Problems:
    for name, worker in part.entries():
        yield from wrong_type(worker, dict, "a mapping")
        if not isinstance(worker.get("commands", "start").data, str):
            yield worker.says("worker-commands-missing", name)
        known = [key for key in (*TOP_KEYS, "commands") if key not in NOT_FOR_WORKERS]
        yield from unknown_keys(worker, known)
        yield from check_commands(worker.get("commands"), facts.commands)


def _build(part: Part) -> Problems:
    yield from unknown_keys(part, ("flavor", "caches"))
    flavor = part.get("flavor")
    yield from wrong_type(flavor, str, "a text")
    if isinstance(flavor.data, str) and flavor.data != "none":
        yield flavor.says("build-flavor-unknown", repr(flavor.data))


def _dependencies(part: Part) -> Problems:
    for language, packages in part.entries():
        if language not in LANGUAGES:
            yield packages.says("dependencies-unknown-language", language, LANGUAGES)
            continue
        yield from wrong_type(packages, dict, "a mapping of packages to versions")
        if language in ("python", "python2"):
            yield packages.says("python2-dependencies-key", language)
        for package, version in packages.entries():
            yield from _dependency(language, package, version)


def _dependency(language: str, package: str, version: Part) -> Problems:
    if isinstance(version.data, float):
        yield version.says("unquoted-version-number", f"{package} is asked for as {version.data}")
    if version.data in (None, "*"):
        yield version.says("unpinned-global-dependency", package)
    elif language == "python3" and isinstance(version.data, str) and re.match(r"[~^]", version.data):
        yield version.says("global-dependency-version-doubtful", f"{package}: {version.data}")


def _hooks(part: Part) -> Problems:
    yield from unknown_keys(part, ("build", "deploy", "post_deploy"))
    for name, hook in part.entries():
        if hook.data is not None and not isinstance(hook.data, str):
            yield hook.says("hook-not-a-string", name)


def check_folders(app: App, tree: Tree) -> Problems:
    """Yield where the configuration and the app's own directories do not fit together."""
    for path, mount in app.part.get("mounts").entries():
        folder = posixpath.join(app.root, path.strip("/"))
        if path.strip("/") and tree.is_dir(folder) and tree.names(folder):
            yield mount.says("mount-overlaps-folder", f"{folder} is not empty")
    mounts = tuple(f"{path.strip('/')}/" for path, _ in app.part.get("mounts").entries())
    hook = app.text("hooks", "build") or ""
    for url, location in app.part.get("web", "locations").entries():
        root = location.get("root").data
        if not isinstance(root, str) or not root.strip("/"):
            continue
        below = root.strip("/")
        made = (
            below in hook or "collectstatic" in hook or any(f"{below}/".startswith(f"{m}/") for m in mounts)
        )
        if not made and not tree.is_dir(posixpath.join(app.root, below)):
            yield location.get("root").says("web-location-root-missing", f"{url}: {root}")
