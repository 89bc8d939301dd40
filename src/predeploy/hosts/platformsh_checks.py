"""Validation of one application of a Platform.sh project: every key, in the order of its documentation.

Each function yields what is wrong below one key. Where several reason ids fit, the narrowest is given;
``config-value-type`` and ``config-key-unknown`` are for what has no id of its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from predeploy.app.tree import Tree
from predeploy.hosts.platformsh_config import App, ConfigProblem, Part
from predeploy.lazy import pattern
from predeploy.record import field, record

Problems = Iterator[ConfigProblem]

NAME = pattern(r"[a-z0-9][a-z0-9_-]*")
MINIMUM_DISK = 128
CRON_LIMIT_SECONDS = 86_400
SIZES = ("AUTO", "XS", "S", "M", "L", "XL", "2XL", "4XL")
ROLES = ("admin", "contributor", "viewer")
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
LEGACY_WEB = (
    *("document_root", "passthru", "index_files", "whitelist", "blacklist", "expires", "move_to_root"),
)
WEB_KEYS = (*PER_INSTANCE, *LEGACY_WEB, "commands", "upstream", "locations")
LOCATION_KEYS = (
    *("root", "passthru", "index", "expires", "allow", "scripts", "headers", "rules", "request_buffering"),
)
NOT_FOR_WORKERS = ("build", "dependencies", "crons", "hooks")


@record
class Facts:
    """What the vendor's registry holds on the day, from the profile."""

    runtimes: tuple[str, ...]
    pythons: frozenset[str]
    channels: tuple[str, ...]
    mount_sources: tuple[str, ...]
    storage: int | None = None
    """Storage of the plan in MB, where it is known."""
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Service images with their default endpoint and smallest disk."""
    service_status: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """``image:version`` by the registry's word for it."""


def check_app(app: App, facts: Facts, tree: Tree) -> Problems:
    """Yield what is wrong with one application, cross-references aside."""
    yield from _top_keys(app.part)
    yield from _name(app)
    yield from _type(app, facts)
    yield from _source(app, tree)
    for key in ("web", "workers"):
        instances = [app.part.get(key)] if key == "web" else [part for _, part in app.part.get(key).entries()]
        for instance in instances:
            yield from _instance(instance)
    yield from _instance(app.part)
    yield from _web(app.part.get("web"))
    yield from _workers(app.part.get("workers"))
    yield from _build(app.part.get("build"))
    yield from _dependencies(app.part.get("dependencies"))
    yield from _hooks(app.part.get("hooks"))
    yield from _crons(app.part.get("crons"))
    yield from _rest(app.part)


def unknown_keys(part: Part, known: Collection[str]) -> Problems:
    """Yield a problem for every key that is none of the known ones."""
    for key, value in part.entries():
        if key not in known:
            yield value.says("config-key-unknown", value.name, known)


def wrong_type(part: Part, kind: type | tuple[type, ...], wanted: str) -> Problems:
    """Yield a problem where there is a value and it is of another type; booleans are no numbers."""
    value = part.data
    number = (
        isinstance(value, bool) and kind is not bool and bool not in (kind if type(kind) is tuple else ())
    )
    if value is not None and (number or not isinstance(value, kind)):
        yield part.says("config-value-type", f"{part.name} is not {wanted}")


def one_of(part: Part, allowed: Collection[str], id_: str) -> Problems:
    """Yield a problem where there is a value outside the allowed ones."""
    if part.data is not None and part.data not in allowed:
        yield part.says(id_, f"{part.name} is none of {', '.join(allowed)}: {part.data!r}"[:200], allowed)


def _top_keys(part: Part) -> Problems:
    for key, value in part.entries():
        if key not in TOP_KEYS:
            yield value.says("unknown-top-level-key", key, TOP_KEYS)
        elif key in MAPPINGS:
            yield from wrong_type(value, dict, "a mapping")
    yield from wrong_type(part.get("timezone"), str, "a text")
    yield from wrong_type(part.get("container_profile"), str, "a text")


def _name(app: App) -> Problems:
    part = app.part.get("name")
    if not app.name:
        yield app.part.says("app-name-missing", "the application has no name")
    elif not isinstance(part.data, str | None) or not NAME.fullmatch(app.name):
        yield part.says("app-name-invalid", repr(app.name))
    elif not app.name.isalnum():
        yield part.says("app-name-unusual", repr(app.name))


def _type(app: App, facts: Facts) -> Problems:
    part = app.part.get("type")
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
    if app.runtime == "composable":
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


def _instance(part: Part) -> Problems:
    """Yield what is wrong with the keys that the app, ``web`` and each worker may carry."""
    yield from one_of(part.get("size"), SIZES, "size-invalid")
    yield from _disk(part.get("disk"))
    yield from _access(part.get("access"))
    yield from _variables(part.get("variables"))
    yield from _firewall(part.get("firewall"))


def _disk(part: Part) -> Problems:
    if part.data is None:
        return
    if not isinstance(part.data, int) or isinstance(part.data, bool):
        yield part.says("disk-invalid", f"disk: {part.data!r}")
    elif part.data < MINIMUM_DISK:
        yield part.says("disk-too-small", f"disk: {part.data}")


def _access(part: Part) -> Problems:
    yield from unknown_keys(part, ("ssh",))
    yield from one_of(part.get("ssh"), ROLES, "access-role-invalid")


def _variables(part: Part) -> Problems:
    for prefix, values in part.entries():
        if isinstance(values.data, list):
            yield values.says("config-value-type", f"{values.name} is not a mapping")
        elif values.data is not None and not isinstance(values.data, dict):
            yield values.says("variables-without-prefix", prefix)
        for name, value in values.entries():
            if isinstance(value.data, float) and name.upper().endswith("VERSION"):
                yield value.says("unquoted-version-number", f"{value.name} is the number {value.data}")


def _firewall(part: Part) -> Problems:
    yield from unknown_keys(part, ("outbound",))
    outbound = part.get("outbound")
    yield from wrong_type(outbound, list, "a list of rules")
    for index, _ in enumerate(outbound.data if isinstance(outbound.data, list) else ()):
        rule = Part(part.file, outbound.data[index], part.document, (*outbound.at, index))
        yield from wrong_type(rule, dict, "a mapping")
        yield from unknown_keys(rule, ("protocol", "ips", "domains", "ports"))
        yield from one_of(rule.get("protocol"), ("tcp",), "protocol-invalid")
        if rule.get("ips").data and rule.get("domains").data:
            yield rule.says("firewall-ips-and-domains", f"rule {index + 1}")


def _web(part: Part) -> Problems:
    yield from unknown_keys(part, WEB_KEYS)
    commands, upstream = part.get("commands"), part.get("upstream")
    yield from wrong_type(commands, dict, "a mapping")
    yield from unknown_keys(commands, ("start", "pre_start", "post_start"))
    for _, command in commands.entries():
        yield from wrong_type(command, str, "a text")
    yield from wrong_type(upstream, dict, "a mapping")
    yield from unknown_keys(upstream, ("socket_family", "protocol"))
    yield from one_of(upstream.get("socket_family"), ("tcp", "unix"), "socket-family-invalid")
    yield from one_of(upstream.get("protocol"), ("http", "fastcgi"), "protocol-invalid")
    yield from _locations(part.get("locations"))
    legacy = [value for key, value in part.entries() if key in LEGACY_WEB]
    if legacy and part.get("locations").data is not None:
        yield legacy[0].says("web-legacy-and-locations", legacy[0].name)


def _locations(part: Part) -> Problems:
    yield from wrong_type(part, dict, "a mapping")
    for _, location in part.entries():
        yield from wrong_type(location, dict, "a mapping")
        yield from unknown_keys(location, LOCATION_KEYS)
        yield from wrong_type(location.get("passthru"), (bool, str), "true, false or a path")
        yield from wrong_type(location.get("allow"), bool, "true or false")
        yield from wrong_type(location.get("scripts"), bool, "true or false")
        yield from wrong_type(location.get("index"), list, "a list")
        yield from wrong_type(location.get("headers"), dict, "a mapping")
        yield from wrong_type(location.get("rules"), dict, "a mapping")


def _workers(part: Part) -> Problems:
    for name, worker in part.entries():
        yield from wrong_type(worker, dict, "a mapping")
        if not isinstance(worker.get("commands", "start").data, str):
            yield worker.says("worker-commands-missing", name)
        known = [key for key in (*TOP_KEYS, "commands") if key not in NOT_FOR_WORKERS]
        yield from unknown_keys(worker, known)
        yield from unknown_keys(worker.get("commands"), ("start", "pre_start", "post_start"))


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


def _crons(part: Part) -> Problems:
    for name, cron in part.entries():
        yield from wrong_type(cron, dict, "a mapping")
        yield from unknown_keys(cron, ("spec", "commands", "cmd", "shutdown_timeout", "timeout"))
        if not cron.get("spec").data:
            yield cron.says("cron-spec-missing", name)
        if not (cron.get("commands", "start").data or cron.get("cmd").data):
            yield cron.says("cron-commands-missing", name)
        timeout = cron.get("timeout")
        if isinstance(timeout.data, int) and timeout.data > CRON_LIMIT_SECONDS:
            yield timeout.says("cron-timeout-too-large", f"{name}: {timeout.data} s")


def _rest(part: Part) -> Problems:
    for _, operation in part.get("operations").entries():
        yield from one_of(operation.get("role"), ROLES, "access-role-invalid")
    preflight = part.get("preflight")
    yield from unknown_keys(preflight, ("enabled", "ignored_rules"))
    yield from wrong_type(preflight.get("enabled"), bool, "true or false")


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
