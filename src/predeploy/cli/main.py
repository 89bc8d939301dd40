"""The command group, and the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from predeploy import __version__
from predeploy.env.secrets import Secrets
from predeploy.errors import EXIT_MEANING, ExitCode, PredeployError, suggestion

COMMANDS: dict[str, str] = {
    "check": "Judge an app statically: detect and plan, nothing of it is run.",
    "plan": "Print the exact recipe of each platform, each line with its reason.",
    "build": "Run the whole pipeline: install, verify, boot.",
    "matrix": "Judge or build many apps on many platforms and days.",
    "forecast": "List the days on which the answer will change, and to what.",
    "report": "Render saved results in another form, and merge them.",
    "explain": "Explain a rule or a platform.",
    "platforms": "List, show and lint platform profiles.",
    "schema": "Print the JSON schema of the result, the configuration, a profile, the plan or the forecast.",
    "doctor": "Say what this machine can simulate, how exactly, and what to install.",
}

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
        own = {"-h", "--help", "--version"}
        if not args or (args[0] not in COMMANDS and args[0] not in own and self._is_for_check(args[0])):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def _is_for_check(self, word: str) -> bool:
        return word.startswith("-") or os.path.exists(word) or os.sep in word  # noqa: PTH110 - cheaper

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
    """Run a command and return its exit code; only here does an exception become a message."""
    _open_missing_streams()
    secrets = Secrets()
    try:
        code = main.main(args=args, prog_name="predeploy", standalone_mode=False, obj=secrets)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _say(secrets(error.format_message()), ExitCode.USAGE)
    except click.Abort:
        return ExitCode.INTERRUPTED
    except PredeployError as error:
        return _say(secrets(str(error)), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", ExitCode.INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - a bug of ours: say so, never show a bare traceback
        return _bug(error, secrets)
    return int(code or 0)


def _open_missing_streams() -> None:
    """Give a process that was started with closed streams something in their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end


def _say(message: str, code: ExitCode) -> int:
    for line in message.splitlines() or [""]:
        click.echo(f"predeploy: {line}", err=True)
    return code


def _bug(error: Exception, secrets: Secrets) -> int:
    import tempfile
    import traceback

    text = secrets("".join(traceback.format_exception(error)))
    if os.environ.get("PREDEPLOY_DEBUG"):
        click.echo(text, err=True)
    what = secrets(f"bug: {type(error).__name__}: {error}")
    try:
        handle, name = tempfile.mkstemp(prefix="predeploy-bug-", suffix=".log", text=True)
        with open(handle, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
    except OSError:
        return _say(f"{what}\n{text}", ExitCode.BUG)
    return _say(f"{what} (the traceback is in {name})", ExitCode.BUG)
