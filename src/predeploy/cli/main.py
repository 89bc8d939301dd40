"""The command group."""

from __future__ import annotations

from importlib import import_module

import click

from predeploy import __version__
from predeploy.cli.ending import ended
from predeploy.cli.quick import COMMANDS, is_for_check
from predeploy.errors import EXIT_MEANING, ExitCode, UsageError, suggestion

EPILOG = "Exit codes: " + "; ".join(f"{int(code)} {meaning}" for code, meaning in EXIT_MEANING.items()) + "."


class LazyGroup(click.Group):
    """A group that imports a command's module when it is called, and takes ``check`` as the default."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a run."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"predeploy.cli.{cmd_name}").command
        # click's mark for a paragraph that keeps its lines; the docstrings are raw, as the linter wants them
        command.help = (command.help or "").replace("\\b", "\b")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``check`` in front when no command is named."""
        if not args or is_for_check(args[0]):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Say which command was probably meant."""
        if args and args[0] not in COMMANDS:
            near = suggestion(args[0], COMMANDS)
            raise click.UsageError(f"no such command or directory: {args[0]!r}{near}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EPILOG,
    invoke_without_command=False,
)
@click.version_option(__version__, prog_name="predeploy")
def main() -> None:
    """Would this Python app deploy? Answered for several hosts before the push.

    Without a command, predeploy checks the current directory.
    """


def run(args: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    return ended(lambda: _dispatched(args))


def _dispatched(args: list[str] | None) -> int:
    try:
        return int(main.main(args=args, prog_name="predeploy", standalone_mode=False) or 0)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
    except click.Abort:
        return ExitCode.INTERRUPTED
