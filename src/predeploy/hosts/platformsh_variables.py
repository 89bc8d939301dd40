"""The variables that Platform.sh and Upsun give to the build, and those that exist only at run time."""

from __future__ import annotations

import re
from typing import Any

from predeploy.app.text import decode
from predeploy.app.tree import Unreadable
from predeploy.digest import sha256_hex
from predeploy.hosts.platformsh_config import App, Project, variables_of
from predeploy.hosts.platformsh_hook import Hook
from predeploy.hosts.platformsh_services import encoded, flat_variables, rendered
from predeploy.rules.case import Case

PROJECT = "predeploy00000"
BRANCH = "main"
ROUTE = "https://predeploy.invalid/"


def _described(app: App) -> dict[str, Any]:
    """Return the app's configuration without what may hold passwords: base64 hides them from redaction."""
    return {key: value for key, value in app.part.data.items() if key not in ("variables", "hooks", "crons")}


def shared_variables(case: Case, app: App) -> dict[str, str]:
    """Return the variables of build and run time; the platform's own win over the app's."""
    own, others = variables_of(app)
    host = {
        "HOME": "{app}",
        "PLATFORM_APP_DIR": "{app}",
        "PLATFORM_APPLICATION": encoded(_described(app)),
        "PLATFORM_APPLICATION_NAME": app.name,
        "PLATFORM_PROJECT": PROJECT,
        "PLATFORM_PROJECT_ENTROPY": sha256_hex(PROJECT.encode())[:52],
        "PLATFORM_TREE_ID": sha256_hex(encoded(app.part.data).encode())[:40],
        "PLATFORM_VARIABLES": encoded(others),
    }
    return {**case.snapshot.build_env, **own, **case.env, **host}


def build_variables(case: Case, app: App, hook: Hook) -> dict[str, str]:
    """Return the variables that only the build has."""
    values = case.snapshot.values
    host = {"PLATFORM_OUTPUT_DIR": "{app}", "PLATFORM_CACHE_DIR": "{kept}"}
    host |= {name: str(values[name]) for name in ("CI", "PLATFORM_VENDOR") if name in values}
    # Not the host's: uv reads no .python-version here, since it is kept from this machine's configuration.
    asked = version_file(app, hook)
    same = asked is None or ".".join(asked.split(".")[:2]) == case.python.minor
    return {**host, "UV_PYTHON": "{bin}/python" if same else asked or ""}


def version_file(app: App, hook: Hook) -> str | None:
    """Return the version that uv takes from the app's ``.python-version``, ``None`` when it names none."""
    path = f"{app.root}/.python-version".lstrip("/")
    try:
        text = decode(hook.tree.read(path)).text if hook.tree.is_file(path) else ""
    except Unreadable:
        return None
    first = next((line.strip() for line in text.splitlines() if not line.startswith("#")), "")
    return first if re.fullmatch(r"\d+\.\d+(\.\d+)?", first) else None


def run_variables(case: Case, app: App, project: Project, *, unix: bool) -> dict[str, str]:
    """Return the variables that exist at run time only: hooks after the build, and the start."""
    found = rendered(case, app, project)
    root = app.part.get("web", "locations", "/", "root").data
    document_root = f"{{app}}/{root.strip('/')}".rstrip("/") if isinstance(root, str) else "{app}"
    commands = {
        "PLATFORM_APP_COMMAND": "start",
        "PLATFORM_PRE_APP_COMMAND": "pre_start",
        "PLATFORM_POST_APP_COMMAND": "post_start",
    }
    texts = {name: app.text("web", "commands", key) for name, key in commands.items()}
    flat = flat_variables(found) if case.snapshot.extra.get("flat_relationships") else {}
    # uv run locks its cache, which the image may keep elsewhere: the vendor's own examples start with it.
    own = {} if "UV_CACHE_DIR" in variables_of(app)[0] else {"UV_CACHE_DIR": "{temp}/uv"}
    return {
        **(own if "uv run" in (texts["PLATFORM_APP_COMMAND"] or "") else {}),
        **flat,
        **case.snapshot.launch.env,
        "PLATFORM_BRANCH": BRANCH,
        "PLATFORM_ENVIRONMENT": f"{BRANCH}-predeploy",
        "PLATFORM_ENVIRONMENT_TYPE": "production",
        "PLATFORM_RELATIONSHIPS": encoded(found),
        "PLATFORM_ROUTES": encoded(_routes(app, project)),
        "PLATFORM_DOCUMENT_ROOT": document_root,
        "PLATFORM_SMTP_HOST": "",
        **{name: text.strip() for name, text in texts.items() if text},
        **({"SOCKET": "{socket}"} if unix else {"PORT": "{port}"}),
    }


def _routes(app: App, project: Project) -> dict[str, Any]:
    """Return the routes with addresses that lead nowhere in place of the environment's own."""
    declared = {url: route.data for url, route in project.routes.entries() if isinstance(route.data, dict)}
    if not declared:
        declared = {"https://{default}/": {"type": "upstream", "upstream": f"{app.name}:http"}}
    found = {}
    for number, (url, route) in enumerate(declared.items()):
        address = re.sub(r"\{(?:default|all)\}", "predeploy.invalid", url)
        entry = {"primary": number == 0, "id": None, "attributes": {}, **route, "original_url": url}
        found[address] = entry
    return found
