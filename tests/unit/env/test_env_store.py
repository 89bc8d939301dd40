"""Directories that are made once, and files that are compared with what was put there."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from pathlib import Path

import pytest

from predeploy.env.environments import own_files, place
from predeploy.env.intact import damaged
from predeploy.env.store import is_whole, made_once


class Maker:
    """Makes a directory with a file and a link, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, growing: Path) -> None:
        self.times += 1
        (growing / "lib").mkdir(parents=True)
        (growing / "lib" / "module.py").write_text("x = 1\n")
        (growing / "python").symlink_to("/bin/sh")


def test_it_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    target = tmp_path / "kind" / "key"
    assert made_once(target, make) == made_once(target, make) == target
    assert make.times == 1
    assert is_whole(target)


@pytest.mark.parametrize("harm", ["flipped", "truncated", "removed", "a link instead", "interpreter gone"])
def test_it_is_made_again_when_it_is_not_what_was_made(tmp_path: Path, harm: str) -> None:
    make = Maker()
    said: list[str] = []
    target = made_once(tmp_path / "key", make)
    module = target / "lib" / "module.py"
    if harm == "flipped":
        module.write_text("x = 2\n")
    elif harm == "truncated":
        os.truncate(module, 2)
    elif harm == "interpreter gone":
        (target / "python").unlink()
        (target / "python").symlink_to("/no/such")
    else:
        module.unlink()
        if harm == "a link instead":
            module.symlink_to("/etc/hostname")
    made_once(target, make, say=said.append)
    assert make.times == 2
    assert module.read_text() == "x = 1\n"
    assert [text.partition(": ")[2] for text in said] == ["not as it was made; it is made again"]
    made_once(target, make, say=said.append)
    assert len(said) == 1


def test_one_that_was_only_touched_is_whole(tmp_path: Path) -> None:
    make = Maker()
    target = made_once(tmp_path / "key", make)
    os.utime(target / "lib" / "module.py")
    made_once(target, make)
    assert make.times == 1


def test_many_at_once_make_one(tmp_path: Path) -> None:
    make = Maker()
    threads = [threading.Thread(target=made_once, args=(tmp_path / "key", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert make.times == 1


def template(root: Path) -> Path:
    made = root / "template"
    (made / "bin").mkdir(parents=True)
    packages = made / "lib" / "python3.13" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "module.py").write_text("x = 1\n")
    (made / "bin" / "pip").write_text(f"#!{made}/bin/python\n")
    (made / "bin" / "pip").chmod(0o755)
    (made / "bin" / "python").symlink_to("/pythons/3.13/bin/python3.13")
    (made / "pyvenv.cfg").write_text("home = /pythons/3.13/bin\n")
    (made / ".predeploy-made-at").write_text(str(made))
    return made


@pytest.mark.parametrize("link", [True, False])
def test_an_environment_is_placed_as_the_host_has_it(tmp_path: Path, link: bool) -> None:
    made, there = template(tmp_path), tmp_path / "venv"
    moved = {"venv": "/app/.heroku/python", "/pythons/3.13": "/opt/python"}
    assert place(made, there, moved=moved, link=link) is link
    assert (there / "bin" / "pip").read_text() == "#!/app/.heroku/python/bin/python\n"
    assert os.access(there / "bin" / "pip", os.X_OK)
    assert str((there / "bin" / "python").readlink()) == "/opt/python/bin/python3.13"
    assert (there / "pyvenv.cfg").read_text() == "home = /opt/python/bin\n"
    module = there / "lib/python3.13/site-packages/module.py"
    assert (module.stat().st_nlink > 1) is link
    own_files(there)
    module.write_text("x = 2\n")
    assert (made / "lib/python3.13/site-packages/module.py").read_text() == "x = 1\n"


def described(root: Path, content: str) -> Path:
    info = root / "pear-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (root / "pear.py").write_text("x = 1\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip("=")
    (info / "RECORD").write_text(
        f"pear.py,sha256={digest},6\n../../bin/pear,sha256=00,1\npear-1.0.dist-info/RECORD,,\n"
    )
    return info


def test_placed_files_are_compared_with_their_record(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    assert damaged([described(tmp_path / "a", "x = 1\n")], notes) == ()
    assert (notes / "pear-1.0.dist-info.json").is_file()
    assert damaged([described(tmp_path / "b", "x = 2\n")], notes) == ("pear",)
    assert not (notes / "pear-1.0.dist-info.json").exists()


def test_a_file_that_is_gone_is_damage(tmp_path: Path) -> None:
    info = described(tmp_path, "x = 1\n")
    (tmp_path / "pear.py").unlink()
    assert damaged([info], tmp_path / "notes") == ("pear",)
