"""``predeploy explain``: a rule or a platform, with dates, sources and the fix."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from predeploy.cli.answer import wants_colour, width, write
from predeploy.cli.options import PLATFORM_DIR, format_option, registry_of
from predeploy.errors import UsageError, suggestion
from predeploy.model.profile import Profile, Rule
from predeploy.profiles.registry import Registry


@click.command("explain")
@click.argument("identity", metavar="ID")
@PLATFORM_DIR
@format_option("text", "json")
def command(*, identity: str, platform_directories: tuple[Path, ...], output_format: str) -> int:
    r"""Explain ID: a platform, a rule (platform/rule), or a reason id of a host.

    \b
    Examples:
      predeploy explain heroku
      predeploy explain heroku/multiple-package-managers
      predeploy explain package-manager::multiple-found
    """
    from predeploy.report.explain import platform_text, rule_json, rule_text

    registry = registry_of(platform_directories, os.environ)
    colour = wants_colour(sys.stdout.isatty())
    if identity in registry.ids():
        profile = registry.profile(identity)
        if output_format == "json":
            raise UsageError("a platform as JSON: predeploy platforms show ID --format json")
        write(platform_text(profile, width=width(), colour=colour), None)
        return 0
    found = _rules(registry, identity)
    if output_format == "json":
        write(rule_json(found), None)
    else:
        write("\n".join(rule_text(p, r, width=width(), colour=colour) for p, r in found), None)
    return 0


def _rules(registry: Registry, identity: str) -> list[tuple[Profile, Rule]]:
    platform, slash, _ = identity.partition("/")
    names = (platform,) if slash and platform in registry.ids() else registry.ids()
    known: list[str] = []
    found: list[tuple[Profile, Rule]] = []
    for name in names:
        profile = registry.profile(name)
        for candidate in profile.rules:
            address = f"{name}/{candidate.id}"
            upstream = {candidate.upstream_id, *(change.upstream_id for change in candidate.timeline)}
            known += [address, *filter(None, upstream)]
            wanted = {address, *filter(None, upstream)} if not slash or names == (platform,) else {address}
            if identity in wanted or (not slash and identity == candidate.id):
                found.append((profile, candidate))
    if not found:
        near = suggestion(identity, [*registry.ids(), *dict.fromkeys(known)])
        raise UsageError(f"nothing is called {identity!r}{near}")
    return found
