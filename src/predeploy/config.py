"""The app's configuration: ``predeploy.toml``, or ``[tool.predeploy]`` of its pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predeploy.app.tree import Tree, Unreadable
from predeploy.errors import ConfigError, UsageError, at, suggestion
from predeploy.option import EXPECTED, Complaint, Option, checked, has_kind, parse_reports
from predeploy.options import OPTIONS
from predeploy.record import field, record

TABLES = ("platform", "env")
LISTS = ("apps",)
"""Keys without a flag: the apps of ``matrix`` are its arguments."""


@record
class Config:
    """What the app says about itself; values are checked, paths lie below the app."""

    values: Mapping[str, Any] = field(default_factory=dict)
    """By the name of the option."""
    apps: tuple[str, ...] = ()
    """Directories, or patterns of them, that ``matrix`` and the pytest plugin take."""
    env: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def config_keys() -> dict[str, Option | None]:
    """Return every key of ``[tool.predeploy]`` with its option; tables and lists have none."""
    keys: dict[str, Option | None] = {o.config_key: o for o in OPTIONS if o.config_key}
    return {**keys, **dict.fromkeys((*TABLES, *LISTS))}


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
    known = config_keys()
    for key in table:
        if key not in known:
            raise bad((key,), f"unknown key {key!r} in [tool.predeploy]{_near(key, known)}")
    apps = table.get("apps", [])
    if not isinstance(apps, list) or not all(isinstance(name, str) for name in apps):
        raise bad(("apps",), "apps must be a list of directories")
    by_platform = table.get("platform", {})
    if not isinstance(by_platform, dict):
        raise bad(("platform",), "platform must be a table of tables, one a platform")
    return Config(
        values={o.name: _value(o, table[k], path.parent, bad) for k, o in known.items() if o and k in table},
        apps=tuple(apps),
        env=_texts(table.get("env", {}), ("env",), bad),
        settings={name: _texts(values, ("platform", name), bad) for name, values in by_platform.items()},
    )


def _near(key: str, known: Mapping[str, object]) -> str:
    """Return the key that was meant; a flag's own name and underscores are understood."""
    dashed = key.replace("_", "-")
    for option in OPTIONS:
        if dashed == option.flag.removeprefix("--"):
            if not option.configurable:
                return f"; only {option.flag} and {option.environment_variable} say it"
            if option.config_key:
                return f"; did you mean {option.config_key!r}?"
    return suggestion(dashed, known)


def _value(option: Option, value: Any, app: Path, bad: Complaint) -> Any:
    """Return the checked value of one key."""
    key = option.config_key or ""
    if not has_kind(option, value):
        what = "a list of platform ids" if key == "platforms" else EXPECTED.get(option.kind, "a text")
        raise bad((key,), f"{key} must be {what}")
    try:
        if option.kind == "paths":
            return tuple(str(_inside(app, key, member)) for member in value)
        if option.name == "reports":
            return tuple(f"{n}:{_inside(app, key, file)}" for n, file in parse_reports(value))
        if option.repeatable:
            return tuple(value)
        named = option.flag if option.kind == "day" else key
        return checked(option, str(value) if option.kind == "day" else value, named)
    except UsageError as error:
        raise bad((key,), str(error)) from None


def _inside(app: Path, key: str, name: str) -> Path:
    """Return a configured path, below the app: what an app says must not reach other files of its reader."""
    path = app / name
    if not path.resolve().is_relative_to(app.resolve()):
        raise UsageError(f"{key} {name}: a configured path must lie below the app")
    return path


def _texts(values: Any, keys: tuple[str, ...], bad: Complaint) -> dict[str, str]:
    """Return a table of single values as text."""
    if not isinstance(values, dict):
        raise bad(keys, f"[tool.predeploy.{'.'.join(keys)}] must be a table")
    for key, value in values.items():
        if isinstance(value, dict | list):
            raise bad((*keys, key), f"{key} must be one value, not a list or a table")
    return {key: _text(value) for key, value in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
