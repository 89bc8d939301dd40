"""Stand-in for Flask: routes, requests and responses, enough to answer a probe."""
# ruff: noqa: BLE001 -- the names, arguments and habits of the real one

from __future__ import annotations

import json
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

View = Callable[..., Any]


class Request:
    """What a view may ask about the request being answered."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ.get("REQUEST_METHOD", "GET")
        self.path: str = environ.get("PATH_INFO") or "/"
        self.args = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
        self.headers = {
            key.removeprefix("HTTP_").replace("_", "-").title(): value
            for key, value in environ.items()
            if key.startswith("HTTP_") or key == "CONTENT_TYPE"
        }
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.data: bytes = environ["wsgi.input"].read(length) if length else b""

    def get_data(self) -> bytes:
        return self.data

    def get_json(self, force: bool = False, silent: bool = False) -> Any:
        if not self.data:
            return None
        try:
            return json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self) -> Any:
        return self.get_json()


class _Current(threading.local):
    """The request this thread is answering."""

    now: Request | None = None

    def __getattr__(self, name: str) -> Any:
        if self.now is None:
            raise RuntimeError("working outside of request context")
        return getattr(self.now, name)


request = _Current()


class Response:
    """A body, a status and headers."""

    def __init__(
        self, response: Any = b"", status: int = 200, headers: Any = None, mimetype: str = "text/html"
    ) -> None:
        self.body = response if isinstance(response, bytes) else str(response).encode()
        self.status_code = status
        self.headers: dict[str, str] = {"Content-Type": f"{mimetype}; charset=utf-8"} | dict(headers or {})


class HTTPError(Exception):
    """An answer with an error status, from `abort`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def abort(code: int) -> None:
    raise HTTPError(code)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    value: Any = kwargs or (args[0] if len(args) == 1 else list(args))
    return Response(json.dumps(value), mimetype="application/json")


def make_response(value: Any) -> Response:
    """Turn what a view returned into a response: text, bytes, dict, list, or a tuple with a status."""
    if isinstance(value, tuple):
        response = make_response(value[0])
        for part in value[1:]:
            if isinstance(part, int):
                response.status_code = part
            else:
                response.headers.update(part)
        return response
    if isinstance(value, Response):
        return value
    if isinstance(value, (dict, list)):
        return jsonify(value)
    if value is None:
        raise TypeError("the view returned None")
    return Response(value)


def render_template(name: str, **context: Any) -> str:
    """Return a template as it is, from templates/ in the working directory."""
    return (Path("templates") / name).read_text(encoding="utf-8")


def render_template_string(source: str, **context: Any) -> str:
    return source


class _Routes:
    def __init__(self) -> None:
        self.rules: list[tuple[re.Pattern[str], frozenset[str], View]] = []

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: View | None = None, methods: Any = None
    ) -> None:
        if view_func is None:
            raise TypeError("a rule needs a view")
        pattern = re.sub(
            r"<(?:(\w+):)?(\w+)>",
            lambda found: f"(?P<{found[2]}>{'.*' if found[1] == 'path' else '[^/]+'})",
            rule,
        )
        self.rules.append((re.compile(pattern), frozenset(methods or ("GET", "HEAD")), view_func))

    def route(self, rule: str, methods: Any = None, **options: Any) -> Callable[[View], View]:
        def register(view: View) -> View:
            self.add_url_rule(rule, view_func=view, methods=methods)
            return view

        return register

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self.route(rule)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self.route(rule, methods=("POST",))


class Blueprint(_Routes):
    """Routes to be registered on an app later."""

    def __init__(self, name: str, import_name: str, url_prefix: str = "", **options: Any) -> None:
        super().__init__()
        self.name, self.url_prefix = name, url_prefix


class Flask(_Routes):
    """A WSGI app made of routes."""

    def __init__(self, import_name: str, **options: Any) -> None:
        super().__init__()
        self.import_name = import_name
        self.name = import_name
        self.config: dict[str, Any] = {}

    def register_blueprint(self, blueprint: Blueprint, url_prefix: str | None = None, **options: Any) -> None:
        prefix = blueprint.url_prefix if url_prefix is None else url_prefix
        for pattern, methods, view in blueprint.rules:
            self.rules.append((re.compile(re.escape(prefix) + pattern.pattern), methods, view))

    def dispatch(self, current: Request) -> Response:
        """Answer a request: the first matching rule, else 404 or 405."""
        status = 404
        for pattern, methods, view in self.rules:
            found = pattern.fullmatch(current.path)
            if found and current.method in methods:
                return make_response(view(**found.groupdict()))
            status = 405 if found else status
        raise HTTPError(status)

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        current = Request(environ)
        request.now = current
        try:
            response = self.dispatch(current)
        except HTTPError as error:
            response = Response(HTTPStatus(error.code).phrase, error.code)
        except Exception:
            import traceback

            traceback.print_exc()
            response = Response("Internal Server Error", 500)
        status = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
        body = b"" if current.method == "HEAD" else response.body
        start_response(status, [*response.headers.items(), ("Content-Length", str(len(response.body)))])
        return [body]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self.wsgi_app(environ, start_response)

    def run(self, host: str = "127.0.0.1", port: int = 5000, **options: Any) -> None:
        """Serve until stopped."""
        from wsgiref.simple_server import make_server

        with make_server(host, int(port), self) as server:
            server.serve_forever()
