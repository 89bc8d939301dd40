"""Validation of the keys of an application that have types of their own: web, crons, operations, firewall."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from predeploy.hosts.platformsh_config import ConfigProblem, Part
from predeploy.lazy import pattern

Problems = Iterator[ConfigProblem]

CRON_LIMIT_SECONDS = 86_400
LEAST_RESOURCES = {"base_memory": 64, "memory_ratio": 128}
PROFILES = ("HIGH_CPU", "BALANCED", "HIGH_MEMORY", "HIGHER_MEMORY")
ROLES = ("admin", "contributor", "viewer")
LOCATION_KEYS = (
    *("root", "passthru", "index", "expires", "allow", "scripts", "headers", "rules", "request_buffering"),
)
RULE_KEYS = ("passthru", "expires", "allow", "scripts", "headers")
TIME_ZONE = pattern(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
EXPIRES = pattern(r"-1|0|\d+(?:ms|s|m|h|d|w|M|y)?|epoch|max|off")
ADDRESS = pattern(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]+")
CRON_FIELDS = pattern(r"(?:@\w+|\S+(?:\s+\S+){4})")


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
    if part.data is not None and (not isinstance(part.data, str) or part.data not in allowed):
        shown = f"{part.name} is none of {', '.join(allowed)}: {part.data!r}"[:200]
        yield part.says(id_, shown, allowed)


def shaped(part: Part, shape: re.Pattern[str], wanted: str) -> Problems:
    """Yield a problem where there is a value and it is no text or number of that shape."""
    data = part.data
    text = str(data) if isinstance(data, str | int) and not isinstance(data, bool) else ""
    if data is not None and not shape.fullmatch(text.strip()):
        yield part.says("config-value-type", f"{part.name} is not {wanted}")


def members(part: Part) -> Iterator[Part]:
    """Yield the members of a list."""
    for index, member in enumerate(part.data if isinstance(part.data, list) else ()):
        yield Part(part.file, member, part.document, (*part.at, index))


# --- what the app, web and each worker may carry -------------------------------------------------------


def check_instance(part: Part, *, reads_resources: bool) -> Problems:
    """Yield what is wrong with access, firewall, hosts and resources of one instance."""
    yield from unknown_keys(part.get("access"), ("ssh",))
    yield from one_of(part.get("access", "ssh"), ROLES, "access-role-invalid")
    yield from _firewall(part.get("firewall"))
    yield from one_of(part.get("container_profile"), PROFILES, "config-value-type")
    for _, address in part.get("additional_hosts").entries():
        yield from shaped(address, ADDRESS, "an IP address")
    resources = part.get("resources")
    if reads_resources:
        yield from unknown_keys(resources, tuple(LEAST_RESOURCES))
        for key, least in LEAST_RESOURCES.items():
            yield from wrong_type(resources.get(key), int, "a whole number")
            value = resources.get(key).data
            if isinstance(value, int) and not isinstance(value, bool) and value < least:
                yield resources.get(key).says("config-value-type", f"{key} is below {least}")


def _firewall(part: Part) -> Problems:
    yield from unknown_keys(part, ("outbound",))
    yield from wrong_type(part.get("outbound"), list, "a list of rules")
    for number, rule in enumerate(members(part.get("outbound")), start=1):
        yield from wrong_type(rule, dict, "a mapping")
        yield from unknown_keys(rule, ("protocol", "ips", "domains", "ports"))
        yield from one_of(rule.get("protocol"), ("tcp",), "protocol-invalid")
        for key in ("ips", "domains", "ports"):
            yield from wrong_type(rule.get(key), list, "a list")
        if rule.data == {}:
            yield rule.says("config-value-type", f"rule {number} says nothing")
        if rule.get("ips").data and rule.get("domains").data:
            yield rule.says("firewall-ips-and-domains", f"rule {number}")


# --- web ----------------------------------------------------------------------------------------------


def check_locations(part: Part) -> Problems:
    """Yield what is wrong with ``web.locations``."""
    yield from wrong_type(part, dict, "a mapping")
    for path, location in part.entries():
        if not path.startswith("/"):
            yield location.says("config-key-unknown", f"the location {path!r} does not begin with a slash")
        yield from wrong_type(location, dict, "a mapping")
        yield from unknown_keys(location, LOCATION_KEYS)
        yield from wrong_type(location.get("root"), str, "a directory's path")
        yield from wrong_type(location.get("index"), list, "a list")
        yield from wrong_type(location.get("rules"), dict, "a mapping")
        yield from _served(location)
        for _, rule in location.get("rules").entries():
            yield from wrong_type(rule, dict, "a mapping")
            yield from unknown_keys(rule, RULE_KEYS)
            yield from _served(rule)
        yield from _buffering(location.get("request_buffering"))


def _served(part: Part) -> Problems:
    """Yield about the keys that a location and its rules share."""
    yield from wrong_type(part.get("passthru"), (bool, str), "true, false or a path")
    yield from wrong_type(part.get("allow"), bool, "true or false")
    yield from wrong_type(part.get("scripts"), (bool, str), "true or false")
    yield from wrong_type(part.get("headers"), dict, "a mapping")
    yield from shaped(part.get("expires"), EXPIRES, "a time such as 1h or 300s")


def _buffering(part: Part) -> Problems:
    yield from wrong_type(part, dict, "a mapping")
    yield from unknown_keys(part, ("enabled", "max_request_size"))
    yield from wrong_type(part.get("enabled"), bool, "true or false")
    yield from wrong_type(part.get("max_request_size"), (str, int), "a size such as 250m")


# --- what the app alone carries ------------------------------------------------------------------------


def check_rest(part: Part) -> Problems:
    """Yield what is wrong with crons, operations, build caches, preflight and the time zone."""
    yield from shaped(part.get("timezone"), TIME_ZONE, "the name of a time zone")
    yield from _caches(part.get("build", "caches"))
    for name, cron in part.get("crons").entries():
        yield from _cron(name, cron)
    for name, operation in part.get("operations").entries():
        yield from wrong_type(operation, dict, "a mapping")
        yield from unknown_keys(operation, ("commands", "role", "timeout"))
        yield from _commands(operation.get("commands"), ("start", "stop"))
        if not isinstance(operation.get("commands", "start").data, str):
            yield operation.says("config-value-type", f"the operation {name} has no commands.start")
        yield from one_of(operation.get("role"), ROLES, "access-role-invalid")
        yield from wrong_type(operation.get("timeout"), int, "a number of seconds")
    preflight = part.get("preflight")
    yield from unknown_keys(preflight, ("enabled", "ignored_rules"))
    yield from wrong_type(preflight.get("enabled"), bool, "true or false")
    yield from wrong_type(preflight.get("ignored_rules"), list, "a list")


def _commands(part: Part, known: Collection[str]) -> Problems:
    yield from wrong_type(part, dict, "a mapping")
    yield from unknown_keys(part, known)
    for _, command in part.entries():
        yield from wrong_type(command, str, "a text")


def check_commands(part: Part, known: Collection[str]) -> Problems:
    """Yield what is wrong with the ``commands`` of ``web`` or a worker."""
    yield from _commands(part, known)


def _caches(part: Part) -> Problems:
    yield from wrong_type(part, dict, "a mapping")
    for name, cache in part.entries():
        yield from wrong_type(cache, dict, "a mapping")
        yield from unknown_keys(cache, ("watch", "directory", "allow_stale", "share_between_apps"))
        if not isinstance(cache.get("watch").data, list):
            yield cache.says("config-value-type", f"the cache {name} has no list watch")


def _cron(name: str, cron: Part) -> Problems:
    yield from wrong_type(cron, dict, "a mapping")
    yield from unknown_keys(cron, ("spec", "commands", "cmd", "shutdown_timeout", "timeout"))
    yield from _commands(cron.get("commands"), ("start", "stop"))
    spec = cron.get("spec")
    if not spec.data:
        yield cron.says("cron-spec-missing", name)
    else:
        yield from shaped(spec, CRON_FIELDS, "five fields of a cron table")
    if not (cron.get("commands", "start").data or cron.get("cmd").data):
        yield cron.says("cron-commands-missing", name)
    if cron.get("cmd").data:
        yield cron.get("cmd").says("cron-cmd-deprecated", f"{name}: cmd")
    for key in ("timeout", "shutdown_timeout"):
        yield from wrong_type(cron.get(key), int, "a number of seconds")
    timeout = cron.get("timeout")
    if isinstance(timeout.data, int) and timeout.data > CRON_LIMIT_SECONDS:
        yield timeout.says("cron-timeout-too-large", f"{name}: {timeout.data} s")
