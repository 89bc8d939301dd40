"""The table of options as click options, and how they become a :class:`RunRequest`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from predeploy.cli.redaction import run_secrets
from predeploy.option import Option
from predeploy.options import OPTIONS, options_of
from predeploy.paths import cache_root, home_directory
from predeploy.profiles.registry import Registry
from predeploy.settings import RunRequest, request_of

Command = TypeVar("Command", bound=Callable[..., Any])

APP = click.argument("app", type=click.Path(path_type=Path), default=".", required=False)


def with_options(command: str) -> Callable[[Command], Command]:
    """Return a decorator that adds every option the table has for a command."""

    def decorate(function: Command) -> Command:
        for option in reversed(options_of(command)):
            function = click_option(option)(function)
        return function

    return decorate


def click_option(option: Option) -> Callable[[Command], Command]:
    """Return an option of the table for click; one that is not given is ``None`` or empty."""
    flags = f"{option.flag}/--no-{option.flag.removeprefix('--')}" if option.negative else option.flag
    names = [option.short, flags, option.name] if option.short else [flags, option.name]
    variable = f" [env: {option.environment_variable}]" if option.environment_variable else ""
    keywords: dict[str, Any] = {"help": option.help + variable}
    if option.kind == "switch":
        keywords |= {"is_flag": True, "default": None}
    else:
        keywords |= {"multiple": option.repeatable, "metavar": option.metavar, "type": _type(option)}
    return click.option(*[name for name in names if name], **keywords)


def _type(option: Option) -> click.ParamType[Any]:
    if option.choices:
        return click.Choice(option.choices)
    if option.kind == "integer":
        return click.IntRange(min=None if option.minimum is None else int(option.minimum))
    if option.kind == "number":
        return click.FloatRange(min=option.minimum)
    return click.STRING


def named(name: str) -> Option:
    """Return the option of that name."""
    return next(option for option in OPTIONS if option.name == name)


PLATFORM_DIR = click_option(named("platform_directories"))


def format_option(*choices: str) -> Callable[[Command], Command]:
    """Return the ``--format`` option of a command with forms of its own, the first being the default."""
    return click.option(
        "-f",
        "--format",
        "output_format",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="Form of the answer.",
    )


def request_from(command: str, *, app: Path, **given: Any) -> RunRequest:
    """Merge flags, variables and configuration into one request."""
    from predeploy.pipeline.source import checked_directory

    checked_directory(app)
    return request_of(command, app, given, os.environ, home_directory(os.environ), secrets=run_secrets())


def registry_for(request: RunRequest) -> Registry:
    """Return the registry a request selects from."""
    return registry_of(request.platform_directories, request.environ)


def registry_of(directories: tuple[str | Path, ...], environ: Mapping[str, str]) -> Registry:
    """Return a registry with its cache in the user's cache directory."""
    given = directories or _listed(environ.get("PREDEPLOY_PLATFORM_PATH", ""))
    return Registry(tuple(map(Path, given)), cache_directory=cache_root(environ) / "profiles")


def _listed(paths: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in paths.split(os.pathsep) if part.strip())
