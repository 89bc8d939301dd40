"""``predeploy cache``: where it is, how large, and rid of what is not needed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from predeploy.cli.answer import tell, write
from predeploy.cli.options import format_option
from predeploy.errors import ExitCode
from predeploy.model.limits import bytes_text
from predeploy.paths import cache_root


@click.group("cache")
def command() -> None:
    """Say where the cache is and how large; remove what is unused, or all of it.

    Everything in it can be made again, which costs time only.
    """


@command.command("dir")
def dir_command() -> int:
    """Print the directory: PREDEPLOY_CACHE_DIR, else the user's own cache directory."""
    write(f"{cache_root(os.environ)}\n", None)
    return ExitCode.OK


@command.command("size")
@format_option("text", "json")
def size_command(*, output_format: str) -> int:
    """Say how much there is of each kind; a file that several share is counted once."""
    from predeploy.env.caches import contents, others

    root = cache_root(os.environ)
    found, foreign = contents(root), others(root)
    total = sum(content.size for content in found)
    if output_format == "json":
        kinds = [
            {"kind": one.kind.name, "bytes": one.size, "files": one.files, "holds": one.kind.holds}
            for one in found
        ]
        document = {"cache": str(root), "bytes": total, "kinds": kinds, "others": list(foreign)}
        write(json.dumps(document, indent=2) + "\n", None)
        return ExitCode.OK
    rows = [(one.kind.name, one.size, one.kind.holds) for one in found if one.files]
    lines = [f"{name:<14}{bytes_text(size):>12}  {holds}\n" for name, size, holds in rows]
    lines = [f"{root}\n\n", *lines, f"{'all':<14}{bytes_text(total):>12}\n"]
    write("".join(lines), None)
    if foreign:
        tell([f"not ours, and never removed: {', '.join(foreign[:10])}"])
    return ExitCode.OK


@command.command("prune")
@click.option(
    "--days",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    metavar="N",
    help="Days without use after which something is removed.",
)
def prune_command(*, days: float) -> int:
    r"""Remove what was not used for some time, and what killed runs left.

    Nothing is removed while a run uses the cache.

    \b
    Examples:
      predeploy cache prune
      predeploy cache prune --days 7
    """
    import tempfile
    import time

    from predeploy.env.caches import prune
    from predeploy.env.leases import sweep
    from predeploy.env.work import remove_tree

    removed = prune(os.environ, days, time.time())
    sweep(Path(tempfile.gettempdir()), remove_tree)
    return _told(len(removed.paths), removed.size, removed.left)


@command.command("clean")
def clean_command() -> int:
    """Remove everything predeploy keeps; refused while a run uses the cache."""
    from predeploy.env.caches import clean

    removed = clean(os.environ)
    return _told(len(removed.paths), removed.size, removed.left)


def _told(number: int, size: int, left: tuple[str, ...]) -> int:
    write(f"removed {number} {'entry' if number == 1 else 'entries'}, {bytes_text(size)}\n", None)
    tell(left)
    return ExitCode.OK
