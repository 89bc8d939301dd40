"""The command line: one module a command, imported only when it is called."""

from __future__ import annotations


def entry() -> None:
    """Run the command line and exit with the documented code."""
    import gc

    # A check allocates for a tenth of a second and ends; looking for cycles meanwhile took a twentieth of it.
    # Commands that live longer switch the collector on again.
    gc.disable()
    from predeploy.cli.main import run

    code = run()
    gc.freeze()  # nothing to walk at exit
    raise SystemExit(code)
