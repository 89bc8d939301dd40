"""Stand-in for gunicorn's command line."""
# ruff: noqa: BLE001 -- the names, arguments and habits of the real one

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import os
import runpy
import shlex
import sys
import traceback
from pathlib import Path
from typing import Any

from gunicorn import __version__  # type: ignore[import-untyped]
from gunicorn._server import Handler, Server, log, serve  # type: ignore[import-untyped]

BOOT_ERROR = 3
APP_LOAD_ERROR = 4


def make_parser() -> argparse.ArgumentParser:
    """Know the usual options; refuse others with exit 2, as the real one does."""
    parser = argparse.ArgumentParser(prog="gunicorn")
    parser.add_argument("-v", "--version", action="version", version=f"gunicorn (version {__version__})")
    parser.add_argument("-b", "--bind", action="append")
    parser.add_argument("-w", "--workers", type=int)
    parser.add_argument("-k", "--worker-class", default="sync")
    parser.add_argument("-t", "--timeout", type=int)
    parser.add_argument("-c", "--config", default="gunicorn.conf.py")
    parser.add_argument("-n", "--name")
    parser.add_argument("-e", "--env", action="append", default=[])
    parser.add_argument("-p", "--pid")
    parser.add_argument("--access-logfile")
    parser.add_argument("--error-logfile", "--log-file")
    parser.add_argument("--access-logformat")
    parser.add_argument("--log-level")
    parser.add_argument("--log-config")
    parser.add_argument("--chdir")
    parser.add_argument("--worker-tmp-dir")
    parser.add_argument("--forwarded-allow-ips")
    parser.add_argument("--pythonpath")
    for name in ("threads", "graceful-timeout", "keep-alive", "max-requests", "max-requests-jitter"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--backlog", "--worker-connections", type=int)
    for name in ("preload", "reload", "check-config", "capture-output", "enable-stdio-inheritance"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("app", nargs="?")
    return parser


def fail(message: str, code: int) -> None:
    """Say why on stderr and leave."""
    sys.stderr.write(f"{message}\n")
    raise SystemExit(code)


def find_binds(options: argparse.Namespace) -> list[str]:
    """Return where to listen: option, config file, $PORT, default."""
    if options.bind:
        return list(options.bind)
    config = Path(options.config.removeprefix("file:"))
    if config.is_file():
        bind = runpy.run_path(str(config)).get("bind")
        if bind:
            return [bind] if isinstance(bind, str) else list(bind)
    port = os.environ.get("PORT")
    return [f"0.0.0.0:{port}" if port else "127.0.0.1:8000"]


def load_app(spec: str) -> Any:
    """Import ``module:attribute`` or ``module:factory(...)``; leave with 3 or 4 where that fails."""
    module_name, _, expression = spec.partition(":")
    try:
        module = importlib.import_module(module_name)
        call = ast.parse(expression or "application", mode="eval").body
        arguments: list[Any] = []
        if isinstance(call, ast.Call):
            arguments = [ast.literal_eval(argument) for argument in call.args]
        name = ast.unparse(call.func if isinstance(call, ast.Call) else call)
        if not hasattr(module, name):
            fail(f"Failed to find attribute {name!r} in {module_name!r}.", APP_LOAD_ERROR)
        app = getattr(module, name)
        if isinstance(call, ast.Call):
            app = app(*arguments)
    except Exception:
        traceback.print_exc()
        fail("Worker failed to boot.", BOOT_ERROR)
    if not callable(app):
        fail("Application object must be callable.", APP_LOAD_ERROR)
    return app


def check_worker(name: str) -> None:
    """Leave with 1 when the worker class needs a distribution that is not installed."""
    if name not in {"sync", "gthread"} and importlib.util.find_spec(name.partition(".")[0]) is None:
        fail(f"\nError: class uri {name!r} invalid or not found", 1)


def run() -> None:
    """Be the console script."""
    extra = shlex.split(os.environ.get("GUNICORN_CMD_ARGS", ""))
    options = make_parser().parse_args([*extra, *sys.argv[1:]])
    if options.app is None:
        fail("\nError: No application module specified.", 1)
    check_worker(options.worker_class)
    for pair in options.env:
        name, _, value = pair.partition("=")
        os.environ[name] = value
    if options.chdir:
        os.chdir(options.chdir)
    sys.path.insert(0, str(Path.cwd()))
    for path in filter(None, (options.pythonpath or "").split(",")):
        sys.path.insert(0, str(Path(path).absolute()))
    if options.check_config:
        load_app(options.app)
        raise SystemExit(0)
    log(f"Starting gunicorn {__version__}")
    bind = find_binds(options)[0]
    try:
        server = Server(bind)
    except (OSError, ValueError) as error:
        fail(f"\nError: cannot listen on {bind}: {error}", 1)
        return
    log(f"Listening at: {bind if bind.startswith('unix:') else f'http://{bind}'} ({os.getpid()})")
    app = load_app(options.app)
    Handler.access_log = options.access_logfile == "-"
    serve(server, app)
