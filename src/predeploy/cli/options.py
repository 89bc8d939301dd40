"""The table of options as click options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from predeploy.cli.request import registry_for as registry_for
from predeploy.cli.request import registry_of as registry_of
from predeploy.cli.request import request_from as request_from
from predeploy.option import Option
from predeploy.options import OPTIONS, options_of

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
