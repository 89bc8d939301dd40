from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from predeploy.env import processes
from predeploy.env.ask import Question
from predeploy.env.output import LINE_SHOWN, readable
from predeploy.env.runner import Cancellation, Command, ProcessRunner, capture, capture_all
from predeploy.errors import ToolError


@pytest.fixture
def runner() -> ProcessRunner:
    return ProcessRunner(Cancellation(), output_limit=4000, grace_seconds=0.2)


def python(tmp_path: Path, code: str, *arguments: str, timeout: float = 30.0) -> Command:
    return command(tmp_path, sys.executable, "-I", "-S", "-c", code, *arguments, timeout=timeout)


def command(tmp_path: Path, *argv: str, timeout: float = 30.0) -> Command:
    return Command(
        argv=argv,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "GIVEN": "yes"},
        log=tmp_path / "logs" / "step.log",
        timeout_seconds=timeout,
    )


def wait_for(path: Path) -> str:
    while not (path.is_file() and path.read_text().endswith("\n")):
        time.sleep(0.01)
    return path.read_text().strip()


def cancel_after(token: Cancellation, note: Path) -> None:
    wait_for(note)
    token.cancel()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_command_gets_exactly_its_environment_and_directory(runner: ProcessRunner, tmp_path: Path) -> None:
    code = "import os, sys; print(sorted(os.environ), os.getcwd(), os.isatty(0), repr(sys.stdin.read()))"
    done = runner.run(python(tmp_path, code))
    assert (done.status, done.returncode) == ("ok", 0)
    names = {"GIVEN", "PATH", processes.MARKER, "LC_CTYPE"}  # Python itself adds LC_CTYPE in the C locale
    listed = done.tail.partition("]")[0].strip("[").replace("'", "").split(", ")
    assert set(listed) <= names
    assert str(tmp_path) in done.tail
    assert done.tail.endswith("False ''")


def test_standard_error_is_merged_and_the_exit_status_kept(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "import sys; print('out', flush=True); sys.exit('err')"))
    assert (done.status, done.returncode, done.tail) == ("failed", 1, "out\nerr")
    assert (tmp_path / "logs/step.log").read_text() == "out\nerr\n"


def test_a_signal_is_a_negative_exit_status(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "import os; os.kill(os.getpid(), 9)"))
    assert (done.status, done.returncode) == ("failed", -9)


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EMFILE])
def test_a_machine_that_can_start_nothing_is_not_a_failed_command(
    runner: ProcessRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("subprocess.Popen", exhausted)
    for begin in (runner.run, runner.start):
        with pytest.raises(ToolError, match="cannot be started"):
            begin(python(tmp_path, ""))


def test_output_over_the_limit_keeps_head_and_end(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "for i in range(20000): print('line', i)"))
    log = (tmp_path / "logs/step.log").read_text()
    assert log.startswith("line 0\nline 1\n")
    assert log.endswith("line 19998\nline 19999\n")
    assert log.count("[predeploy: ") == 1
    assert len(log) < 4200
    assert done.tail.splitlines() == [f"line {i}" for i in range(19960, 20000)]


def test_a_megabyte_without_a_newline(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "import sys; sys.stdout.write('x' * 1_000_000 + 'END')"))
    assert done.status == "ok"
    assert done.tail == "x" * (LINE_SHOWN - 1) + "…"
    log = (tmp_path / "logs/step.log").read_text()
    assert len(log) < 4200
    assert log.endswith("xEND")


def test_lines_are_heard_as_they_come(runner: ProcessRunner, tmp_path: Path) -> None:
    heard: list[str] = []
    runner.run(
        python(tmp_path, "print('\\033[31mred\\033[0m'); print('10%\\r100%'); print('end', end='')"),
        on_line=heard.append,
    )
    assert heard == ["red", "100%", "end"]


def test_an_error_of_the_listener_is_raised_after_the_command(runner: ProcessRunner, tmp_path: Path) -> None:
    def listen(line: str) -> None:
        raise LookupError(line)

    with pytest.raises(LookupError, match="one"):
        runner.run(python(tmp_path, "print('one'); print('two' * 100_000)"), on_line=listen)
    assert (tmp_path / "logs/step.log").read_text().startswith("one\n")


def test_bytes_that_are_no_text(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "import os; os.write(1, b'caf\\xe9 \\x00\\x07!\\n')"))
    assert done.tail == "caf\ufffd !"
    assert (tmp_path / "logs/step.log").read_bytes() == b"caf\xe9 \x00\x07!\n"


def test_credentials_reach_neither_log_nor_tail(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(python(tmp_path, "print('from https://me:secret@example.com/simple')"))
    assert done.tail == "from https://***@example.com/simple"
    assert (tmp_path / "logs/step.log").read_text() == done.tail + "\n"


def test_readable_shortens_and_drops_escapes() -> None:
    assert readable(b"\x1b]0;title\x07a\x1b[2Kb\x1b(Bc\r\n") == "abc"
    assert len(readable(b"y" * 10_000)) == LINE_SHOWN


STUBBORN = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: print("ignored", int(number), flush=True))
open(sys.argv[1], "w").write(f"{os.getpid()}\\n")
while True:
    time.sleep(0.05)
"""


def test_a_timeout_escalates_to_kill(runner: ProcessRunner, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = runner.run(python(tmp_path, STUBBORN, str(note), timeout=2.0))
    assert (done.status, done.returncode) == ("timeout", None)
    assert done.tail == "ignored 2\nignored 15"
    assert gone(int(note.read_text()))


def test_a_cancellation_ends_the_run(tmp_path: Path) -> None:
    token = Cancellation()
    runner = ProcessRunner(token, grace_seconds=5.0)
    note = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(f'{os.getpid()}\\n'); time.sleep(600)"
    canceller = threading.Thread(target=cancel_after, args=(token, note))
    canceller.start()
    done = runner.run(python(tmp_path, code, str(note), timeout=600))
    canceller.join()
    assert (done.status, done.returncode) == ("interrupted", None)
    assert gone(int(note.read_text()))
    assert runner.run(python(tmp_path, "print('never')")).status == "interrupted"
    assert not (tmp_path / "logs/step.log").read_text().endswith("never\n")


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(f"{os.getpid()}\\n")
        time.sleep(600)
    os._exit(0)
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="daemons are found through /proc")
def test_a_double_forked_daemon_is_gone_and_did_not_hold_us(runner: ProcessRunner, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = runner.run(python(tmp_path, DAEMON, str(note)))
    assert done.status == "ok"
    assert gone(int(wait_for(note)))


def test_a_background_child_that_holds_the_pipe(runner: ProcessRunner, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    done = runner.run(command(tmp_path, "sh", "-c", f"sleep 600 & echo $! > {note}; echo done"))
    assert (done.status, done.tail) == ("ok", "done")
    assert gone(int(wait_for(note)))


def test_a_descendant_in_a_session_of_its_own_ends_with_the_rest(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os, subprocess, sys, time\n"
        "stubborn = ['sh', '-c', 'trap \"\" INT TERM; sleep 600']\n"
        "child = subprocess.Popen(stubborn, start_new_session=True, env={})\n"
        "open(sys.argv[1], 'w').write(f'{child.pid}\\n')\n"
        "time.sleep(600)"
    )
    token = Cancellation()
    canceller = threading.Thread(target=cancel_after, args=(token, note))
    canceller.start()
    runner = ProcessRunner(token, grace_seconds=0.2)
    assert runner.run(command(tmp_path, sys.executable, "-c", code, str(note))).status == "interrupted"
    canceller.join()
    assert gone(int(wait_for(note)))


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("no-such-command-here",), 127, "command not found"),
        (("/no/such/file",), 127, "command not found"),
        (("./plain.txt",), 126, "permission denied"),
        (("./no-interpreter",), 127, "interpreter is missing"),
        (("./garbage",), 126, "exec format error"),
        (("echo", "nul\0byte"), 126, "cannot be run"),
        ((), 126, "no command"),
    ],
)
def test_what_cannot_be_started_has_failed(
    runner: ProcessRunner, tmp_path: Path, argv: tuple[str, ...], code: int, words: str
) -> None:
    (tmp_path / "plain.txt").write_text("text")
    for name, content in (("no-interpreter", "#!/no/such/interpreter\n"), ("garbage", "\x01\x02")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    done = runner.run(command(tmp_path, *argv))
    assert (done.status, done.returncode) == ("failed", code)
    assert words in done.tail
    assert words in (tmp_path / "logs/step.log").read_text()
    running = runner.start(command(tmp_path, *argv))
    assert (running.poll(), running.processes(), running.listening()) == (code, (), ())
    assert words in running.tail()
    running.stop()


def test_a_missing_directory_is_named(runner: ProcessRunner, tmp_path: Path) -> None:
    done = runner.run(
        Command(argv=("true",), cwd=tmp_path / "gone", env={}, log=tmp_path / "log", timeout_seconds=5)
    )
    assert done.returncode == 127
    assert done.tail == f"{tmp_path / 'gone'}: no such directory"


SERVER = """
import os, socket, sys, time
tcp = socket.create_server(("127.0.0.1", 0))
unix = socket.socket(socket.AF_UNIX)
unix.bind(sys.argv[1] + ".sock")
unix.listen()
if os.fork() == 0:
    time.sleep(600)
print("ready", flush=True)
open(sys.argv[1], "w").write(f"{tcp.getsockname()[1]}\\n")
time.sleep(600)
"""


@pytest.fixture
def socket_dir() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory() as short:  # a unix socket's path holds 100 bytes or so
        yield Path(short)


def test_a_started_server_is_seen_and_stopped(
    runner: ProcessRunner, tmp_path: Path, socket_dir: Path
) -> None:
    note = socket_dir / "s"
    server = runner.start(python(tmp_path, SERVER, str(note)))
    port = wait_for(note)
    assert server.poll() is None
    while server.tail() != "ready":  # it comes through another thread
        time.sleep(0.01)
    tree = server.processes()
    assert len(tree) == 2
    assert os.getpid() not in tree
    assert server.listening() == (f"127.0.0.1:{port}", f"unix:{note}.sock")
    server.stop()
    server.stop()
    assert server.poll() not in (None, 0)
    assert server.processes() == ()
    assert all(gone(pid) for pid in tree)


def test_a_server_that_ends_by_itself(runner: ProcessRunner, tmp_path: Path) -> None:
    server = runner.start(python(tmp_path, "import sys; print('bye'); sys.exit(3)"))
    while server.poll() is None:
        time.sleep(0.01)
    server.stop()
    assert server.poll() == 3
    assert server.tail() == "bye"


def test_a_quick_question() -> None:
    assert capture((sys.executable, "-I", "-S", "-c", "print(6 * 7)"), timeout=30) == "42\n"
    assert capture((sys.executable, "-I", "-S", "-c", "raise SystemExit(1)"), timeout=30) is None
    assert capture(("/no/such/program",), timeout=30) is None
    assert capture(("/bin/sh", "-c", "sleep 600 & wait"), timeout=0.2, env={"PATH": "/bin"}) is None
    assert capture_all([("/bin/echo", str(i)) for i in range(20)], timeout=30) == tuple(
        f"{i}\n" for i in range(20)
    )
    assert capture_all([], timeout=1) == ()


def test_a_question_that_is_dropped_ends(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    question = Question(
        ("/bin/sh", "-c", f"echo $$ > {note}; exec sleep 600"), timeout=60, env={"PATH": "/usr/bin:/bin"}
    )
    while not note.exists() or not note.read_text():
        time.sleep(0.01)
    del question
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_questions_see_their_own_search_path_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "asked"
    program.write_text("#!/bin/sh\nset\n")
    program.chmod(0o755)
    printed = capture(("asked",), timeout=30, env={"PATH": f"/no/such:{tmp_path}:/bin", "SAID": "yes"})
    assert printed is not None
    assert "SAID='yes'" in printed or "SAID=yes" in printed
    assert "HOME=" not in printed
    assert capture(("asked",), timeout=30, env={"PATH": "/no/such"}) is None


def test_long_answers_and_closed_outputs() -> None:
    many = capture((sys.executable, "-I", "-c", "print('x' * 3_000_000)"), timeout=30)
    assert many is not None
    assert len(many) == 3_000_001
    closed = "import os, time; os.close(1); time.sleep(600)"
    assert capture((sys.executable, "-I", "-c", closed), timeout=0.5) is None
