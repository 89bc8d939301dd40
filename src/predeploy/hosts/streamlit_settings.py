"""Streamlit Community Cloud: the server's own settings, which the host overrides in part, and the secrets."""

from __future__ import annotations

from typing import Any

from predeploy.app.toml import read_toml
from predeploy.model.conditions import Outcome, matched
from predeploy.model.findings import Evidence
from predeploy.rules.case import Case
from predeploy.rules.registry import predicate

CONFIG = ".streamlit/config.toml"
OWN_PORT = 8501
"""The port the host asks; a server that listens elsewhere counts as down."""


def _server_option(case: Case, key: str) -> tuple[Any, Evidence]:
    file = read_toml(case.tree, CONFIG) if case.tree.is_file(CONFIG) else None
    server = file.data.get("server") if file else None
    value = server.get(key) if isinstance(server, dict) else None
    line = file.line("server", key) if file else None
    return value, Evidence(path=CONFIG, line=line, text=f"{key} = {value}")


@predicate("streamlit.own_port")
def own_port(case: Case) -> Outcome:
    """Match when the app's config.toml moves the server to another port."""
    value, where = _server_option(case, "port")
    return matched(value is not None and str(value).strip() != str(OWN_PORT), where, detail=str(value))


@predicate("streamlit.own_address")
def own_address(case: Case) -> Outcome:
    """Match when the app's config.toml sets the address the server binds to."""
    value, where = _server_option(case, "address")
    return matched(value is not None, where, detail=str(value))
