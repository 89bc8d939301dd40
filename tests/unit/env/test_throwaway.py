"""An interpreter of the run's own, made of a virtualenv and a stand-in of an installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from predeploy.env.throwaway import GUARD_FILE, make_base
from predeploy.errors import ToolError


def installation(root: Path) -> Path:
    """Return the executable of an installation with a standard library of a few files."""
    library = root / "lib/python3.11"
    for name in ("os.py", "json/__init__.py", "site-packages/real.py", "test/x.py", "EXTERNALLY-MANAGED"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text(name, "utf-8")
    (root / "bin").mkdir()
    (root / "bin/python3.11").write_text("executable", "utf-8")
    (root / "lib/libpython3.11.so.1.0").write_text("shared", "utf-8")
    return root / "bin/python3.11"


def virtualenv(root: Path, python: Path) -> Path:
    packages = root / "lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    for name in ("pip.py", "_virtualenv.py", "_virtualenv.pth"):
        (packages / name).write_text(name, "utf-8")
    (root / "bin").mkdir()
    (root / "bin/python").symlink_to(python)
    (root / "bin/activate").write_text("", "utf-8")
    (root / "pyvenv.cfg").write_text("", "utf-8")
    return root


@pytest.mark.parametrize("guarded", [True, False])
def test_a_virtualenv_becomes_an_installation(tmp_path: Path, guarded: bool) -> None:
    python = installation(tmp_path / "machine")
    venv = virtualenv(tmp_path / "venv", python)
    make_base(venv, python, guarded=guarded)
    library = venv / "lib/python3.11"
    assert not (venv / "pyvenv.cfg").exists()
    assert not (venv / "bin/activate").exists()
    assert not (venv / "bin/python3.11").is_symlink()
    assert (venv / "bin/python").resolve() == (venv / "bin/python3.11").resolve()
    assert (library / "os.py").is_symlink()
    assert (library / "json/__init__.py").read_text("utf-8") == "json/__init__.py"
    names = {path.name for path in (library / "site-packages").iterdir()}
    assert names == {"pip.py", GUARD_FILE} if guarded else {"pip.py"}
    assert not (library / "test").exists()
    assert not (library / "EXTERNALLY-MANAGED").exists()
    assert (venv / "lib/libpython3.11.so.1.0").exists()
    # Nothing that the machine's interpreter does not protect itself is a directory of it.
    assert (library / "json").is_symlink() is not guarded


def test_an_interpreter_without_its_library_is_no_base(tmp_path: Path) -> None:
    python = installation(tmp_path / "machine")
    (tmp_path / "machine/lib/python3.11/os.py").unlink()
    with pytest.raises(ToolError, match="no standard library"):
        make_base(virtualenv(tmp_path / "venv", python), python, guarded=True)
