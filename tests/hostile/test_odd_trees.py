"""Trees that are broken, odd or hostile: always an answer or one clear line, never a traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from support.apps import run_cli, write_tree

MANIFESTS = (
    "requirements.txt",
    "Pipfile",
    "Pipfile.lock",
    "pyproject.toml",
    "poetry.lock",
    "uv.lock",
    "runtime.txt",
    ".python-version",
    "Procfile",
    "environment.yml",
    "packages.txt",
    ".platform.app.yaml",
    ".platform/routes.yaml",
    ".platform/services.yaml",
    ".streamlit/config.toml",
    "main.py",
    "streamlit_app.py",
    ".slugignore",
    ".gcloudignore",
)
CONTENTS = {
    "empty": b"",
    "nul": b"a\x00b\x00\n",
    "latin-1": "flask # caf\xe9\n".encode("latin-1"),
    "utf-16": "flask\n".encode("utf-16"),
    "bom": b"\xef\xbb\xbfflask\n",
    "brackets": b"[" * 20_000,
    "braces": b"{" * 20_000,
    "unclosed": b'{"a": [1, 2',
    "tabs": b"a:\n\tb: c\n",
    "aliases": b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b, *a]\n",
    "backslashes": b"\\\n" * 5_000,
    "escapes": b"\x1b]0;title\x07\x1b[31mred\n",
    "long line": b"x" * 500_000,
}


def check(app: Path, **env: str) -> dict[str, object]:
    result = run_cli("check", str(app), "-f", "json", cwd=app.parent, env=dict(env))
    assert result.exit_code in {0, 1}, result.stderr
    assert "Traceback" not in result.stderr
    document = json.loads(result.stdout)
    assert document["platforms"]
    return {platform["platform"]: platform for platform in document["platforms"]}


@pytest.mark.parametrize("kind", CONTENTS)
def test_every_file_with_odd_content(tmp_path: Path, kind: str) -> None:
    check(write_tree(tmp_path / "app", dict.fromkeys(MANIFESTS, CONTENTS[kind])))


def test_an_empty_directory_is_refused_everywhere_or_said_to_be_empty(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    answers = check(tmp_path / "app")
    assert {answer["status"] for answer in answers.values()} <= {"reject", "fail", "unknown"}  # type: ignore[index]


def test_manifests_that_are_directories(tmp_path: Path) -> None:
    check(write_tree(tmp_path / "app", {f"{name}/": "" for name in MANIFESTS}))


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "nowhere", ".", "loop"])
def test_manifests_that_are_links(tmp_path: Path, target: str) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (tmp_path / "outside").write_text("secret-outside-the-tree\n")
    (app / "loop").symlink_to("loop")
    for name in MANIFESTS:
        if "/" not in name:
            (app / name).symlink_to(target)
    answers = check(app)
    assert "secret-outside-the-tree" not in json.dumps(answers)


def test_fifos_and_sockets_do_not_hang(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name in MANIFESTS:
        if "/" not in name:
            os.mkfifo(app / name)
    check(app)


def test_requirements_that_include_themselves_or_leave_the_tree(tmp_path: Path) -> None:
    files = {"requirements.txt": "-r requirements.txt\n-r ../../etc/passwd\n-c /etc/hosts\n-r a.txt\n", "a.txt": "-r requirements.txt\n"}  # fmt: skip
    check(write_tree(tmp_path / "app", files))


@pytest.mark.slow
def test_fifty_megabytes_of_requirements(tmp_path: Path) -> None:
    app = write_tree(
        tmp_path / "app", {"main.py": "def f(request): pass\n", "streamlit_app.py": "import streamlit\n"}
    )
    with (app / "requirements.txt").open("w") as file:
        for number in range(50):
            file.write("".join(f"package-{number}-{line}==1.0.0\n" for line in range(40_000)))
    assert (app / "requirements.txt").stat().st_size > 45_000_000
    check(app)


def test_file_names_with_newlines_and_escapes_are_shown_harmlessly(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "a\x1b[31mp\np", {"requirements.txt": ""})
    (app / "bad\x1b]0;x\x07\nname.py").symlink_to("/nowhere")
    result = run_cli("check", str(app), cwd=tmp_path)
    assert "\x1b" not in result.stdout
    assert "Traceback" not in result.stderr


NAMES = {
    "newline": b"a\nb.py",
    "escape": b"a\x1b]0;owned\x07b.py",
    "not UTF-8": b"caf\xe9.py",
    "right to left": "a\u202eyp.b".encode(),
    "invisible": "a\u200b.py".encode(),
    "blank": b" .py",
    "dashes": b"--help",
    "quotes": b"a'b\"c`d$(e).py",
    "long": b"x" * 250 + b".py",
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_file_names_of_any_bytes(tmp_path: Path, kind: str, form: str) -> None:
    app = write_tree(
        tmp_path / "app",
        {"requirements.txt": "-r no\n", "Procfile": "web: x\n", "main.py": "", ".python-version": "9"},
    )
    name = os.fsencode(app) + b"/" + NAMES[kind]
    with open(name, "wb") as file:  # noqa: PTH123 - a name of bytes
        file.write(b"def f(request: pass\nimport nothing\n")
    os.symlink(b"/nowhere/" + NAMES[kind][:100], name + b"2")  # noqa: PTH211
    result = run_cli("check", str(app), "-f", form, cwd=tmp_path)
    assert result.exit_code in {0, 1}, result.stderr
    assert "Traceback" not in result.stderr
    for character in "\x1b\x07\u202e\u200b":
        assert character not in result.stdout
    if form == "json":
        assert json.loads(result.stdout)["platforms"]


def test_sparse_files_of_many_gigabytes(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    for name in MANIFESTS:
        if "/" not in name:
            (app / name).touch()
            os.truncate(app / name, 20 << 30)
    check(app)


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "outward", "loop"])
def test_our_own_settings_that_are_no_file(tmp_path: Path, kind: str) -> None:
    app = write_tree(tmp_path / "app", {"requirements.txt": "flask\n"})
    (tmp_path / "outside.toml").write_text("[tool.predeploy]\ncanary-key = 1\n")
    for name in ("predeploy.toml", "pyproject.toml"):
        if kind == "fifo":
            os.mkfifo(app / name)
        elif kind == "socket":
            import socket

            here = Path.cwd()
            os.chdir(app)  # socket paths are short
            try:
                with socket.socket(socket.AF_UNIX) as server:
                    server.bind(name)
            finally:
                os.chdir(here)
        else:
            target = {"device": "/dev/zero", "outward": "../outside.toml", "loop": name}[kind]
            (app / name).symlink_to(target)
    assert "canary" not in json.dumps(check(app))


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 5_000_000,
        "a = [" * 100_000,
        "a" + ".a" * 100_000 + " = 1",
        "a = " + "9" * 100_000,
        "x" * 9_000_000,
    ],
    ids=["blank lines", "brackets", "dots", "digits", "a line"],
)
def test_our_own_settings_that_are_bombs(tmp_path: Path, text: str) -> None:
    app = write_tree(tmp_path / "app", {"predeploy.toml": text})
    result = run_cli("check", str(app), cwd=tmp_path)
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.stderr
    if result.exit_code == 2:
        assert len(result.stderr.splitlines()) == 1
        assert len(result.stderr) < 500
    project = write_tree(tmp_path / "project", {"pyproject.toml": text})
    check(project)


def test_a_hundred_thousand_files(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"requirements.txt": "flask\n", "main.py": "def f(request): pass\n"})
    for number in range(100):
        directory = app / f"d{number}"
        directory.mkdir()
        for name in range(1_000):
            (directory / f"f{name}").touch()
    check(app)


def test_a_chain_of_includes_and_a_fan_of_them(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {
        f"r{n}.txt": f"-r r{n + 1}.txt\n-r r{n + 1}.txt\n" for n in range(60)
    }
    check(
        write_tree(
            tmp_path / "app", {"requirements.txt": "-r r0.txt\n" * 50, **files, "Procfile": "web: x\n"}
        )
    )


def test_deep_directories(tmp_path: Path) -> None:
    app = tmp_path / "app"
    deep = app.joinpath(*["d"] * 150)
    deep.mkdir(parents=True)
    (deep / "main.py").write_text("")
    check(app)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_manifest_is_unknown(tmp_path: Path) -> None:
    app = write_tree(tmp_path / "app", {"requirements.txt": "flask\n", ".python-version": "3.13"})
    (app / "requirements.txt").chmod(0)
    answers = check(app)
    assert answers["heroku"]["status"] == "unknown"  # type: ignore[index]
