"""Streamlit Community Cloud: the server's own settings, which the host overrides in part, and the secrets."""

from __future__ import annotations

from typing import Any

from predeploy.app.toml import read_toml
from predeploy.hosts.streamlit_selection import search_directories
from predeploy.model.conditions import Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.predicates import Words, words
from predeploy.rules.registry import predicate

CONFIG = ".streamlit/config.toml"
SECRETS = ".streamlit/secrets.toml"


def _server_option(case: Case, key: str) -> tuple[Any, Evidence]:
    file = read_toml(case.tree, CONFIG) if case.tree.is_file(CONFIG) else None
    server = file.data.get("server") if file else None
    value = server.get(key) if isinstance(server, dict) else None
    line = file.line("server", key) if file else None
    return value, Evidence(path=CONFIG, line=line, text=f"{key} = {value}")


@predicate("streamlit.own_port")
def own_port(case: Case) -> Outcome:
    """Match when the app's config.toml moves the server to another port than the one the host asks."""
    value, where = _server_option(case, "port")
    moved = value is not None and str(value).strip() != str(case.snapshot.launch.port)
    return matched(moved, where, detail=str(value))


@predicate("streamlit.own_option")
def own_option(case: Case, *, keys: Words) -> Outcome:
    """Match when the app's config.toml sets one of these options of the server to something."""
    places = [where for key in words(keys) for value, where in [_server_option(case, key)] if value]
    return matched(bool(places), *places, detail=", ".join(place.text or "" for place in places))


@predicate("streamlit.config_elsewhere")
def config_elsewhere(case: Case) -> Outcome:
    """Match when a config.toml lies beside the entrypoint; only the root's is read."""
    paths = [f"{directory}/{CONFIG}" for directory in search_directories(case) if directory]
    present = [Evidence(path=path) for path in paths if case.tree.is_file(path)]
    return matched(bool(present), *present)


@predicate("streamlit.secrets_committed")
def secrets_committed(case: Case) -> Outcome:
    """Match when the file of the secrets is part of what the host receives."""
    tracked = case.tree.is_file(SECRETS) and not any(key == "untracked-directory" for key, _ in case.remarks)
    return matched(tracked, Evidence(path=SECRETS))
