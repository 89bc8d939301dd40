"""Answers of an index that is out of order."""

from __future__ import annotations

import contextlib
import time
from http.server import BaseHTTPRequestHandler
from typing import Literal

Fault = Literal["redirects", "garbage", "half a page", "hangs up", "endless", "altered"]
"""``redirects``: to itself, for ever; ``garbage``: bytes that are no text; ``half a page``: and then nothing;
``hangs up``: without a word; ``endless``: a page without an end, slowly; ``altered``: not the file that the
page gives the hash of."""

_ENDLESS_SECONDS = 120


def misbehave(handler: BaseHTTPRequestHandler, kind: Fault) -> None:
    """Answer a request in an odd way."""
    handler.close_connection = True
    if kind == "hangs up":
        return
    if kind == "redirects":
        handler.send_response(302)
        handler.send_header("Location", handler.path)
    else:
        handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    body = bytes(range(256)) * 8
    if kind == "half a page":
        body = b"<!DOCTYPE html><html>"
        handler.send_header("Content-Length", "5000")
    elif kind == "redirects":
        body = b""
        handler.send_header("Content-Length", "0")
    elif kind == "endless":
        body = b""
    else:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    with contextlib.suppress(OSError):
        handler.wfile.write(body)
        end = time.monotonic() + (_ENDLESS_SECONDS if kind == "endless" else 0)
        while time.monotonic() < end:
            handler.wfile.write(b"<a href='x'>x</a>")
            time.sleep(0.05)
