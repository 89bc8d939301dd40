"""The story on stderr: plain lines, a live table on a terminal; and an interpreter that cannot be fetched."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import pytest

from predeploy.env import interpreters
from support.apps import clean_environ, run_cli, write_tree
from support.building import MINOR, Build
from support.cases import TODAY
from support.index import LocalIndex

TREE: dict[str, Any] = {
    "requirements.txt": "",
    ".python-version": MINOR,
    "Procfile": "web: python -m http.server $PORT --bind 0.0.0.0\n",
    ".platform.app.yaml": f'name: app\ntype: "python:{MINOR}"\nhooks: {{build: "echo from the hook"}}\n'
    "web: {commands: {start: 'python -m http.server $PORT'}}\n",
}
REFUSED = {**TREE, "poetry.lock": "", ".platform.app.yaml": "name: app\n"}
BOTH = ("-p", "heroku", "-p", "platformsh")


# --- plain lines --------------------------------------------------------------------------------------


def untimed(text: str) -> list[str]:
    """Return the lines of a story without durations."""
    return re.sub(r" \([\d.]+ m?s\)", "", text).splitlines()


def test_one_line_a_step_and_one_a_platform(build: Build) -> None:
    result, platform = build(TREE, "-p", "platformsh")
    assert platform["status"] == "accept"
    lines = untimed(result.stderr)
    for name, own in (("heroku", "install-dependencies"), ("platformsh", "build-hook")):
        told = [line for line in lines if line.startswith(f"{name}: ")]
        assert told[0] == f"{name}: install: create-environment ok"
        assert f"{name}: install: {own} ok" in told
        assert told[-3:] == [f"{name}: verify: conflict-check ok", f"{name}: boot: web ok", told[-1]]
        assert re.fullmatch(rf"{name}: (accept|warn)", told[-1])
    assert len(lines) == sum(line.startswith(("heroku: ", "platformsh: ")) for line in lines)
    assert [answer["platform"] for answer in json.loads(result.stdout)["platforms"]] == [
        "heroku",
        "platformsh",
    ]


def test_verbose_shows_commands_and_what_they_print_and_what_is_kept(build: Build) -> None:
    result, platform = build(TREE, "-v", "--until", "install", "--keep", platform="platformsh")
    lines = result.stderr.splitlines()
    assert "platformsh: build-hook: $ echo from the hook" in lines
    assert "platformsh: build-hook: from the hook" in lines
    assert f"platformsh: kept {platform['work_dir']}" in lines


@pytest.mark.parametrize("files", [TREE, REFUSED], ids=["built", "refused"])
def test_quiet_says_nothing(build: Build, files: dict[str, Any]) -> None:
    result, platform = build(files, "-q", "--until", "install")
    assert result.stderr == ""
    assert platform["status"] == ("accept" if files is TREE else "reject")


def test_a_platform_that_is_not_built_has_its_line_too(build: Build) -> None:
    result, _ = build(REFUSED, "-p", "platformsh")
    assert sorted(untimed(result.stderr)) == ["heroku: reject", "platformsh: reject"]


# --- a terminal ---------------------------------------------------------------------------------------


class Screen:
    """What a terminal shows after a stream of text: just enough for a table that is drawn again and again."""

    CONTROL = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]+")

    def __init__(self) -> None:
        self.rows: dict[int, str] = {}
        self.row = self.column = 0

    def feed(self, text: str) -> None:
        for match in self.CONTROL.finditer(text):
            if match[0] == "\n":
                self.row += 1
            elif match[0] == "\r":
                self.column = 0
            elif match[2] is None:
                line = self.rows.get(self.row, "").ljust(self.column)
                end = self.column + len(match[0])
                self.rows[self.row] = line[: self.column] + match[0] + line[end:]
                self.column = end
            else:
                self.control(match[1], match[2])

    def control(self, argument: str, letter: str) -> None:
        if letter == "A":
            self.row -= int(argument or 1)
        elif letter == "K":
            self.rows[self.row] = ""
        else:
            # Colours, and the cursor shown or hidden.
            assert letter in "mhl", f"an escape the test does not know: {argument}{letter}"

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for _, line in sorted(self.rows.items()) if line.strip())


def on_a_terminal(argv: tuple[str, ...], cwd: Path, env: dict[str, str]) -> tuple[str, str]:
    """Run the command with stderr on a terminal of its own; return its stdout, and what was drawn."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    drawn: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # Linux says so when nobody holds the other end any more
                return
            if not data:
                return
            drawn.append(data)

    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "predeploy", *argv],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    reader = threading.Thread(target=read)
    reader.start()
    stdout, _ = process.communicate(timeout=120)
    reader.join(10)
    os.close(master)
    return stdout, b"".join(drawn).decode()


def terminal(tmp_path: Path, cache: Path, index: LocalIndex, **more: str) -> dict[str, str]:
    env = {
        **clean_environ(tmp_path, cache),
        **index.environ(),
        "TMPDIR": str(tmp_path),
        "TERM": "xterm",
        **more,
    }
    return {name: value for name, value in env.items() if name not in {"NO_COLOR", "COLUMNS"}}


BUILD = (
    "-f",
    "json",
    "--no-fetch-python",
    "--as-of",
    TODAY.isoformat(),
    "--current-packages",
    "--until",
    "install",
)


def test_a_terminal_gets_a_live_table_that_is_gone_afterwards(
    tmp_path: Path, index: LocalIndex, worker_cache: Path
) -> None:
    app = write_tree(tmp_path / "app", TREE)
    env = terminal(tmp_path, worker_cache, index)
    stdout, drawn = on_a_terminal(("build", str(app), *BOTH, *BUILD), tmp_path, env)
    assert [answer["status"] for answer in json.loads(stdout)["platforms"]] == ["accept", "warn"]
    for word in ("heroku", "platformsh", "install"):
        assert word in drawn
    screen = Screen()
    screen.feed(drawn)
    assert screen.text == ""
    assert drawn.count("\x1b[?25l") == drawn.count("\x1b[?25h"), "the cursor is shown again"


@pytest.mark.parametrize(
    "more", [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"CI": "true"}], ids=lambda more: next(iter(more))
)
def test_a_terminal_without_escapes_or_in_ci_gets_plain_lines(
    tmp_path: Path, index: LocalIndex, worker_cache: Path, more: dict[str, str]
) -> None:
    app = write_tree(tmp_path / "app", REFUSED)
    env = {**terminal(tmp_path, worker_cache, index), **more}
    _, drawn = on_a_terminal(("build", str(app), *BOTH, *BUILD), tmp_path, env)
    assert "\x1b" not in drawn
    assert sorted(untimed(drawn)) == ["heroku: reject", "platformsh: reject"]


# --- an interpreter that cannot be fetched ------------------------------------------------------------


def absent_python() -> str | None:
    """Return a minor version that Heroku has and this machine, with nothing but the system's PATH, lacks."""
    search = interpreters.Search.from_environ(
        {"PATH": "/usr/bin:/bin"}, Path("/nonexistent"), extra=(Path(sys.base_prefix),)
    )
    here = {".".join(found.version.split(".")[:2]) for found in interpreters.discover(search)}
    return next((minor for minor in ("3.14", "3.13", "3.12", "3.11") if minor not in here), None)


def test_a_python_out_of_reach_is_asked_for_once_and_replaced(
    tmp_path: Path, index: LocalIndex, worker_cache: Path
) -> None:
    missing = absent_python()
    if missing is None:
        pytest.skip("every Python of the host is here")
    app = write_tree(tmp_path / "app", {**TREE, ".python-version": missing})
    nobody = "http://127.0.0.1:9"
    env: dict[str, str | None] = {
        **index.environ(),
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(tmp_path),
        "HTTPS_PROXY": nobody,
        "HTTP_PROXY": nobody,
    }
    argv = (
        "build",
        str(app),
        "-p",
        "heroku",
        "-f",
        "json",
        "--until",
        "install",
        "--current-packages",
        "--as-of",
        TODAY.isoformat(),
    )
    result = run_cli(*argv, cwd=tmp_path, env=env, cache_dir=worker_cache)
    assert f"heroku: Python {missing} is not here; asking uv for it" in result.stderr
    (platform,) = json.loads(result.stdout)["platforms"]
    assert platform["python"]["match"] == "none"
    assert "heroku/python-substituted" in {finding["rule"] for finding in platform["findings"]}
    memory = worker_cache / f"fetch-{missing}.failed"
    assert missing in json.loads(memory.read_text(encoding="utf-8"))
    asked = memory.with_suffix(".log").stat().st_mtime_ns
    run_cli(*argv, cwd=tmp_path, env=env, cache_dir=worker_cache)
    assert memory.with_suffix(".log").stat().st_mtime_ns == asked, (
        "a failed download is not tried again at once"
    )
