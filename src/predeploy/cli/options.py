"""Options that several commands share, and how they become a :class:`RunRequest`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from predeploy.cli.redaction import run_secrets
from predeploy.paths import cache_root, home_directory
from predeploy.profiles.registry import Registry
from predeploy.settings import (
    NETWORKS,
    SANDBOXES,
    Config,
    RunRequest,
    merged_limits,
    one_of,
    parse_day,
    parse_env,
    parse_limits,
    parse_phase,
    parse_set,
    read_config,
)

Command = TypeVar("Command", bound=Callable[..., Any])

APP = click.argument("app", type=click.Path(path_type=Path), default=".", required=False)
PLATFORM = click.option(
    "-p",
    "--platform",
    "platforms",
    multiple=True,
    metavar="ID",
    help="Platform to judge; repeatable. Default: [tool.predeploy] platforms, else all built-in ones. "
    "[env: PREDEPLOY_PLATFORM, separated by commas]",
)
PLATFORM_DIR = click.option(
    "--platform-dir",
    "platform_directories",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory with further profiles; one may override a built-in. [env: PREDEPLOY_PLATFORM_PATH]",
)
AS_OF = click.option(
    "--as-of", metavar="DAY", help="Day to answer for (default: today). [env: PREDEPLOY_AS_OF]"
)
SET = click.option(
    "--set", "sets", multiple=True, metavar="PLATFORM.KEY=VALUE", help="What the host keeps outside the tree."
)
CACHED_PYTHON = click.option(
    "--cached-python",
    metavar="X.Y.Z",
    help="Python of the previous build, which some hosts keep; as --set PLATFORM.cached_python=X.Y.Z.",
)
ENV = click.option("--env", "env_pairs", multiple=True, metavar="NAME=VALUE", help="A config var of the app.")
ENV_FILE = click.option(
    "--env-file",
    "env_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File of NAME=VALUE lines.",
)
STRICT = click.option(
    "--strict/--no-strict",
    default=None,
    help="Exit 3 when something is unknown (default: when CI is set). [env: PREDEPLOY_STRICT]",
)
OUTPUT = click.option(
    "-o",
    "--output-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the answer there instead of to stdout.",
)


CURRENT_PACKAGES = click.option(
    "--current-packages",
    is_flag=True,
    help="With --as-of in the past, install the packages of today all the same.",
)


def selection(command: Command) -> Command:
    """Add the argument and options by which every command chooses app, platforms and day."""
    for option in (ENV_FILE, ENV, CACHED_PYTHON, SET, AS_OF, PLATFORM_DIR, PLATFORM, APP):
        command = option(command)
    return command


def format_option(*choices: str) -> Callable[[Command], Command]:
    """Return the ``--format`` option with these choices, the first being the default."""
    return click.option(
        "-f",
        "--format",
        "output_format",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="Form of the answer.",
    )


def request_from(
    *,
    app: Path,
    platforms: tuple[str, ...],
    platform_directories: tuple[Path, ...],
    as_of: str | None,
    sets: tuple[str, ...],
    env_pairs: tuple[str, ...],
    env_files: tuple[Path, ...],
    cached_python: str | None = None,
    current_packages: bool = False,
    strict: bool | None = None,
    until: str | None = None,
    sandbox: str | None = None,
    network: str | None = None,
    limit_pairs: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
    **further: Any,
) -> RunRequest:
    """Merge flags, variables and configuration into one request."""
    from predeploy.pipeline.source import checked_directory

    surroundings = os.environ if environ is None else environ
    secrets = run_secrets()
    config = read_config(checked_directory(app))
    env = {**config.env, **parse_env(env_pairs, env_files)}
    secrets.variables(env)
    chosen_day = as_of or surroundings.get("PREDEPLOY_AS_OF") or config.as_of
    day, today = parse_day(chosen_day or "today"), parse_day("today")
    chosen_until = until or surroundings.get("PREDEPLOY_UNTIL") or config.until or "boot"
    return RunRequest(
        app=app,
        platforms=platforms or _listed(surroundings, "PREDEPLOY_PLATFORM", ",") or config.platforms,
        as_of=day,
        packages_as_of=day if day < today and not current_packages else None,
        strict=_strict(strict, surroundings, config),
        until=parse_phase(chosen_until),
        settings=_settings(config, sets),
        shared_settings={} if cached_python is None else {"cached_python": cached_python},
        env=env,
        secrets=secrets,
        sandbox=one_of(
            "sandbox", sandbox or surroundings.get("PREDEPLOY_SANDBOX") or config.sandbox, SANDBOXES
        ),
        network=one_of(
            "network", network or surroundings.get("PREDEPLOY_NETWORK") or config.network, NETWORKS
        ),
        limits=merged_limits(config.limits, parse_limits(limit_pairs)),
        platform_directories=_directories(platform_directories, surroundings),
        environ=dict(surroundings),
        home=home_directory(surroundings),
        remarks=config.remarks,
        **further,
    )


def registry_for(request: RunRequest) -> Registry:
    """Return the registry a request selects from."""
    return registry_of(request.platform_directories, request.environ)


def registry_of(directories: tuple[Path, ...], environ: Mapping[str, str]) -> Registry:
    """Return a registry with its cache in the user's cache directory."""
    return Registry(directories, cache_directory=cache_root(environ) / "profiles")


def _directories(given: tuple[Path, ...], environ: Mapping[str, str]) -> tuple[Path, ...]:
    return given or tuple(Path(part) for part in _listed(environ, "PREDEPLOY_PLATFORM_PATH", os.pathsep))


def _listed(environ: Mapping[str, str], name: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(separator) if part.strip())


def _strict(flag: bool | None, environ: Mapping[str, str], config: Config) -> bool:
    if flag is not None:
        return flag
    if environ.get("PREDEPLOY_STRICT"):
        return _truth(environ["PREDEPLOY_STRICT"])
    if config.strict is not None:
        return config.strict
    return _truth(environ.get("CI", ""))


def _truth(word: str) -> bool:
    return word.lower() not in {"", "0", "false", "no", "off"}


def _settings(config: Config, sets: tuple[str, ...]) -> dict[str, dict[str, str]]:
    merged = {platform: dict(values) for platform, values in config.settings.items()}
    for platform, values in parse_set(sets).items():
        merged.setdefault(platform, {}).update(values)
    return merged
