"""Index settings of the user, read as pip reads them and handed to builds on purpose."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from predeploy.env.secrets import mask_credentials
from predeploy.lazy import pattern

PIP_OPTIONS = (
    "index-url",
    "extra-index-url",
    "find-links",
    "cert",
    "client-cert",
    "proxy",
    "trusted-host",
    "timeout",
    "retries",
    "no-index",
)
_ALIASES = {"default-timeout": "timeout", "pypi-url": "index-url"}
_PATHS = frozenset({"cert", "client-cert", "find-links"})

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)
CONDA_SETTINGS = ("CONDA_CHANNEL_ALIAS",)
"""Where conda's channels are, when they are a mirror's."""

_COMMON = (*PROXIES, *(name.lower() for name in PROXIES), *CERTIFICATES, *CONDA_SETTINGS)

UV_SETTINGS = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INSECURE_HOST",
    "UV_HTTP_TIMEOUT",
    "UV_NATIVE_TLS",
    "UV_SYSTEM_CERTS",
    "UV_INDEX_STRATEGY",
    "UV_KEYRING_PROVIDER",
)
_UV_INDEX_LOGIN = pattern(r"UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One value and where it stands: a file or a variable."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, kw_only=True)
class IndexSettings:
    """What reaches the index: pip's options, uv's variables, proxies and certificates."""

    pip: tuple[Setting, ...] = ()
    uv: tuple[Setting, ...] = ()
    common: tuple[Setting, ...] = ()
    remarks: tuple[str, ...] = ()
    """Files that could not be read."""

    @classmethod
    def read(cls, environ: Mapping[str, str], home: Path, *, root: Path = Path("/")) -> IndexSettings:
        """Return the settings of a user; ``root`` is where the machine's own files lie."""
        layers: dict[str, dict[str, Setting]] = {"global": {}, "install": {}}
        remarks: list[str] = []
        for path in pip_files(environ, home, root=root):
            problem = _read_file(path, home, layers)
            if problem:
                remarks.append(problem)
        merged: dict[str, Setting] = {}
        for layer in (layers["global"], layers["install"], _pip_variables(environ, home)):
            merged.update({name: setting for name, setting in layer.items() if setting.value})
        return cls(
            pip=tuple(merged[name] for name in PIP_OPTIONS if name in merged),
            uv=tuple(_variables(environ, UV_SETTINGS)) + tuple(_uv_logins(environ)),
            common=tuple(_variables(environ, _COMMON)),
            remarks=tuple(remarks),
        )

    def pip_option(self, name: str) -> str | None:
        """Return the value of a pip option such as ``index-url``; several values are separated by spaces."""
        return next((setting.value for setting in self.pip if setting.name == name), None)

    def local_paths(self) -> tuple[Path, ...]:
        """Return the files and directories of this machine that the settings name, where they exist."""
        words = [word for setting in (*self.pip, *self.uv, *self.common) for word in setting.value.split()]
        words += [part for setting in self.common for part in setting.value.split(os.pathsep)]
        plain = (word.removeprefix("file://") for word in words)
        paths = [Path(word) for word in dict.fromkeys(plain) if word.startswith("/") and len(word) > 1]
        # A mirror's pages lie in "simple" and lead to files beside it.
        wholes = (path.parent if path.name == "simple" and len(path.parts) > 2 else path for path in paths)
        return tuple(path for path in dict.fromkeys(wholes) if path.exists())

    def pip_env(self) -> dict[str, str]:
        """Return the variables that give pip these settings and no others."""
        given = {f"PIP_{s.name.upper().replace('-', '_')}": s.value for s in self.pip}
        if given.get("PIP_RETRIES") == "0":
            # Without a single retry pip does not say that the index was out of reach.
            given["PIP_RETRIES"] = "1"
        return {**given, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

    def uv_env(self) -> dict[str, str]:
        """Return the variables that give uv these settings and no others.

        pip's extra indexes and find-links stay out: uv would take the first index that knows a name.
        """
        env = {"UV_NO_CONFIG": "1", **{setting.name: setting.value for setting in self.uv}}
        index, hosts = self.pip_option("index-url"), self.pip_option("trusted-host")
        if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX"} & env.keys():
            env["UV_DEFAULT_INDEX"] = index
        if hosts:
            env.setdefault("UV_INSECURE_HOST", hosts)
        given = {setting.name for setting in self.common}
        certificate = self.pip_option("cert")
        if certificate and not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & given:
            env["SSL_CERT_DIR" if Path(certificate).is_dir() else "SSL_CERT_FILE"] = certificate
        proxy = self.pip_option("proxy")
        if proxy and not {name.upper() for name in given} & {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}:
            url = proxy if "://" in proxy else f"http://{proxy}"
            env |= {"HTTP_PROXY": url, "HTTPS_PROXY": url}
        return env

    def common_env(self) -> dict[str, str]:
        """Return the proxy and certificate variables, as the user has them."""
        return {setting.name: setting.value for setting in self.common}

    def described(self) -> tuple[str, ...]:
        """Return a line for each setting, without credentials."""
        pip = [f"pip {s.name} {mask_credentials(s.value)} from {s.origin}" for s in self.pip]
        others = [
            f"{s.name} {'***' if _UV_INDEX_LOGIN.fullmatch(s.name) else mask_credentials(s.value)}"
            for s in (*self.uv, *self.common)
        ]
        return (*pip, *others)


def pip_files(environ: Mapping[str, str], home: Path, *, root: Path) -> tuple[Path, ...]:
    """Return pip's configuration files, the weakest first (see ``pip._internal.configuration``)."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return ()
    machine = [Path(entry) / "pip" for entry in environ.get("XDG_CONFIG_DIRS", "").split(os.pathsep) if entry]
    machine = machine or [root / "etc/xdg/pip"]
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
    if sys.platform == "darwin":
        machine = [root / "Library/Application Support/pip"]
        support = home / "Library/Application Support/pip"
        user = support if support.is_dir() else home / ".config/pip"
    files = [directory / "pip.conf" for directory in (*machine, root / "etc")]
    if not (chosen and Path(chosen).exists()):
        files += [home / ".pip/pip.conf", user / "pip.conf"]
    return (*files, *([Path(chosen)] if chosen else []))


def _read_file(path: Path, home: Path, layers: dict[str, dict[str, Setting]]) -> str | None:
    """Add what a file says; return what is wrong with it."""
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"), source=str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{path}: not read: {(error.strerror or 'cannot be read').lower()}"
    except (configparser.Error, UnicodeDecodeError):  # the text may hold a password: not shown
        return f"{path}: not read: it is not a valid configuration file"
    for section, layer in layers.items():
        for name, value in parser.items(section) if parser.has_section(section) else ():
            _add(layer, name=name, value=value or "", origin=str(path), home=home)
    return None


def _pip_variables(environ: Mapping[str, str], home: Path) -> dict[str, Setting]:
    layer: dict[str, Setting] = {}
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            _add(layer, name=name[4:], value=value, origin=name, home=home)
    return layer


def _add(layer: dict[str, Setting], *, name: str, value: str, origin: str, home: Path) -> None:
    option = name.lower().replace("_", "-").removeprefix("--")
    option = _ALIASES.get(option, option)
    if option not in PIP_OPTIONS:
        return
    words = value.split()
    if option in _PATHS:  # a build has another home
        words = [str(home) + word[1:] if word == "~" or word.startswith("~/") else word for word in words]
    layer[option] = Setting(name=option, value=" ".join(words), origin=origin)


def _variables(environ: Mapping[str, str], names: tuple[str, ...]) -> Iterator[Setting]:
    for name in names:
        if environ.get(name):
            yield Setting(name=name, value=environ[name], origin=name)


def _uv_logins(environ: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the user names and passwords of uv's named indexes."""
    yield from _variables(environ, tuple(sorted(filter(_UV_INDEX_LOGIN.fullmatch, environ))))
