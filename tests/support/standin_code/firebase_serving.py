"""Stand-in for the serving module of firebase-functions: imports main.py when asked, and lists its functions."""

from __future__ import annotations

import importlib.util
import os
import sys
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def declared() -> list[str]:
    """Run main.py and return the names of the functions that a decorator marked."""
    sys.path.insert(0, str(Path.cwd()))
    spec = importlib.util.spec_from_file_location("main", "main.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("main.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [name for name, value in vars(module).items() if hasattr(value, "__firebase_endpoint__")]


class Handler(BaseHTTPRequestHandler):
    """Answers the one path that the deploy command asks."""

    def do_GET(self) -> None:
        """Answer with the list, or 500 with the traceback in the log."""
        try:
            body = "".join(f"{name}:\n  entryPoint: {name}\n" for name in declared())
        except Exception:  # noqa: BLE001 - whatever main.py raises
            traceback.print_exc()
            self.send_error(500)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"endpoints:\n{body}".encode())


HTTPServer(("127.0.0.1", int(os.environ["ADMIN_PORT"])), Handler).serve_forever()
