"""Eyes inside a confined command: connections made from its network, and what listens there.

A process of ours enters its namespaces and hands connected sockets back; a socket keeps the network it was
made in. The command cannot see that process, which belongs to our own process namespace.
"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import suppress
from pathlib import Path

from predeploy.env.commands import Target
from predeploy.env.spawn import Process, spawn

ANSWER_SECONDS = 5.0
"""How much longer than asked an answer is waited for."""

_PROGRAM = r"""
import array, ctypes, fcntl, json, os, socket, sys

USER, NET, MOUNT, OWNER = 0x10000000, 0x40000000, 0x20000, 0xB701
first, channel = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor, kind):
    if libc.setns(descriptor, kind):
        raise OSError(ctypes.get_errno(), "setns")


def same(descriptor, name):
    return os.fstat(descriptor).st_ino == os.stat("/proc/self/ns/" + name).st_ino


def reach(request):
    family = socket.AF_UNIX if "path" in request else socket.AF_INET6 if request["ipv6"] else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(request["timeout"])
    connection.connect(request.get("path") or ("::1" if request["ipv6"] else "127.0.0.1", request["port"]))
    return connection


def address(text, v6):
    host, port = text.split(":")
    raw = bytes.fromhex(host)
    raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4)) if sys.byteorder == "little" else raw
    shown = socket.inet_ntop(socket.AF_INET6 if v6 else socket.AF_INET, raw)
    return ("[%s]:%d" if v6 else "%s:%d") % (shown, int(port, 16))


def listening():
    found = []
    for name in ("tcp", "tcp6"):
        with open("/proc/1/net/" + name) as table:
            rows = [line.split() for line in table][1:]
        found += [address(row[1], name == "tcp6") for row in rows if row[3] == "0A"]
    with open("/proc/1/net/unix", errors="replace") as table:
        rows = [line.split(None, 7) for line in table][1:]
    for row in rows:
        if len(row) == 8 and row[3] == "00010000" and row[7].startswith("/"):
            found.append("unix:" + row[7].strip())
    return sorted(set(found))


net, mount = (os.open("/proc/%s/ns/%s" % (first, name), os.O_RDONLY) for name in ("net", "mnt"))
owner = fcntl.ioctl(mount, OWNER)
if not same(owner, "user"):
    enter(owner, USER)
if not same(net, "net"):
    enter(net, NET)
enter(mount, MOUNT)
channel.sendall(b"+")
while True:
    asked = channel.recv(65536)
    if not asked:
        break
    request = json.loads(asked)
    try:
        if "listening" in request:
            channel.sendall(json.dumps(listening()).encode()[:60000])
        else:
            with reach(request) as connection:
                socket.send_fds(channel, [b"+"], [connection.fileno()])
    except (OSError, ValueError):
        channel.sendall(b"-")
"""


class Inside:
    """Our process in the namespaces of another; ``first`` is a process that lives in them."""

    def __init__(self, first: int, *, own_network: bool) -> None:
        self._own_network = own_network
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: Process | None = None
        with theirs:
            argv = (sys.executable, "-I", "-S", "-c", _PROGRAM, str(first), str(theirs.fileno()))
            with suppress(OSError):
                self._process = spawn(argv, env={}, pass_fds=(theirs.fileno(),))
        self._ready = self._process is not None and self._receive(ANSWER_SECONDS) == b"+"

    def connect(self, target: Target, timeout: float, *, ipv6: bool = False) -> socket.socket | None:
        """Return a connection made inside to a port or the path of a socket there, ``None`` when refused."""
        where = {"path": str(target)} if isinstance(target, Path) else {"port": target}
        if not self._ask({**where, "ipv6": ipv6, "timeout": timeout}):
            return None
        self._channel.settimeout(timeout + ANSWER_SECONDS)
        try:
            _, descriptors, _, _ = socket.recv_fds(self._channel, 16, 1)
        except OSError:
            self._ready = False
            return None
        if not descriptors:
            return None
        connection = socket.socket(fileno=descriptors[0])
        connection.settimeout(timeout)
        return connection

    def listening(self) -> tuple[str, ...]:
        """Return the addresses listened on inside: ``127.0.0.1:8000``, ``unix:/run/app.sock``."""
        answer = self._receive(ANSWER_SECONDS) if self._ask({"listening": True}) else b""
        try:
            return tuple(str(address) for address in json.loads(answer or b"[]"))
        except ValueError:
            return ()

    def _ask(self, request: dict[str, object]) -> bool:
        if not self._ready:
            return False
        try:
            self._channel.sendall(json.dumps(request).encode())
        except OSError:
            self._ready = False
        return self._ready

    def _receive(self, timeout: float) -> bytes:
        self._channel.settimeout(timeout)
        try:
            return self._channel.recv(65536)
        except OSError:
            self._ready = False
            return b""

    def close(self) -> None:
        """End our process there."""
        self._channel.close()
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
