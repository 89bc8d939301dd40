"""``predeploy platforms``: list, show and lint profiles."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from predeploy.cli.answer import tell, wants_colour, width, write
from predeploy.cli.options import PLATFORM_DIR, format_option, registry_of
from predeploy.errors import ExitCode, ProfileError, UsageError


@click.group("platforms")
def command() -> None:
    """List, show and lint platform profiles."""


@command.command("list")
@PLATFORM_DIR
@format_option("text", "json")
def list_command(*, platform_directories: tuple[Path, ...], output_format: str) -> int:
    """List every profile that can be chosen, and where it comes from."""
    registry = registry_of(platform_directories, os.environ)
    rows = []
    for name in registry.ids():
        located = registry.located[name]
        try:
            profile = registry.profile(name)
            text, error = profile.name, None
        except ProfileError as problem:
            text, error = "", str(problem).splitlines()[0]
        row = {"id": name, "name": text, "origin": located.origin, "path": str(located.path), "error": error}
        rows.append({**row, "overrides": str(located.overrides) if located.overrides else None})
    tell(registry.remarks)
    if output_format == "json":
        write(json.dumps(rows, indent=2) + "\n", None)
        return ExitCode.OK
    longest = max(len(str(row["id"])) for row in rows)
    lines = []
    for row in rows:
        more = f"  broken: {row['error']}" if row["error"] else ""
        more += "  replaces the built-in one" if row["overrides"] else ""
        lines.append(f"{row['id']:<{longest}}  {row['origin']:<9}  {row['name']}{more}\n")
    write("".join(lines), None)
    return ExitCode.OK


@command.command("show")
@click.argument("identity", metavar="ID")
@PLATFORM_DIR
@format_option("text", "json")
def show_command(*, identity: str, platform_directories: tuple[Path, ...], output_format: str) -> int:
    """Show what a profile knows."""
    profile = registry_of(platform_directories, os.environ).profile(identity)
    if output_format == "json":
        from dataclasses import asdict

        write(json.dumps(asdict(profile), indent=2, default=str) + "\n", None)
        return ExitCode.OK
    from predeploy.report.explain import platform_text

    write(platform_text(profile, width=width(), colour=wants_colour(sys.stdout.isatty())), None)
    return ExitCode.OK


@command.command("lint")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@PLATFORM_DIR
def lint_command(*, files: tuple[Path, ...], platform_directories: tuple[Path, ...]) -> int:
    """Check profile FILES (default: all that can be chosen); every problem has its file and line."""
    from predeploy.profiles.load import profile_from

    registry = registry_of(platform_directories, os.environ)
    known = {name: located.path for name, located in registry.located.items()}
    targets = files or tuple(known.values())
    problems = 0
    for path in targets:
        if not path.is_file():
            raise UsageError(f"{path}: no such file")
        before = known.get(path.stem)
        replaced = {f"builtin:{path.stem}": before} if before and before != path else {}
        try:
            profile = profile_from({**known, **replaced, path.stem: path}, path.stem)
            if profile.id != path.stem:
                raise ProfileError(f"{path}: the id {profile.id!r} must be the file's name")
        except ProfileError as error:
            problems += 1
            write(f"{error}\n", None)
    noun = "profile" if len(targets) == 1 else "profiles"
    click.echo(f"{len(targets)} {noun} read, {problems} with problems", err=True)
    return ExitCode.USAGE if problems else ExitCode.OK
