"""Validation of what a Platform.sh project says across its files: mounts, relationships, services, routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from predeploy.app.tree import Tree, Unreadable
from predeploy.hosts.platformsh_checks import SIZES, Facts, check_app, unread
from predeploy.hosts.platformsh_config import SERVICES, App, ConfigProblem, Part, Project
from predeploy.hosts.platformsh_keys import Problems, one_of, unknown_keys, wrong_type
from predeploy.hosts.platformsh_services import target
from predeploy.lazy import pattern

SERVICE_KEYS = (
    *("type", "disk", "size", "configuration", "relationships", "access", "firewall", "resources"),
    "container_profile",
)
ROUTE_KEYS = (
    *("type", "upstream", "to", "id", "primary", "cache", "ssi", "redirects", "tls", "attributes", "sticky"),
    "http_access",
)
STATUS_IDS = {
    "decommissioned": "type-version-decommissioned",
    "retired": "service-version-retired",
    "deprecated": "service-version-deprecated",
}


def validate(project: Project, facts: Facts, tree: Tree) -> tuple[ConfigProblem, ...]:
    """Return everything that validation of the whole project says, in the order of the files."""
    found = list(project.problems)
    for app in project.apps:
        found += check_app(app, facts, tree)
        found += _mounts(app, project, facts)
        found += _relationships(app, project, facts)
    found += _circles(project)
    found += _services(project.services, facts)
    found += _routes(project)
    found += _storage(project, facts)
    return tuple(dict.fromkeys(found))


def _instances(app: App) -> Iterator[Part]:
    """Yield the app itself, ``web`` and the workers: whatever may carry mounts and relationships."""
    yield app.part
    yield app.part.get("web")
    yield from (worker for _, worker in app.part.get("workers").entries())


def _unread(project: Project, path: str) -> bool:
    """Return whether a file could not be read, so that nothing can be said about what it lacks."""
    return any(problem.path == path and problem.id == "yaml-invalid" for problem in project.problems)


SSH_ADDRESS = pattern(r"^\s*url\s*=\s*((?:ssh://|[\w.-]+@[\w.-]+:)\S*)", re.MULTILINE)


def check_submodules(tree: Tree) -> Problems:
    """Yield the submodules that only a key can fetch."""
    try:
        text = tree.read(".gitmodules").decode("utf-8", "replace") if tree.is_file(".gitmodules") else ""
    except Unreadable:
        return
    for match in SSH_ADDRESS.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        host = match.group(1).rpartition("@")[2].partition(":")[0].partition("/")[0]
        yield ConfigProblem("submodule-unreachable", ".gitmodules", line, f"over ssh from {host}")


# --- mounts -----------------------------------------------------------------------------------------


def _mounts(app: App, project: Project, facts: Facts) -> Problems:
    for instance in _instances(app):
        mounts = instance.get("mounts")
        yield from _dot_keys(mounts)
        disk = instance.get("disk").data
        disk = app.part.get("disk").data if disk is None else disk
        for _, mount in mounts.entries():
            yield from _mount(mount, project, facts, has_disk=disk is not None)
        yield from _nesting(mounts)


def _dot_keys(mounts: Part) -> Problems:
    for key in mounts.data if isinstance(mounts.data, dict) else ():
        if str(key).startswith("."):
            yield mounts.get(key).says("mount-dot-key-ignored", f"{key}; write /{key}")


def _mount(mount: Part, project: Project, facts: Facts, *, has_disk: bool) -> Problems:
    if isinstance(mount.data, str):  # the form before 2017: shared:files/path
        if mount.data.startswith("shared:") and not has_disk:
            yield mount.says("mount-local-without-disk", mount.key)
        return
    yield from wrong_type(mount, dict, "a mapping")
    yield from unknown_keys(mount, ("source", "source_path", "service"))
    source = mount.get("source")
    if not facts.source_path_optional and mount.get("source_path").data is None:
        yield mount.says("config-value-type", f"{mount.name} has no source_path")
    yield from wrong_type(mount.get("source_path"), str, "a path")
    if source.data is None:
        yield mount.says("mount-source-missing", mount.key)
    elif source.data not in facts.mount_sources:
        yield from one_of(source, facts.mount_sources, "mount-source-invalid")
    elif source.data == "local" and not has_disk and not facts.unread:
        yield mount.says("mount-local-without-disk", mount.key)
    elif source.data == "service" and not _unread(project, SERVICES):
        yield from _mounted_service(mount, project.services)


def _mounted_service(mount: Part, services: Part) -> Problems:
    name = mount.get("service").data
    if not isinstance(name, str):
        yield mount.says("mount-service-unknown", f"{mount.key} names no service")
    elif not str(services.get(name, "type").data or "").startswith("network-storage"):
        yield mount.get("service").says("mount-service-unknown", f"{mount.key}: {name}")


def _nesting(mounts: Part) -> Problems:
    paths = {path.strip("/"): part for path, part in mounts.entries() if isinstance(part.data, dict)}
    for path, part in paths.items():
        if part.get("source").data not in ("local", "tmp", "instance"):
            continue
        names = path.split("/") if path else []
        above = [paths.get("/".join(names[:depth])) for depth in range(len(names))]
        for outer in above:
            if outer is not None and outer.get("source").data == "service":
                yield outer.says("mount-nesting-conflict", f"{outer.key} lies above {part.key}")


# --- relationships ----------------------------------------------------------------------------------


def _relationships(app: App, project: Project, facts: Facts) -> Problems:
    apps = {other.name for other in project.apps}
    for instance in _instances(app):
        for _, relationship in instance.get("relationships").entries():
            yield from _relationship(relationship, apps, project, facts)


def _relationship(part: Part, apps: set[str], project: Project, facts: Facts) -> Problems:
    if isinstance(part.data, dict):
        yield from unknown_keys(part, ("service", "endpoint"))
    elif part.data is not None and not isinstance(part.data, str):
        yield part.says("config-value-type", f"{part.name} is neither a text nor a mapping")
        return
    if not facts.short_relationships and not isinstance(part.data, str):
        yield part.says("config-value-type", f"{part.name} is not service:endpoint")
        return
    wanted = target(part)
    if wanted is None:
        yield part.says("config-value-type", f"{part.name}: {part.data!r} is not service:endpoint")
        return
    name, endpoint = wanted
    service = project.services.get(name)
    if isinstance(service.data, dict):
        yield from _endpoint(part, name, endpoint, service, facts)
    elif name in apps:
        if endpoint is None:
            yield part.says("relationship-no-default-endpoint", f"{part.key} leads to the application {name}")
        elif endpoint != "http":
            yield part.says("relationship-unknown-endpoint", f"{name} offers http, not {endpoint}")
    elif not _unread(project, SERVICES):
        yield part.says("relationship-unknown-service", f"{part.key}: {name}", project.names)


def _endpoint(part: Part, name: str, endpoint: str | None, service: Part, facts: Facts) -> Problems:
    image = str(service.get("type").data or "").partition(":")[0]
    default = facts.services.get(image, {}).get("endpoint")
    own = {key for key, _ in service.get("configuration", "endpoints").entries()}
    if endpoint is None and default == "" and not own:
        yield part.says("relationship-no-default-endpoint", f"{part.key} leads to {name}, a {image}")
    elif endpoint is not None and default and endpoint != default and endpoint not in own:
        offered = ", ".join(sorted({default, *own}))
        yield part.says("relationship-unknown-endpoint", f"{name} offers {offered}, not {endpoint}")


def _circles(project: Project) -> Problems:
    """Yield the first circle: what is left when applications that need no other one are taken away."""
    names = {app.name for app in project.apps}
    needs: dict[str, dict[str, Part]] = {name: {} for name in names}
    needed_by: dict[str, list[str]] = {name: [] for name in names}
    for app in project.apps:
        for _, relationship in app.part.get("relationships").entries():
            wanted = target(relationship)
            if wanted and wanted[0] in names and wanted[0] not in needs[app.name]:
                needs[app.name][wanted[0]] = relationship
                needed_by[wanted[0]].append(app.name)
    left = {name: len(targets) for name, targets in needs.items()}
    free = [name for name, count in left.items() if count == 0]
    while free:
        name = free.pop()
        del left[name]
        for other in needed_by[name]:
            left[other] -= 1
            if left[other] == 0:
                free.append(other)
    for name in sorted(left):
        goal = next(other for other in needs[name] if other in left)
        yield needs[name][goal].says("relationship-circular", f"{name} needs {goal}, and that needs it back")
        return


# --- services and routes ----------------------------------------------------------------------------


def _services(services: Part, facts: Facts) -> Problems:
    for name, service in services.entries():
        if not isinstance(service.data, dict):
            yield service.says("config-value-type", f"the service {name} is not a mapping")
            continue
        yield from unknown_keys(service, SERVICE_KEYS)
        yield from _service_type(name, service, facts)
        yield from _service_name(name, service)
        if facts.unread:
            yield from unread(service, facts)
            continue
        yield from one_of(service.get("size"), SIZES, "size-invalid")
        yield from _service_disk(name, service, facts)


def _service_name(name: str, service: Part) -> Problems:
    storage = str(service.get("type").data or "").startswith("network-storage")
    if not re.fullmatch(r"[a-z0-9-]+" if storage else r"[a-z0-9_-]+", name):
        yield service.says("config-value-type", f"{name!r} is no name of a service")
    for key in ("configuration", "relationships", "access", "firewall", "resources"):
        yield from wrong_type(service.get(key), dict, "a mapping")


def _service_type(name: str, service: Part, facts: Facts) -> Problems:
    kind = service.get("type")
    if not isinstance(kind.data, str) or not kind.data.strip():
        yield service.says("service-type-missing", name)
        return
    image = kind.data.partition(":")[0]
    if image not in facts.services:
        yield kind.says(
            "service-type-unknown-version", f"{kind.data!r} of the image {image}", tuple(facts.services)
        )
    for status, id_ in STATUS_IDS.items():
        if kind.data in facts.service_status.get(status, ()):
            yield kind.says(id_, kind.data)


def _service_disk(name: str, service: Part, facts: Facts) -> Problems:
    image = str(service.get("type").data or "").partition(":")[0]
    least = facts.services.get(image, {}).get("disk")
    disk = service.get("disk")
    if disk.data is not None and image in facts.services and not least:
        yield disk.says("service-disk-ignored", f"{name} ({image})")
    if disk.data is None:
        if least:
            yield service.says("service-disk-missing", f"{name} ({image})")
    elif not isinstance(disk.data, int) or isinstance(disk.data, bool):
        yield disk.says("disk-invalid", f"{name}: {disk.data!r}")
    elif least and disk.data < least:
        yield disk.says("service-disk-too-small", f"{name}: {disk.data}, at least {least}")


def _routes(project: Project) -> Problems:
    routes = project.routes
    yield from _routes_together(routes)
    complete = not any(problem.id in {"yaml-invalid", "yaml-include-missing"} for problem in project.problems)
    known = {app.name for app in project.apps} | {name for name, _ in project.services.entries()}
    for url, route in routes.entries():
        if not isinstance(route.data, dict):
            yield route.says("config-value-type", f"the route {url} is not a mapping")
            continue
        yield from unknown_keys(route, ROUTE_KEYS)
        if _port(url) not in (None, 80, 443):
            yield route.says("route-port-unsupported", url)
        yield from _route(url, route, known if complete else None, project.names)


ROUTES_LIMIT = 128 * 1024
"""Bytes of the routes that result; here what they take as they are written."""


def _routes_together(routes: Part) -> Problems:
    """Yield about all routes as one: how large they are, and how many are the primary one."""
    entries = [route for _, route in routes.entries() if isinstance(route.data, dict)]
    primary = [route for route in entries if route.get("primary").data is True]
    for route in primary[1:]:
        yield route.get("primary").says("config-value-type", f"{route.key} is a second primary route")
    size = sum(len(route.key) + len(repr(route.data)) for route in entries)
    if size > ROUTES_LIMIT and entries:
        yield entries[0].says("routes-too-large", f"{len(entries)} routes of {size // 1024} KB")


def _port(url: str) -> int | None:
    match = re.match(r"(?:\w+://)?[^/:]*:(\d+)(?:/|$)", url)
    return int(match.group(1)) if match else None


def _route(url: str, route: Part, known: set[str] | None, names: tuple[str, ...]) -> Problems:
    kind = route.get("type").data
    versions = ("TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3")
    yield from one_of(route.get("tls", "min_version"), versions, "config-value-type")
    for key in ("cache", "ssi", "redirects", "tls", "attributes", "sticky"):
        yield from wrong_type(route.get(key), dict, "a mapping")
    yield from wrong_type(route.get("primary"), bool, "true or false")
    yield from wrong_type(route.get("id"), str, "a text")
    if kind not in ("upstream", "redirect", "proxy"):
        shown = f"{url}: {kind!r}" if kind is not None else f"{url} has no type"
        yield route.get("type").says("route-type-invalid", shown)
    elif kind != "upstream":
        if not route.get("to").data:
            yield route.says("route-to-missing", url)
    elif not route.get("upstream").data:
        yield route.says("route-upstream-missing", url)
    elif known is not None:
        upstream = str(route.get("upstream").data).partition(":")[0]
        if upstream not in known:
            yield route.get("upstream").says("route-upstream-unknown-app", f"{url}: {upstream}", names)


def _storage(project: Project, facts: Facts) -> Problems:
    if facts.storage is None:
        return
    parts = [app.part.get("disk") for app in project.apps]
    parts += [worker.get("disk") for app in project.apps for _, worker in app.part.get("workers").entries()]
    parts += [service.get("disk") for _, service in project.services.entries()]
    disks = [part for part in parts if isinstance(part.data, int) and not isinstance(part.data, bool)]
    total = sum(part.data for part in disks)
    if total > facts.storage:
        yield disks[-1].says("disk-exceeds-plan", f"{total} MB of {facts.storage} MB")
