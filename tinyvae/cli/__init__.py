"""The command line: ``tinyvae``, its help, and how errors reach the reader.

Commands parse, call ``tinyvae.runs`` and print; there is no other logic here.  Numba and
matplotlib are never imported before a command needs them.
"""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tinyvae.cli.check import check
from tinyvae.cli.explore import explore
from tinyvae.cli.export import export
from tinyvae.cli.gradcheck import gradcheck
from tinyvae.cli.look import evaluate, info, plot, sample
from tinyvae.cli.messages import explain, in_flags
from tinyvae.cli.study import study
from tinyvae.cli.train import INTERRUPTED, train
from tinyvae.cli.tutorials import tutorials
from tinyvae.errors import TinyVAEError, UsageError

#: The fewest columns in which a table of options fits; narrower terminals wrap its lines.
NARROWEST = 60


class Commands(TyperGroup):
    """Prints errors as one paragraph: exit status 2 for usage, 1 for failures, 130 for Ctrl-C."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command and turn what it raises into a message and an exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            typer.echo(str(error) or "Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except (
            OSError,
            MemoryError,
            OverflowError,
            RuntimeError,
            ValueError,
            TinyVAEError,
        ) as error:
            message = explain(error)
            known = message is not None and getattr(error, "errno", None) != errno.EPIPE
            if os.environ.get("TINYVAE_DEBUG") or not known:
                raise
            text = in_flags(str(message), self.commands.values())
            typer.echo(f"Error: {text}", err=True)
            raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None


app = typer.Typer(
    cls=Commands,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
_LOOKING = (sample, plot, explore, export, evaluate, info)
for command in (train, study, *_LOOKING, gradcheck, check, tutorials):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"tinyvae {version('tinyvae')}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print and exit."),
    ] = False,
) -> None:
    """Variational autoencoders from the ground up: train one, look at what it learned.

    [bold]Begin with[/bold]

      tinyvae train                       a VAE on real digits, in about a minute
      tinyvae sample runs/digits          digits it dreams
      tinyvae COMMAND --help              every option, with examples

    Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 by SIGTERM.
    TINYVAE_DEBUG=1 shows where an error arose.
    """


def main() -> None:
    """Run the command line."""
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ.setdefault("TERMINAL_WIDTH", str(NARROWEST))  # typer reads it
    if not os.environ.get("TINYVAE_DEBUG"):
        warnings.showwarning = _show_warning
        # Where no thread may be started, the bars do without one; that is no news.
        warnings.filterwarnings("ignore", "tqdm:disabling monitor")
    app(prog_name="tinyvae")


def _show_warning(message: Warning | str, *place: Any, **more: Any) -> None:
    """Print a warning as a line, without the line of code it arose from."""
    typer.echo(f"Note: {message}", err=True)
