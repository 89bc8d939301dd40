"""The services an app has relationships to, as the host tells the app of them at run time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from predeploy.hosts.platformsh_config import App, Part, Project
from predeploy.rules.case import Case


def encoded(value: Any) -> str:
    """Return a value as the host hands structures to the app: JSON in base64."""
    import base64

    return base64.b64encode(json.dumps(value, default=str, sort_keys=True).encode()).decode()


def target(relationship: Part) -> tuple[str, str | None] | None:
    """Return the service or app and the endpoint a relationship asks for."""
    data = relationship.data
    if isinstance(data, str):
        service, colon, endpoint = data.partition(":")
        return (service, endpoint) if colon and service and endpoint else None
    service = relationship.get("service").data
    endpoint = relationship.get("endpoint").data
    return str(service or relationship.key), str(endpoint) if endpoint else None


def relationships(app: App) -> Iterator[tuple[str, str, str | None]]:
    """Yield the relationships of an app: name, service and endpoint."""
    for name, part in app.part.get("relationships").entries():
        found = target(part)
        if found is not None:
            yield name, *found


def given_url(case: Case, name: str, service: str) -> str | None:
    """Return the address of a running service, given by the relationship's name or the service's."""
    return case.services.get(name) or case.services.get(service)


def lacking(case: Case, app: App) -> tuple[str, ...]:
    """Return the relationships for which there is no running service."""
    return tuple(name for name, service, _ in relationships(app) if given_url(case, name, service) is None)


def rendered(case: Case, app: App, project: Project) -> dict[str, list[dict[str, Any]]]:
    """Return what ``PLATFORM_RELATIONSHIPS`` holds: without a running service, what leads nowhere."""
    images = case.snapshot.extra.get("services", {})
    found = {}
    for name, service, endpoint in relationships(app):
        kind = project.services.get(service, "type").data
        kind = str(kind) if isinstance(kind, str) else ""
        facts = images.get(kind.partition(":")[0], {})
        rel = endpoint or facts.get("endpoint") or "http"
        url = given_url(case, name, service)
        entry = _running(url) if url else _absent(name, rel, facts)
        scheme = facts.get("scheme") or entry["scheme"]
        found[name] = [{**_common(service, kind, rel), **entry, "scheme": scheme}]
    return found


def _common(service: str, kind: str, rel: str) -> dict[str, Any]:
    return {
        "service": service,
        "type": kind,
        "rel": rel,
        "cluster": "predeploy",
        "epoch": 0,
        "fragment": None,
        "host_mapped": False,
        "public": False,
        "query": {"is_master": True} if rel in ("mysql", "postgresql") else {},
    }


def _absent(name: str, rel: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    host = f"{name}.internal"
    known = {"username": "main", "password": "main", "path": "main"} if facts.get("credentials") else {}
    place = {"host": host, "hostname": host, "ip": "169.254.0.1", "port": facts.get("port", 80)}
    return {"scheme": rel, "username": None, "password": None, "path": None, **known, **place}


def _running(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    entry: dict[str, Any] = {
        "scheme": parts.scheme,
        "username": unquote(parts.username) if parts.username is not None else None,
        "password": unquote(parts.password) if parts.password is not None else None,
        "host": host,
        "hostname": host,
        "ip": host,
        "port": parts.port or DEFAULT_PORTS.get(parts.scheme.partition("+")[0], 80),
        "path": unquote(parts.path.lstrip("/")) or None,
    }
    query = dict(parse_qsl(parts.query))
    return {**entry, "query": query} if query else entry


DEFAULT_PORTS = {
    "postgresql": 5432,
    "postgres": 5432,
    "pgsql": 5432,
    "mysql": 3306,
    "mariadb": 3306,
    "redis": 6379,
    "valkey": 6379,
    "amqp": 5672,
    "mongodb": 27017,
    "memcached": 11211,
    "https": 443,
}


def flat_variables(found: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return a variable for each property of each relationship, such as ``DATABASE_HOST``."""
    variables = {}
    for name, entries in found.items():
        prefix = re.sub(r"\W", "_", name).upper()
        for key, value in entries[0].items() if entries else ():
            text = value if isinstance(value, str) else json.dumps(value)
            variables[f"{prefix}_{key.upper()}"] = "" if value is None else text
    return variables
