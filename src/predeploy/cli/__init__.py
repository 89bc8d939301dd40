"""The command line: one module a command, imported only when it is called."""

from __future__ import annotations


def entry() -> None:
    """Run the command line and exit with the documented code."""
    import gc

    # A check allocates for a tenth of a second and ends; looking for cycles meanwhile took a twentieth of it.
    # Commands that live longer switch the collector on again.
    gc.disable()
    code = run()
    gc.freeze()  # nothing to walk at exit
    raise SystemExit(code)


def run(args: list[str] | None = None) -> int:
    """Run a command and return its exit code; what is not out of the ordinary goes without click."""
    import sys

    from predeploy.cli.quick import checked, ordinary_check

    given = ordinary_check(sys.argv[1:] if args is None else args)
    if given is None:
        from predeploy.cli.main import run as run_by_click

        return run_by_click(args)
    from predeploy.cli.ending import ended

    return ended(lambda: checked(**given))
