"""What a run is asked to do: flags over ``PREDEPLOY_*`` over ``[tool.predeploy]`` over defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from predeploy.config import Config as Config
from predeploy.config import read_config as read_config
from predeploy.env.secrets import Secrets
from predeploy.errors import UsageError, at, suggestion
from predeploy.limits import parse_limits
from predeploy.model import Phase
from predeploy.model.limits import Limits
from predeploy.model.snapshot import HostSnapshot
from predeploy.option import from_text, parse_reports, truth
from predeploy.option import parse_day as parse_day
from predeploy.option import parse_phase as parse_phase
from predeploy.options import OPTIONS, options_of
from predeploy.paths import text_of
from predeploy.record import field, field_names, record

Sandbox = Literal["auto", "bwrap", "none"]
Network = Literal["auto", "host", "none"]


@record
class RunRequest:
    """One run, complete: nothing below reads flags, variables or files of the user again."""

    app: Path
    platforms: tuple[str, ...] = ()
    """Empty: all built-in platforms."""
    as_of: date
    packages_as_of: date | None = None
    """The past day whose packages are installed; ``None``: today's."""
    strict: bool = False
    until: Phase = "boot"
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Per platform, what the host keeps outside the tree."""
    shared_settings: Mapping[str, str] = field(default_factory=dict)
    """Settings given once for every chosen platform that declares them; they win over the others."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Config vars and build variables of the app."""
    services: Mapping[str, str] = field(default_factory=dict)
    """Addresses of running services, by the name of the app's relationship or of the service."""
    platform_directories: tuple[Path, ...] = ()
    jobs: int | None = None
    """Platforms built at the same time; ``None``: as many as there are cores."""
    build: bool = False
    """Whether ``matrix`` builds, or judges statically."""
    keep: bool = False
    boot_timeout: float | None = None
    """Seconds after which a start is given up even when the host would wait longer."""
    work_dir: Path | None = None
    sandbox: str = "auto"
    """What keeps the build apart from this machine: ``auto``, ``bwrap`` or ``none``."""
    network: str = "auto"
    """``auto``: this machine's for the install, the app's own loopback from then on; ``host``; ``none``."""
    expose: tuple[Path, ...] = ()
    """What of this machine the sandbox shows beside what a build needs."""
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """By phase, or ``all``: what a command may use, over the profile's."""
    fetch_python: bool = True
    exact: bool = False
    refresh: bool = False
    quiet: bool = False
    verbose: bool = False
    output_format: str | None = None
    """Form of the answer on stdout; ``None``: what suits the place."""
    output_file: Path | None = None
    reports: tuple[tuple[str, str], ...] = ()
    """Further forms, each with its file."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """The caller's environment, from which only index, certificate and proxy settings are taken."""
    home: Path = Path("/")
    remarks: tuple[str, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    """What must not be seen of all this; grows during the run."""


def request_of(
    command: str,
    app: Path,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    home: Path,
    *,
    secrets: Secrets | None = None,
) -> RunRequest:
    """Merge what was given with the environment, the app's configuration and the defaults.

    ``given`` has a value by option name; ``None`` and empty lists were not given. ``secrets`` learns what
    must not be seen, before anything can go wrong.
    """
    known = Secrets() if secrets is None else secrets
    config = read_config(app)
    values = resolved(command, given, environ, config)
    env = {**config.env, **parse_env(values["env_pairs"] or (), map(Path, values["env_files"] or ()))}
    known.variables(env)
    services = parse_services(values.get("services") or ())
    for url in services.values():
        known.urls(url)
    day, today = parse_day(str(values["as_of"] or "today")), parse_day("today")
    own = {name: values[name] for name in values if name in PLAIN}
    cached = values["cached_python"]
    return RunRequest(
        app=app,
        as_of=day,
        packages_as_of=day if day < today and not values.get("current_packages") else None,
        strict=is_strict(values.get("strict"), environ),
        settings=_settings(config, values["sets"] or ()),
        shared_settings={} if cached is None else {"cached_python": cached},
        env=env,
        services=services,
        secrets=known,
        limits=parse_limits(values.get("limits") or ()),
        expose=_exposed(values.get("expose") or ()),
        platforms=tuple(values["platforms"] or ()),
        platform_directories=tuple(map(Path, values["platform_directories"] or ())),
        reports=parse_reports(values.get("reports") or ()),
        work_dir=_path(values.get("work_dir")),
        output_file=_path(values.get("output_file")),
        environ=dict(environ),
        home=home,
        remarks=config.remarks,
        **own,
    )


def rendering_of(command: str, given: Mapping[str, Any], environ: Mapping[str, str]) -> RunRequest:
    """Return the request of a command that runs nothing and only renders: no app is read for it."""
    values = resolved(command, given, environ, Config())
    return RunRequest(
        app=Path(),
        as_of=parse_day("today"),
        strict=is_strict(values["strict"], environ),
        output_format=values["output_format"],
        output_file=_path(values["output_file"]),
        reports=parse_reports(values["reports"] or ()),
        environ=dict(environ),
    )


PLAIN = frozenset(field_names(RunRequest)) - {
    *("app", "as_of", "strict", "platforms", "platform_directories", "reports", "work_dir", "output_file"),
    *("expose", "limits", "services"),
}
"""Options that become the field of their name as they are."""


def resolved(
    command: str, given: Mapping[str, Any], environ: Mapping[str, str], config: Config
) -> dict[str, Any]:
    """Return the value of every option of a command by name: given, variable, configuration, default."""
    wanted = {option.name for option in options_of(command)} | {"as_of"}
    values: dict[str, Any] = {}
    for option in OPTIONS:
        if option.name not in wanted:
            continue
        variable = option.environment_variable
        value = given.get(option.name)
        if value is not None and value != ():
            values[option.name] = value
        elif variable and environ.get(variable):
            values[option.name] = from_text(option, environ[variable], variable)
        else:
            values[option.name] = config.values.get(option.name, option.default)
    return values


def is_strict(given: bool | None, environ: Mapping[str, str]) -> bool:
    """Return whether an unknown is an exit code: as said, else when ``CI`` is set."""
    return truth(environ.get("CI", "")) if given is None else given


def _exposed(given: Iterable[str | Path]) -> tuple[Path, ...]:
    """Return the paths in full; one that is not there is a mistake."""
    paths = tuple(Path(path).resolve() for path in given)
    for path in paths:
        if not path.exists():
            raise UsageError(f"--expose {path}: no such file or directory")
    return paths


def _path(given: Any) -> Path | None:
    return None if given is None else Path(given)


def _settings(config: Config, sets: Iterable[str]) -> dict[str, dict[str, str]]:
    merged = {platform: dict(values) for platform, values in config.settings.items()}
    for platform, values in parse_set(sets).items():
        merged.setdefault(platform, {}).update(values)
    return merged


def parse_set(pairs: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return ``PLATFORM.KEY=VALUE`` arguments as settings by platform."""
    settings: dict[str, dict[str, str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        platform, dot, key = name.partition(".")
        if not (equals and dot and platform and key):
            raise UsageError(f"--set {pair}: expected PLATFORM.KEY=VALUE, such as heroku.stack=heroku-24")
        settings.setdefault(platform, {})[key] = value
    return settings


def parse_services(pairs: Iterable[str]) -> dict[str, str]:
    """Return ``NAME=URL`` arguments as addresses by name."""
    services: dict[str, str] = {}
    for pair in pairs:
        name, equals, url = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or "://" not in url:
            raise UsageError(
                "--service: expected NAME=URL, such as database=postgresql://user:password@127.0.0.1/main; "
                "what was given may hold a password and is not shown"
            )
        services[name] = url
    return services


def parse_env(pairs: Iterable[str], files: Iterable[Path]) -> dict[str, str]:
    """Return the variables of ``--env-file`` and then ``--env``; a later one wins."""
    env: dict[str, str] = {}
    for file in files:
        env.update(read_env_file(file))
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _is_variable(name):
            raise UsageError("--env: expected NAME=VALUE; what was given may be the value and is not shown")
        env[name] = value
    return env


def read_env_file(path: Path) -> dict[str, str]:
    """Return ``NAME=VALUE`` lines; blank lines, comments, ``export`` and one pair of quotes are fine."""
    text = text_of(path)
    env: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip().removeprefix("export ").lstrip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals or not _is_variable(name.strip()):
            raise UsageError(at(path, number, "expected NAME=VALUE"))
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        env[name.strip()] = value
    return env


def _is_variable(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None


def checked_settings(snapshot: HostSnapshot, given: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of one platform; an unknown key or value is a :class:`UsageError`."""
    for key, value in given.items():
        declared = snapshot.settings.get(key)
        if declared is None:
            near = suggestion(key, snapshot.settings)
            known = ", ".join(snapshot.settings) or "none"
            raise UsageError(f"{snapshot.id} has no setting {key!r}{near} (it has: {known})")
        if declared.choices and value not in declared.choices:
            near = suggestion(value, declared.choices)
            raise UsageError(f"{snapshot.id}.{key}={value}: one of {', '.join(declared.choices)}{near}")
        if declared.pattern and not re.fullmatch(declared.pattern, value):
            raise UsageError(f"{snapshot.id}.{key}={value}: expected {declared.description}")
    return dict(given)
