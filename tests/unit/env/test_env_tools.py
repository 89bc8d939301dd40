from __future__ import annotations

import sys
from pathlib import Path

import pytest
from filelock import FileLock

from predeploy.env.commands import Command, Completed, Running
from predeploy.env.tools import ensure_tool, uv_binary
from predeploy.env.virtualenvs import bundled_wheels, creation_argv
from predeploy.errors import ToolError, TransientError
from predeploy.paths import cache_root, home_directory

MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


class FakeUv:
    """Makes what uv would make; fails the install with ``trouble``."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble = trouble
        self.commands: list[Command] = []

    def run(self, command: Command, *, on_line: object = None) -> Completed:
        self.commands.append(command)
        if command.argv[1] == "venv":
            place = Path(command.argv[-1], "bin")
            place.mkdir(parents=True)
            (place / "python").symlink_to(sys.executable)
        elif self.trouble:
            return Completed(status="failed", returncode=1, seconds=0.0, tail=self.trouble)
        return Completed(status="ok", returncode=0, seconds=0.0, tail="")

    def start(self, command: Command, *, on_line: object = None) -> Running:
        raise AssertionError


def ensure(cache: Path, runner: FakeUv, version: str = "2.1.0") -> Path:
    return ensure_tool(
        "poetry",
        version,
        cache=cache,
        python=Path(sys.executable),
        runner=runner,
        env={"PATH": "/usr/bin"},
        log_dir=cache / "logs",
    )


def made(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "tools").iterdir() if path.is_dir())


def test_a_tool_is_made_once(tmp_path: Path) -> None:
    uv = FakeUv()
    place = ensure(tmp_path, uv)
    assert place == tmp_path / f"tools/poetry-2.1.0-python{MINOR}/bin"
    assert ensure(tmp_path, uv) == place
    create, install = uv.commands
    assert create.argv[:2] == (str(uv_binary()), "venv")
    assert "--relocatable" in create.argv
    assert install.argv[1:3] == ("pip", "install")
    assert install.argv[-1] == "poetry==2.1.0"
    assert install.env == {"PATH": "/usr/bin", "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_NO_CONFIG": "1"}
    ensure(tmp_path, uv, "2.2.0")
    assert made(tmp_path) == [f"poetry-2.1.0-python{MINOR}", f"poetry-2.2.0-python{MINOR}"]


def test_a_half_made_environment_is_made_again(tmp_path: Path) -> None:
    half = tmp_path / f"tools/poetry-2.1.0-python{MINOR}"
    (half / "bin").mkdir(parents=True)
    (half / "leftover").write_text("")
    place = ensure(tmp_path, FakeUv())
    assert place == half / "bin"
    assert not (half / "leftover").exists()


def test_an_environment_whose_interpreter_is_gone_is_made_again(tmp_path: Path) -> None:
    place = ensure(tmp_path, FakeUv())
    (place / "python").unlink()
    (place / "python").symlink_to("/no/such/python")
    ensure(tmp_path, FakeUv())
    assert (place / "python").exists()


def test_a_failed_install_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"poetry==2\.1\.0 could not be installed: because it is not there"):
        ensure(tmp_path, FakeUv("because it is not there"))
    assert made(tmp_path) == []


def test_an_index_out_of_reach_is_transient(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        ensure(tmp_path, FakeUv("  cause: error sending request for url (https://pypi.org/simple/poetry/)"))
    assert made(tmp_path) == []


def test_waiting_for_another_process_can_be_interrupted(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    with (
        FileLock(tmp_path / f"tools/.poetry-2.1.0-python{MINOR}.lock"),
        pytest.raises(ToolError, match="interrupted"),
    ):
        ensure_tool(
            *("poetry", "2.1.0"),
            cache=tmp_path,
            python=Path(sys.executable),
            runner=FakeUv(),
            env={},
            log_dir=tmp_path,
            cancelled=lambda: True,
        )


def test_an_interpreter_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="does not run"):
        ensure_tool(
            "uv", "1", cache=tmp_path, python=tmp_path / "no", runner=FakeUv(), env={}, log_dir=tmp_path
        )


def test_where_the_cache_is(tmp_path: Path) -> None:
    assert cache_root({"PREDEPLOY_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert cache_root({}).name == "predeploy"


def test_a_user_without_a_home_has_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert home_directory({}) == Path("/")
    assert home_directory({"HOME": "/here"}) == Path("/here")


def bundled(name: str) -> str:
    return sorted(path.name.split("-")[1] for path in bundled_wheels().glob(f"{name}-*.whl"))[-1]


def test_a_virtualenv_without_seeds() -> None:
    argv = creation_argv(python=Path("/p/python3.12"), destination="/w/venv", seeds={})
    assert argv[:4] == (sys.executable, "-P", "-m", "virtualenv")
    assert argv[4:] == ("--python", "/p/python3.12", "--no-periodic-update", "--no-seed", "/w/venv")


def test_bundled_seeds_need_no_network(tmp_path: Path) -> None:
    argv = creation_argv(
        python=Path("/p"), destination="/v", seeds={"pip": bundled("pip")}, app_data=tmp_path
    )
    assert argv[argv.index("--pip") + 1] == bundled("pip")
    assert "--no-setuptools" in argv
    assert "--no-download" in argv
    assert "--download" not in argv
    assert argv[argv.index("--app-data") + 1] == str(tmp_path)


def test_another_version_may_be_downloaded() -> None:
    argv = creation_argv(
        python=Path("/p"), destination="/v", seeds={"pip": bundled("pip"), "setuptools": "70.3.0"}
    )
    assert "--download" in argv
    assert argv[argv.index("--setuptools") + 1] == "70.3.0"
    assert "--no-pip" in creation_argv(python=Path("/p"), destination="/v", seeds={"setuptools": "70.3.0"})


def test_only_pip_and_setuptools_can_be_seeded() -> None:
    with pytest.raises(ValueError, match="cannot seed wheel"):
        creation_argv(python=Path("/p"), destination="/v", seeds={"wheel": "0.45.1"})
