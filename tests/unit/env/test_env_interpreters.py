from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from predeploy.env import interpreters
from predeploy.env.commands import Command, Completed, Running
from predeploy.env.interpreters import Interpreter, Search, choose, discover, fetch


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def good(path: Path, version: str, *, base: Path | None = None, implementation: str = "cpython") -> Path:
    return script(path, f"printf 'predeploy\\t{implementation}\\t{version}\\t{base or path}\\n'")


def search(tmp_path: Path, *path: Path, extra: tuple[Path, ...] = ()) -> Search:
    joined = ":".join(map(str, (*path, "/usr/bin", "/bin")))
    return Search(home=tmp_path / "home", path=joined, extra=extra, system=())


def found(wanted: Search, tmp_path: Path) -> list[tuple[str, str]]:
    return [(one.version, one.source) for one in discover(wanted) if one.path.is_relative_to(tmp_path)]


def test_broken_and_hanging_shims_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "PROBE_SECONDS", 2.0)
    broken, hanging, fine = tmp_path / "broken", tmp_path / "hanging", tmp_path / "fine"
    script(broken / "python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127")
    script(hanging / "python3", "sleep 600 & wait")
    script(fine / "python3.11", "echo not an answer")
    good(fine / "python3.13", "3.13.5")
    (fine / "python3.9").write_text("not executable")
    assert found(search(tmp_path, broken, hanging, fine), tmp_path) == [("3.13.5", "PATH")]


def test_known_shim_directories_are_not_even_run(tmp_path: Path) -> None:
    shims = tmp_path / "home/.pyenv/shims"
    script(shims / "python3", f"touch {tmp_path}/ran")
    good(tmp_path / "home/.pyenv/versions/3.12.1/bin/python3", "3.12.1")
    assert found(search(tmp_path, shims), tmp_path) == [("3.12.1", "pyenv")]
    assert not (tmp_path / "ran").exists()


def test_version_managers_and_extra_places(tmp_path: Path) -> None:
    home = tmp_path / "home"
    good(home / ".local/share/uv/python/cpython-3.14.2-linux/bin/python3", "3.14.2")
    good(home / ".asdf/installs/python/3.10.1/bin/python3", "3.10.1")
    good(home / ".local/share/mise/installs/python/3.11.4/bin/python3", "3.11.4")
    good(tmp_path / "fetched/cpython-3.9.1/bin/python3", "3.9.1")
    lone = good(tmp_path / "lone/mypython", "3.8.1")
    wanted = search(tmp_path, extra=(tmp_path / "fetched", lone, tmp_path / "absent"))
    assert found(wanted, tmp_path) == [
        ("3.14.2", "uv"),
        ("3.10.1", "asdf"),
        ("3.11.4", "mise"),
        ("3.9.1", "extra"),
        ("3.8.1", "extra"),
    ]


def test_from_environ_takes_the_managers_directories(tmp_path: Path) -> None:
    good(tmp_path / "py/versions/3.12.9/bin/python3", "3.12.9")
    wanted = Search.from_environ({"PATH": "", "PYENV_ROOT": str(tmp_path / "py"), "SECRET": "x"}, tmp_path)
    assert wanted.overrides == {"PYENV_ROOT": str(tmp_path / "py")}
    assert found(wanted, tmp_path) == [("3.12.9", "pyenv")]


def test_one_base_is_one_interpreter(tmp_path: Path) -> None:
    base = good(tmp_path / "base/bin/python3.12", "3.12.3")
    venv = good(tmp_path / "venv/bin/python3", "3.12.3", base=base)
    assert [
        one.path
        for one in discover(search(tmp_path, venv.parent, base.parent))
        if tmp_path in one.path.parents
    ] == [base]


def test_other_implementations_are_left_out(tmp_path: Path) -> None:
    good(tmp_path / "a/python3", "3.10.14", implementation="pypy")
    good(tmp_path / "b/python3", "3.14.0", implementation="cpythont")
    assert found(search(tmp_path, tmp_path / "a", tmp_path / "b"), tmp_path) == []


def test_the_probe_finds_the_base_of_a_real_virtualenv(tmp_path: Path) -> None:
    import venv

    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (one,) = discover(Search(home=tmp_path, path=str(tmp_path / "venv/bin"), system=()))
    assert one.version == ".".join(map(str, sys.version_info[:3]))
    assert not one.path.is_relative_to(tmp_path)
    assert one.path.exists()


def have(*versions: str) -> tuple[Interpreter, ...]:
    return tuple(
        Interpreter(path=Path(f"/{index}"), version=version, implementation="cpython", source="PATH")
        for index, version in enumerate(versions)
    )


@pytest.mark.parametrize(
    ("versions", "wanted", "chosen", "match"),
    [
        (("3.14.6", "3.14.7", "3.14.8"), "3.14.7", "3.14.7", "exact"),
        (("3.14.5", "3.14.6", "3.14.8"), "3.14.7", "3.14.6", "minor"),
        (("3.14.8", "3.14.9"), "3.14.7", "3.14.9", "minor"),
        (("3.13.1", "3.14.2", "3.14.8"), "3.14", "3.14.8", "minor"),
        (("3.14.0rc2", "3.14.0"), "3.14", "3.14.0", "minor"),
        (("3.14.0rc2",), "3.14.0", "3.14.0rc2", "minor"),
        (("3.11.1", "3.13.2"), "3.12.4", "3.11.1", "none"),
        (("3.9.1", "3.13.2", "3.13.5"), "3.12.4", "3.13.5", "none"),
        (("3.7.16", "3.12.1"), "3.8.1", "3.12.1", "none"),
        (("3.7.16", "3.12.1"), "3.7.16", "3.7.16", "exact"),
        (("3.12.1",), "3.20", "3.12.1", "none"),
    ],
)
def test_choose(versions: tuple[str, ...], wanted: str, chosen: str, match: str) -> None:
    result = choose(have(*versions), wanted)
    assert result is not None
    assert (result[0].version, result[1]) == (chosen, match)


def test_choose_from_nothing_fit() -> None:
    assert choose((), "3.12") is None
    assert choose(have("3.6.1", "3.7.2"), "3.12") is None


def test_the_first_found_of_equals_wins() -> None:
    for wanted in ("3.12.1", "3.12", "3.13"):
        result = choose(have("3.12.1", "3.12.1"), wanted)
        assert result is not None
        assert result[0].path == Path("/0")


class FakeRunner:
    def __init__(self, status: str) -> None:
        self.status = status
        self.commands: list[Command] = []

    def run(self, command: Command, *, on_line: object = None) -> Completed:
        self.commands.append(command)
        return Completed(status=self.status, returncode=1, seconds=0.0, tail="")  # type: ignore[arg-type]

    def start(self, command: Command, *, on_line: object = None) -> Running:
        raise AssertionError


def test_fetch_installs_into_the_directory(tmp_path: Path) -> None:
    runner = FakeRunner("ok")
    memory = tmp_path / "failures.json"
    assert fetch("3.12", directory=tmp_path / "py", runner=runner, env={"HOME": "/h"}, memory=memory)
    (command,) = runner.commands
    assert command.argv[1:5] == ("python", "install", "3.12", "--no-bin")
    assert command.env["UV_PYTHON_INSTALL_DIR"] == str(tmp_path / "py")
    assert command.env["HOME"] == "/h"
    assert not memory.exists()


def test_a_failed_fetch_is_remembered_for_an_hour(tmp_path: Path) -> None:
    runner = FakeRunner("failed")
    start = time.time()

    def again(minor: str, seconds: float) -> int:
        before = len(runner.commands)
        memory = tmp_path / "failures.json"
        assert not fetch(
            minor,
            directory=tmp_path / "py",
            runner=runner,
            env={},
            memory=memory,
            now=lambda: start + seconds,
        )
        return len(runner.commands) - before

    assert [again("3.12", 0), again("3.12", 3599), again("3.13", 3599), again("3.12", 3601)] == [1, 0, 1, 1]
    (tmp_path / "failures.json").write_text("{broken")
    assert again("3.12", 3602) == 1


def test_an_interrupted_fetch_is_not_remembered(tmp_path: Path) -> None:
    memory = tmp_path / "failures.json"
    assert not fetch(
        "3.12", directory=tmp_path / "py", runner=FakeRunner("interrupted"), env={}, memory=memory
    )
    assert not memory.exists()


def test_a_directory_of_the_path_that_must_not_be_searched_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, pattern: str) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "glob", refused)
    assert discover(Search(home=tmp_path, path=str(tmp_path), system=()), lambda argvs: ()) == ()


# --- what is remembered


class Asked:
    """Probes like the real thing and notes what it was asked."""

    def __init__(self, wanted: Search) -> None:
        self.paths: list[str] = []
        self._probe = interpreters.probe_processes(wanted)

    def __call__(self, argvs: Sequence[tuple[str, ...]]) -> tuple[str | None, ...]:
        self.paths += [argv[0] for argv in argvs]
        return self._probe(argvs)


def real(tmp_path: Path) -> tuple[Search, Path]:
    """Return a search that finds one real interpreter, of which the copy is a binary of its own."""
    place = tmp_path / "here" / "python3"
    place.parent.mkdir()
    shutil.copy(os.path.realpath(sys.executable), place)
    wanted = Search(home=tmp_path, path=str(place.parent), system=(), memory=tmp_path / "cache/known.json")
    return wanted, place


def test_an_interpreter_is_asked_once(tmp_path: Path) -> None:
    wanted, place = real(tmp_path)
    first, second = Asked(wanted), Asked(wanted)
    found = discover(wanted, first)
    assert [one.version for one in found] == [sys.version.split()[0]]
    assert discover(wanted, second) == found
    assert (first.paths, second.paths) == ([str(place)], [])


@pytest.mark.parametrize("change", ["time", "size", "damage", "empty", "foreign", "form"])
def test_it_is_asked_again_after_a_change(tmp_path: Path, change: str) -> None:
    wanted, place = real(tmp_path)
    found = discover(wanted, Asked(wanted))
    memory = tmp_path / "cache/known.json"
    if change == "time":
        os.utime(place, ns=(1, 1))
    elif change == "size":
        status = place.stat()
        with place.open("ab") as file:
            file.write(b"\0")
        os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "damage":
        memory.write_bytes(memory.read_bytes()[:-40])
    elif change == "empty":
        memory.write_text("[]")
    elif change == "foreign":
        memory.chmod(0o666)
    else:
        memory.write_text(memory.read_text().replace('"form": 1', '"form": 0'))
    again, after = Asked(wanted), Asked(wanted)
    assert discover(wanted, again) == found
    assert again.paths == [str(place)]
    assert discover(wanted, after) == found
    assert after.paths == []


def test_scripts_and_failures_are_asked_every_time(tmp_path: Path) -> None:
    good(tmp_path / "bin/python3.13", "3.13.5")
    script(tmp_path / "bin/python3.12", "exit 1")
    wanted = Search(
        home=tmp_path, path=str(tmp_path / "bin"), system=(), memory=tmp_path / "cache/known.json"
    )
    for _ in range(2):
        asked = Asked(wanted)
        assert [one.version for one in discover(wanted, asked)] == ["3.13.5"]
        assert len(asked.paths) == 2


def test_it_works_where_nothing_can_be_kept(tmp_path: Path) -> None:
    wanted, _ = real(tmp_path)
    (tmp_path / "cache").write_text("a file")
    assert discover(wanted) == discover(wanted) != ()
