from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from predeploy.env.environment import build_environment
from predeploy.env.index import IndexSettings
from predeploy.env.secrets import mask_credentials

pytestmark = pytest.mark.usefixtures("linux")


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predeploy.env.index.sys.platform", "linux")


def config(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(tmp_path: Path, environ: Mapping[str, str] | None = None) -> IndexSettings:
    return IndexSettings.read(environ or {}, tmp_path / "home", root=tmp_path)


def test_nothing_is_set(tmp_path: Path) -> None:
    settings = read(tmp_path, {"HOME": "/x", "PIP_USER": "1", "PYTHONPATH": "/y", "UV_PUBLISH_TOKEN": "t"})
    assert settings == IndexSettings()
    assert settings.pip_env() == {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    assert settings.uv_env() == {"UV_NO_CONFIG": "1"}
    assert settings.common_env() == {}
    assert settings.described() == ()


def test_the_order_of_pips_sources(tmp_path: Path) -> None:
    sources = [
        tmp_path / "etc/xdg/pip/pip.conf",
        tmp_path / "etc/pip.conf",
        tmp_path / "home/.pip/pip.conf",
        tmp_path / "home/.config/pip/pip.conf",
    ]
    for number, path in enumerate(sources):
        config(path, f"[global]\nindex-url = https://{number}.example/simple\n")
        assert read(tmp_path).pip_option("index-url") == f"https://{number}.example/simple"
    chosen = config(tmp_path / "mine.conf", "[global]\ntimeout = 7\n")
    settings = read(tmp_path, {"PIP_CONFIG_FILE": str(chosen)})
    assert settings.pip_option("timeout") == "7"
    assert settings.pip_option("index-url") == "https://1.example/simple", (
        "the user's files do not count then"
    )
    absent = read(tmp_path, {"PIP_CONFIG_FILE": str(tmp_path / "absent")})
    assert absent.pip_option("index-url") == "https://3.example/simple"
    settings = read(tmp_path, {"PIP_INDEX_URL": "https://env.example/simple"})
    assert settings.described() == ("pip index-url https://env.example/simple from PIP_INDEX_URL",)
    assert read(tmp_path, {"PIP_CONFIG_FILE": os.devnull}) == IndexSettings()


def test_the_directories_of_xdg(tmp_path: Path) -> None:
    config(tmp_path / "xdg/pip/pip.conf", "[global]\nretries = 1\n")
    config(tmp_path / "dirs/pip/pip.conf", "[global]\nretries = 2\n")
    assert read(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}).pip_option("retries") == "1"
    assert read(tmp_path, {"XDG_CONFIG_DIRS": str(tmp_path / "dirs")}).pip_option("retries") == "2"


def test_the_install_section_beats_global_even_of_a_stronger_file(tmp_path: Path) -> None:
    config(tmp_path / "etc/pip.conf", "[install]\nfind-links = /wheels\n")
    config(tmp_path / "home/.config/pip/pip.conf", "[global]\nfind_links = /other\n[download]\ntimeout = 3\n")
    settings = read(tmp_path)
    assert settings.pip_option("find-links") == "/wheels"
    assert settings.pip_option("timeout") is None


def test_values_as_pip_reads_them(tmp_path: Path) -> None:
    config(
        tmp_path / "etc/pip.conf",
        "[global]\nextra-index-url =\n    https://a.example/%(x)s\n    https://b.example\ncert = ~/ca.pem\n"
        "default-timeout = 9\nindex-url = https://file.example\nquiet = 1\n",
    )
    settings = read(tmp_path, {"PIP_FIND_LINKS": "/a ~/b", "PIP_NO_INDEX": "1", "PIP_INDEX_URL": ""})
    assert settings.pip_env() == {
        "PIP_INDEX_URL": "https://file.example",
        "PIP_EXTRA_INDEX_URL": "https://a.example/%(x)s https://b.example",
        "PIP_FIND_LINKS": f"/a {tmp_path}/home/b",
        "PIP_CERT": f"{tmp_path}/home/ca.pem",
        "PIP_TIMEOUT": "9",
        "PIP_NO_INDEX": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@pytest.mark.parametrize("text", ["index-url = x\n", "[global]\na = 1\na = 2\n", "[global\n"])
def test_a_broken_file_is_skipped_and_remembered(tmp_path: Path, text: str) -> None:
    broken = config(tmp_path / "etc/pip.conf", text)
    config(tmp_path / "home/.config/pip/pip.conf", "[global]\nretries = 0\n")
    settings = read(tmp_path)
    assert settings.pip_option("retries") == "0"
    assert settings.remarks == (f"{broken}: not read: it is not a valid configuration file",)


def test_uv_gets_pips_index_but_not_its_extras(tmp_path: Path) -> None:
    environ = {
        "PIP_INDEX_URL": "https://u:p@pip.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://extra.example",
        "PIP_FIND_LINKS": "/wheels",
        "PIP_TRUSTED_HOST": "pip.example",
        "PIP_CERT": "/ca.pem",
        "PIP_PROXY": "proxy:3128",
    }
    assert read(tmp_path, environ).uv_env() == {
        "UV_NO_CONFIG": "1",
        "UV_DEFAULT_INDEX": "https://u:p@pip.example/simple",
        "UV_INSECURE_HOST": "pip.example",
        "SSL_CERT_FILE": "/ca.pem",
        "HTTP_PROXY": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
    }


def test_uvs_own_settings_win(tmp_path: Path) -> None:
    environ = {
        "PIP_INDEX_URL": "https://pip.example",
        "PIP_CERT": "/ca.pem",
        "PIP_PROXY": "http://pip-proxy",
        "UV_DEFAULT_INDEX": "https://uv.example",
        "UV_INDEX_PRIVATE_PASSWORD": "hush",
        "SSL_CERT_DIR": "/certs",
        "https_proxy": "http://me:pw@proxy",
        "NO_PROXY": "localhost",
    }
    settings = read(tmp_path, environ)
    assert settings.uv_env() == {
        "UV_NO_CONFIG": "1",
        "UV_DEFAULT_INDEX": "https://uv.example",
        "UV_INDEX_PRIVATE_PASSWORD": "hush",
    }
    assert settings.common_env() == {
        "SSL_CERT_DIR": "/certs",
        "https_proxy": "http://me:pw@proxy",
        "NO_PROXY": "localhost",
    }
    shown = "\n".join(settings.described())
    assert "https_proxy http://***@proxy" in shown
    assert "hush" not in shown
    assert "me:pw" not in shown


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://user:pass@host/simple", "https://***@host/simple"),
        ("https://token@host", "https://***@host"),
        ("https://user:p@ss@host/x", "https://***@host/x"),
        ("a=git+https://x:y@h/r.git@v1 b=http://z@h", "a=git+https://***@h/r.git@v1 b=http://***@h"),
        ("https://host/path@1.0", "https://host/path@1.0"),
        ("https://host?mail=a@b.c", "https://host?mail=a@b.c"),
        ("mail me@example.com", "mail me@example.com"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask_credentials(text) == masked


def test_a_build_environment_is_made_from_nothing(tmp_path: Path) -> None:
    index = read(
        tmp_path, {"PIP_INDEX_URL": "https://i.example", "HTTPS_PROXY": "http://p", "AWS_SECRET": "s"}
    )
    env = build_environment(
        home="/w/home",
        temp="/w/tmp",
        path=("/w/venv/bin", "/root/.pyenv/shims", "/usr/bin"),
        index=index,
        extra={"LANG": "en_US.UTF-8", "PORT": "8000"},
    )
    assert env == {
        "PATH": "/w/venv/bin:/usr/bin:/usr/local/bin:/bin",
        "HOME": "/w/home",
        "TMPDIR": "/w/tmp",
        "LANG": "en_US.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PORT": "8000",
        "HTTPS_PROXY": "http://p",
        "PIP_INDEX_URL": "https://i.example",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_DEFAULT_INDEX": "https://i.example",
        "UV_NO_CONFIG": "1",
    }
