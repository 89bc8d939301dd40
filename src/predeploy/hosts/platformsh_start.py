"""What can be foreseen of the deployment and the start: endpoint, PATH, read-only files, routes."""

from __future__ import annotations

import posixpath
import re

from predeploy.hosts.platformsh_build import (
    COMMAND_LIMIT,
    DOWNLOADS,
    environment_file,
    named_packages,
    shown,
)
from predeploy.hosts.platformsh_config import App, Project
from predeploy.hosts.platformsh_hook import Hook
from predeploy.hosts.platformsh_keys import Problems
from predeploy.hosts.platformsh_shell import calls_of
from predeploy.lazy import pattern

ENDPOINT = pattern(
    r"(?:^|\s)(?:-b|--bind|--port|-p|--http|--listen|runserver)[ =]\s*[\"']?(?:[\w.\[\]*-]*:)?(\d{2,5})\b"
)
"""A port written into a start command, where servers of Python take it."""
SERVERS = frozenset(
    {"gunicorn", "uvicorn", "hypercorn", "daphne", "flask", "waitress-serve", "uwsgi", "streamlit", "granian"}
)
IN_ENVIRONMENT = pattern(
    r"\b(?:poetry|pipenv|uv)\s+(?:-\S+\s+)*run\b|\.venv\b|\bactivate\b|\benv info\b|\bshell\b|virtualenvs"
)
"""Signs that a command runs in an environment that a tool has made."""
NO_ENVIRONMENT = pattern(
    r"virtualenvs\.create\s+false|VIRTUALENVS_CREATE\W+false|--system\b|UV_PROJECT_ENVIRONMENT|PIPENV_|UV_SYSTEM",
    re.IGNORECASE,
)
WRITES = {
    "pip": ("install",),
    "pipenv": ("install", "sync"),
    "poetry": ("install", "sync"),
    "uv": ("sync", "pip", "add"),
    "npm": ("install", "ci"),
    "manage.py": ("collectstatic", "compilemessages", "compress"),
}
"""Commands that write into the app's directory, with their subcommands."""
DATABASE = pattern(
    r"manage\.py\s+(?:migrate|loaddata|createsuperuser|flush|createcachetable)\b|\balembic\s+upgrade\b"
    r"|\bflask\s+db\s+upgrade\b"
)
CLIENTS = frozenset({"psql", "pg_dump", "mysql", "mysqldump", "mongo", "mongosh", "redis-cli"})
RUN_TIME = pattern(r"\$\{?(PLATFORM_RELATIONSHIPS|PLATFORM_ROUTES|PORT|SOCKET|PLATFORM_BRANCH)\b")


def check_start(hook: Hook) -> Problems:
    """Yield why the app would never answer, as far as its start command shows."""
    app = hook.app
    start = app.text("web", "commands", "start")
    part = app.part.get("web", "commands", "start")
    if start is None:
        yield part.says("start-command-missing", f"{app.name} has no web.commands.start")
        return
    if backgrounded(start):
        yield part.says("start-backgrounded", shown(start.strip().splitlines()[-1]))
    curl = any(url in hook.text for url in DOWNLOADS["poetry"])
    path_set = ".local/bin" in environment_file(app, hook.tree) + hook.variables.get("PATH", "")
    if curl and re.match(r"(?:exec\s+)?poetry\b", start.strip()) and not path_set:
        yield part.says("start-tool-not-on-path", "poetry")
    outside = _outside_environment(hook, start)
    if outside:
        yield part.says("start-outside-environment", outside)
    mismatch = _endpoint(app, start)
    if mismatch:
        yield part.says("start-endpoint-differs", mismatch)
    if re.search(r"\buv\s+run\b", start) and not re.search(
        r"UV_CACHE_DIR|UV_NO_CACHE|--no-cache", _all(hook)
    ):
        yield part.says("uv-run-at-start", shown(start.strip().splitlines()[-1]))


def _all(hook: Hook) -> str:
    start = hook.app.text("web", "commands", "start") or ""
    return "\n".join((start, environment_file(hook.app, hook.tree), " ".join(hook.variables)))


def backgrounded(command: str) -> bool:
    """Return whether a start command puts the server into the background."""
    text = command.strip()[-COMMAND_LIMIT:]
    if re.search(r"(?<!&)&$", text):
        return True
    return bool(re.search(r"\bgunicorn\b.*\s(?:-D|--daemon)\b|\buwsgi\b.*\s--?daemonize", text))


def _endpoint(app: App, start: str) -> str | None:
    """Return how the place where the app listens differs from the one where the host asks."""
    text = start[-COMMAND_LIMIT:]
    unix = app.part.get("web", "upstream", "socket_family").data == "unix"
    port, socket = re.search(r"\$\{?PORT\b", text), re.search(r"\$\{?SOCKET\b|unix:", text)
    if unix and port and not socket:
        return "it listens on $PORT, and socket_family is unix"
    if not unix and socket and not port:
        return "it listens on a socket, and socket_family is tcp"
    literal = ENDPOINT.search(text)
    if not literal or port or socket or literal.group(1) == "8888":
        return None
    return f"it listens on port {literal.group(1)}"


def _outside_environment(hook: Hook, start: str) -> str | None:
    """Return the server that only an environment has which the start does not run in."""
    program = next(iter(start.strip().removeprefix("exec ").split()), "")
    texts = (start, environment_file(hook.app, hook.tree), hook.variables.get("PATH", ""))
    if program not in SERVERS or any(IN_ENVIRONMENT.search(text) for text in texts) or "PATH" in texts[1]:
        return None
    variables = " ".join(f"{name}={value}" for name, value in hook.variables.items())
    if any(NO_ENVIRONMENT.search(text) for text in (hook.text, variables, texts[1])):
        return None
    made = any(
        use.installs and use.call.decides and (use.tool in ("poetry", "pipenv") or use.verb == "sync")
        for use in hook.uses
    )
    activated = any(call.words[-1].endswith("/bin/activate") for call in hook.own if call.program == ".")
    if not (made or activated) or program in named_packages(hook, beside_environments=activated):
        return None
    return program


def check_deployment(hook: Hook) -> Problems:
    """Yield what hooks of the deployment do that only the build may do, and the other way round."""
    app = hook.app
    if app.part.get("relationships").data and hook.script:
        for call in hook.own:
            if call.plain and (call.program in CLIENTS or DATABASE.search(call.text)):
                place = hook.line_of(call)
                key = app.part.get("hooks", "build")
                yield key.at_line(place).says("build-uses-service", shown(call.text))
    for call in hook.own:
        name = RUN_TIME.search(call.text)
        if name and call.plain:
            key = app.part.get("hooks", "build").at_line(hook.line_of(call))
            yield key.says("build-uses-service", f"${name.group(1)}")
    yield from _writes(app)


def _writes(app: App) -> Problems:
    mounts = [path.strip("/") for path, _ in app.part.get("mounts").entries()]
    for name in ("deploy", "post_deploy"):
        part = app.part.get("hooks", name)
        for call in calls_of(app.text("hooks", name) or ""):
            words = tuple(posixpath.basename(word) for word in call.words)
            writes = any(
                word in WRITES and set(words[place + 1 : place + 4]) & set(WRITES[word])
                for place, word in enumerate(words[:6])
            )
            mounted = any(mount and mount in call.text for mount in mounts)
            if writes and call.plain and not mounted:
                line = part.line + call.line if part.line and "\n" in str(part.data) else part.line
                yield part.at_line(line).says("deploy-hook-writes", shown(call.text))


def check_routes(app: App, project: Project) -> Problems:
    """Yield where routes are given, and none leads to an app that waits for requests."""
    routes = [route for _, route in project.routes.entries() if isinstance(route.data, dict)]
    reached = {str(route.get("upstream").data).partition(":")[0] for route in routes}
    wanted = {
        str(part.data).partition(":")[0] if isinstance(part.data, str) else str(part.get("service").data)
        for other in project.apps
        for _, part in other.part.get("relationships").entries()
    }
    services = [service for _, service in project.services.entries()]
    gateways = {str(part.data) for service in services for _, part in service.get("relationships").entries()}
    known = any(link.partition(":")[0] == app.name for link in gateways)
    if routes and app.name not in reached | wanted and not known and app.text("web", "commands", "start"):
        yield app.part.says("app-without-route", f"no route in {project.routes.file} leads to {app.name}")
