"""What a run is asked to do: flags over ``PREDEPLOY_*`` over ``[tool.predeploy]`` over defaults."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

from predeploy.app.tree import Tree, Unreadable
from predeploy.env.secrets import Secrets
from predeploy.errors import ConfigError, UsageError, at, suggestion
from predeploy.model import PHASES, Phase
from predeploy.model.limits import KINDS, UNITS, Limits
from predeploy.model.snapshot import HostSnapshot
from predeploy.record import record

CONFIG_KEYS = ("platforms", "strict", "until", "as-of", "platform", "env", "sandbox", "network", "limits")

Sandbox = Literal["auto", "bwrap", "none"]
Network = Literal["auto", "host", "none"]
SANDBOXES: tuple[Sandbox, ...] = ("auto", "bwrap", "none")
Choice = TypeVar("Choice", bound=str)
NETWORKS: tuple[Network, ...] = ("auto", "host", "none")


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
    platform_directories: tuple[Path, ...] = ()
    jobs: int | None = None
    """Platforms built at the same time; ``None``: as many as there are cores."""
    keep: bool = False
    boot_timeout: float | None = None
    """Seconds after which a start is given up even when the host would wait longer."""
    work_dir: Path | None = None
    sandbox: Sandbox = "auto"
    """What keeps the build apart from this machine."""
    network: Network = "auto"
    """``auto``: this machine's for the install, the app's own loopback from then on."""
    expose: tuple[Path, ...] = ()
    """What of this machine the sandbox shows beside what a build needs."""
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """By phase, or ``all``: what a command may use, over the profile's."""
    fetch_python: bool = True
    environ: Mapping[str, str] = field(default_factory=dict)
    """The caller's environment, from which only index, certificate and proxy settings are taken."""
    home: Path = Path("/")
    remarks: tuple[str, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    """What must not be seen of all this; grows during the run."""


@record
class Config:
    """``[tool.predeploy]`` of the app's pyproject.toml, or its predeploy.toml."""

    platforms: tuple[str, ...] = ()
    strict: bool | None = None
    until: str | None = None
    as_of: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sandbox: str = "auto"
    network: str = "auto"
    limits: Mapping[str, Limits] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def read_config(app: Path) -> Config:
    """Return the app's configuration; raise :class:`ConfigError` with file and line.

    A pyproject.toml that is not TOML is the app's defect and a remark here, since some hosts never read it.
    """
    tree = Tree.on_disk(app)
    own, project = app / "predeploy.toml", app / "pyproject.toml"
    if tree.is_file(own.name):
        data, text = _toml(tree, own)
        return _config(own, data, text, ())
    if not tree.is_file(project.name):
        return Config()
    try:
        data, text = _toml(tree, project)
    except ConfigError as error:
        return Config(remarks=(f"{error}; [tool.predeploy] was not read",))
    table = data.get("tool")
    table = table.get("predeploy") if isinstance(table, dict) else None
    if table is None:
        return Config()
    return _config(project, table, text, ("tool", "predeploy"))


def _toml(tree: Tree, path: Path) -> tuple[dict[str, Any], str]:
    """Return the data and the text of a file in the app's root, which may be anybody's."""
    import tomllib

    from predeploy.app.toml import too_large

    try:
        text = tree.read(path.name).decode("utf-8")
    except Unreadable as error:
        raise ConfigError(at(path, None, error.reason)) from None
    except UnicodeDecodeError:
        raise ConfigError(at(path, 1, "is not UTF-8")) from None
    refused = too_large(text)
    if refused:
        raise ConfigError(at(path, None, refused))
    try:
        return tomllib.loads(text), text
    except (ValueError, OverflowError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        reason = re.sub(r" \(at .*\)$", "", str(error)).lower()
        raise ConfigError(
            at(path, int(line.group(1)) if line else None, f"not valid TOML: {reason}")
        ) from None


def _config(path: Path, table: Any, text: str, prefix: tuple[str, ...]) -> Config:
    from predeploy.app.toml import key_line

    def bad(keys: tuple[str, ...], problem: str) -> ConfigError:
        return ConfigError(at(path, key_line(text, (*prefix, *keys)), problem))

    if not isinstance(table, dict):
        raise bad((), "[tool.predeploy] must be a table")
    for key in table:
        if key not in CONFIG_KEYS:
            raise bad((key,), f"unknown key {key!r} in [tool.predeploy]{suggestion(key, CONFIG_KEYS)}")
    platforms = table.get("platforms", [])
    if not isinstance(platforms, list) or not all(isinstance(name, str) for name in platforms):
        raise bad(("platforms",), "platforms must be a list of platform ids")
    by_platform = table.get("platform", {})
    if not isinstance(by_platform, dict):
        raise bad(("platform",), "platform must be a table of tables, one a platform")
    settings = {name: _texts(values, ("platform", name), bad) for name, values in by_platform.items()}
    checks: dict[str, Callable[[str], object]] = {
        "as-of": parse_day,
        "until": parse_phase,
        "sandbox": lambda word: one_of("sandbox", word, SANDBOXES),
        "network": lambda word: one_of("network", word, NETWORKS),
    }
    for key, parse in checks.items():
        try:
            parse(str(table[key])) if key in table else None
        except UsageError as error:
            raise bad((key,), str(error)) from None
    strict = table.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise bad(("strict",), "strict must be true or false")
    until = table.get("until")
    return Config(
        platforms=tuple(platforms),
        strict=strict,
        until=None if until is None else str(until),
        as_of=str(table["as-of"]) if "as-of" in table else None,
        env=_texts(table.get("env", {}), ("env",), bad),
        settings=settings,
        sandbox=str(table.get("sandbox", "auto")),
        network=str(table.get("network", "auto")),
        limits=_limits(table.get("limits", {}), bad),
    )


def _limits(table: Any, bad: Callable[[tuple[str, ...], str], ConfigError]) -> dict[str, Limits]:
    """Return ``[tool.predeploy.limits]``: limits of every phase, and tables of one phase."""
    if not isinstance(table, dict):
        raise bad(("limits",), "limits must be a table")
    limits: dict[str, Limits] = {}
    for key, value in table.items():
        below = value.items() if isinstance(value, dict) else (("", value),)
        for kind, text in below:
            keys = ("limits", key, kind) if kind else ("limits", key)
            try:
                limits = merged_limits(limits, parse_limits((f"{'.'.join(keys[1:])}={_text(text)}",)))
            except UsageError as error:
                raise bad(keys, str(error).removeprefix("--limit ")) from None
    return limits


def _texts(
    values: Any, keys: tuple[str, ...], bad: Callable[[tuple[str, ...], str], ConfigError]
) -> dict[str, str]:
    """Return a table of single values as text."""
    if not isinstance(values, dict):
        raise bad(keys, f"[tool.predeploy.{'.'.join(keys)}] must be a table")
    for key, value in values.items():
        if isinstance(value, dict | list):
            raise bad((*keys, key), f"{key} must be one value, not a list or a table")
    return {key: _text(value) for key, value in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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


def one_of(option: str, word: str, choices: tuple[Choice, ...]) -> Choice:
    """Return the choice that a word names."""
    for choice in choices:
        if word == choice:
            return choice
    raise UsageError(f"{option} {word}: expected {', '.join(choices)}{suggestion(word, choices)}")


def parse_limits(pairs: Iterable[str]) -> dict[str, Limits]:
    """Return ``[PHASE.]KIND=VALUE`` arguments as limits by phase, those of every phase under ``all``."""
    limits: dict[str, Limits] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        phase, dot, kind = name.rpartition(".")
        if not equals or kind not in KINDS:
            near = suggestion(kind, KINDS)
            raise UsageError(
                f"--limit {pair}: expected [PHASE.]KIND=VALUE, KIND one of {', '.join(KINDS)}{near}"
            )
        if dot and phase not in ("install", "verify", "boot"):
            raise UsageError(
                f"--limit {pair}: the phase is install, verify or boot{suggestion(phase, PHASES)}"
            )
        amount = _amount(pair, kind, value)
        limits = merged_limits(limits, {phase or "all": replace(Limits(), **{kind: amount})})
    return limits


def _amount(pair: str, kind: str, value: str) -> Any:
    found = re.fullmatch(
        r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(?:([KMGT])(?:i?B)?|s)?", value.strip(), re.IGNORECASE
    )
    unit = (found[2] or "").upper() if found else ""
    number = float(found[1]) if found else 0.0
    sized = kind in ("memory", "output", "disk")
    if number <= 0 or (unit and not sized) or (kind == "processes" and number != int(number)):
        raise UsageError(f"--limit {pair}: expected {LIMIT_VALUES[kind]}")
    return number if kind == "time" else int(number * UNITS.get(unit, 1))


LIMIT_VALUES = {
    "time": "seconds, such as 600",
    "memory": "a size, such as 512M or 2G",
    "processes": "a number, such as 200",
    "output": "a size, such as 64M",
    "disk": "a size, such as 5G",
}


def merged_limits(weaker: Mapping[str, Limits], stronger: Mapping[str, Limits]) -> dict[str, Limits]:
    """Return limits by phase, the stronger ones over the weaker."""
    merged = dict(weaker)
    for phase, limits in stronger.items():
        merged[phase] = merged.get(phase, Limits()).under(limits)
    return merged


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
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(at(path, None, (error.strerror or "cannot be read").lower())) from None
    except UnicodeDecodeError:
        raise UsageError(at(path, None, "is not UTF-8")) from None
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


def parse_day(text: str, *, option: str = "--as-of") -> date:
    """Return a day written as ``2026-11-20``, or ``today`` as the UTC day."""
    from datetime import UTC, datetime

    if text == "today":
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: expected a day such as 2026-11-20") from None


def parse_phase(text: str) -> Phase:
    """Return the name of a phase that a build can end with."""
    for phase in PHASES:
        if text == phase and phase not in {"detect", "plan"}:
            return phase
    raise UsageError(f"until {text}: expected install, verify or boot{suggestion(text, PHASES)}")


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
