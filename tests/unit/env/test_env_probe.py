from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from predeploy.env.probe import BODY_LIMIT, Answer, ask, free_port

Behaviour = Callable[[socket.socket], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def serving(behave: Behaviour, listener: socket.socket | None = None) -> Iterator[int]:
    """Serve one connection with a behaviour, on a port or a given listener."""
    listener = listener or socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                behave(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        name = listener.getsockname()
        yield name[1] if isinstance(name, tuple) else 0
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()


def answers(reply: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(reply)

    return behave


def drips(start: bytes, drop: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(start)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return behave


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def test_a_plain_answer() -> None:
    heard: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        connection.sendall(OK)

    with serving(behave) as port:
        assert ask(port, "/health?x=1", 5.0) == Answer(status=200, body=b"ok")
    assert heard[0].startswith(b"GET /health?x=1 HTTP/1.1\r\nHost: localhost")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", Answer(status=302, body=b"")),
        (b"HTTP/1.0 500 Oops\r\n\r\nTraceback", Answer(status=500, body=b"Traceback")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", Answer(status=200, body=b"cut")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz",
            Answer(status=200, body=b"ok"),
        ),
        (b"", None),
        (b"SSH-2.0-OpenSSH_9.2\r\n", None),
        (b"\x00\xff\x15\x03\x03\x00\x02\x02\x46" * 10, None),
        (b"HTTP/1.1 abc\r\n\r\n", None),
        (b"HTTP/1.1 200 " + b"x" * 100_000, None),
    ],
)
def test_odd_answers(reply: bytes, expected: Answer | None) -> None:
    with serving(answers(reply)) as port:
        assert ask(port, "/", 5.0) == expected


def test_a_long_body_is_cut() -> None:
    with serving(answers(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000)) as port:
        answer = ask(port, "/", 5.0)
    assert answer == Answer(status=200, body=b"x" * BODY_LIMIT)


def test_a_server_that_says_nothing_or_drips_a_header_is_given_up() -> None:
    with serving(silent) as port:
        assert ask(port, "/", 0.3) is None
    with serving(drips(b"HTTP/1.1 2", b"0")) as port:
        assert ask(port, "/", 0.3) is None
    with serving(drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as port:
        assert ask(port, "/", 0.3) is None


def test_an_endless_body_is_an_answer() -> None:
    with serving(drips(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data\n")) as port:
        answer = ask(port, "/", 0.3)
    assert answer is not None
    assert answer.status == 200
    assert answer.body.startswith(b"data\n")


def test_nobody_there(tmp_path: Path) -> None:
    assert ask(free_port(), "/", 1.0) is None
    assert ask(tmp_path / "absent.sock", "/", 1.0) is None
    assert ask(tmp_path / ("x" * 200), "/", 1.0) is None
    assert ask(70_000, "/", 1.0) is None


def test_a_path_that_cannot_be_asked_for() -> None:
    with serving(answers(OK)) as port:
        assert ask(port, "/with space\r\nX: y", 1.0) is None


def test_a_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as short:
        place = Path(short, "app.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(place))
        listener.listen()
        with serving(answers(OK), listener):
            assert ask(place, "/", 5.0) == Answer(status=200, body=b"ok")


def test_a_free_port_is_the_preferred_one_unless_it_is_used() -> None:
    port = free_port()
    assert free_port(port) == port
    assert free_port(port, taken={port}) != port
    for host in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((host, 0)) as used:
            busy = used.getsockname()[1]
            assert free_port(busy) != busy
    assert free_port(99_999) < 65_536


def test_a_cancelled_question_waits_no_longer() -> None:
    begun = time.monotonic()
    with serving(lambda connection: time.sleep(0.5)) as port:
        assert ask(port, "/", 30.0, cancelled=lambda: True) is None
        assert time.monotonic() - begun < 0.4


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
def test_a_server_on_ipv6_alone_is_asked_only_where_the_host_would() -> None:
    with serving(answers(OK), socket.create_server(("::1", 0), family=socket.AF_INET6)) as port:
        assert ask(port, "/", 2) is None
        assert ask(port, "/", 2, ipv6=True) == Answer(status=200, body=b"ok")


def test_a_request_has_the_method_headers_and_body_that_are_asked_for() -> None:
    heard: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        heard.append(connection.recv(4096))
        if b"{}" not in heard[0]:
            heard.append(connection.recv(4096))
        connection.sendall(OK)

    with serving(behave) as port:
        answer = ask(port, "/x", 5, method="POST", headers={"ce-id": "1"}, body=b"{}")
    assert answer == Answer(status=200, body=b"ok")
    request = b"".join(heard)
    assert request.startswith(b"POST /x HTTP/1.1")
    assert b"ce-id: 1" in request
    assert request.endswith(b"\r\n\r\n{}")
