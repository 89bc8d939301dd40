"""Stand-in for functions-framework: decorators, and the console script that serves one function."""
# ruff: noqa: BLE001, N818 -- the names, arguments and habits of the real one

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask  # type: ignore[import-not-found]

SIGNATURES: dict[str, str] = {}
"""Signature type a decorator declared, by function name."""


class MissingSourceException(Exception):
    """The source file is not there."""


class MissingTargetException(Exception):
    """The source file has no such function."""


class InvalidTargetTypeException(Exception):
    """The target is something else than a plain function."""


class CloudEvent(dict[str, Any]):
    """Attributes of an event, and its data."""

    data: Any = None


def http(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare an http function."""
    SIGNATURES[function.__name__] = "http"
    return function


def cloud_event(function: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a CloudEvent function."""
    SIGNATURES[function.__name__] = "cloudevent"
    return function


def typed(*args: Any) -> Any:
    """Declare a typed function, with or without its input type."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        SIGNATURES[function.__name__] = "typed"
        return function

    return declare(args[0]) if len(args) == 1 and isinstance(args[0], types.FunctionType) else declare


def load(source: str, target: str) -> Callable[..., Any]:
    """Execute the source file and return the target function."""
    path = Path(source).resolve()
    if not path.exists():
        raise MissingSourceException(f"File {source} that should define the function is missing")
    sys.path.append(str(path.parent))
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise MissingSourceException(f"File {source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if not hasattr(module, target):
        raise MissingTargetException(f"File {source} has no function named {target!r}")
    function = getattr(module, target)
    if not isinstance(function, types.FunctionType):
        raise InvalidTargetTypeException(f"{target!r} in {source} is a {type(function)}, not a function")
    return function


def make_app(function: Callable[..., Any], signature: str) -> flask.Flask:
    """Wrap the function as a WSGI app."""
    app = flask.Flask(function.__name__)

    def http_view(path: str = "") -> Any:
        if path in {"robots.txt", "favicon.ico"}:
            flask.abort(404)
        return function(flask.request)

    def event_view(path: str = "") -> Any:
        body = flask.request.get_json(silent=True)
        if signature == "typed":
            return function(body)
        if signature == "event":
            fields = body if isinstance(body, dict) else {}
            function(fields.get("data"), fields.get("context"))
            return "OK"
        event = CloudEvent(
            {k[3:].lower(): v for k, v in flask.request.headers.items() if k.lower().startswith("ce-")}
        )
        event.data = body
        function(event)
        return "OK"

    every = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
    view, methods = (http_view, every) if signature == "http" else (event_view, ("POST",))
    app.add_url_rule("/<path:path>", view_func=view, methods=methods)
    return app


def main() -> None:
    """Be the console script: load the function, then open the socket."""
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="functions-framework")
    parser.add_argument("--target", default=env("FUNCTION_TARGET"))
    parser.add_argument("--source", default=env("FUNCTION_SOURCE") or "main.py")
    parser.add_argument("--signature-type", default=env("FUNCTION_SIGNATURE_TYPE") or "http")
    parser.add_argument("--host", default=env("HOST") or "0.0.0.0")
    parser.add_argument("--port", type=int, default=int(env("PORT") or 8080))
    parser.add_argument("--debug", action="store_true")
    options = parser.parse_args()
    if options.signature_type not in {"http", "event", "cloudevent", "typed"}:
        parser.error(f"invalid signature type {options.signature_type!r}")
    if not options.target:
        sys.stderr.write("Error: no function target: set FUNCTION_TARGET or give --target\n")
        raise SystemExit(1)
    try:
        function = load(options.source, options.target)
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None
    from gunicorn._server import Server, serve  # type: ignore[import-untyped]

    app = make_app(function, SIGNATURES.get(options.target, options.signature_type))
    serve(Server(f"{options.host}:{options.port}"), app)


__all__ = ["CloudEvent", "cloud_event", "http", "typed"]
