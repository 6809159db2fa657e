"""Reports of checks, printed for people or for machines, and the exit status that they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from tinyvae import gradcheck, losscheck


def finish(reports: Sequence[gradcheck.Report | losscheck.Report], as_json: bool) -> NoReturn:
    """Print the reports and end the command: exit status 0 if all passed, else 1."""
    if as_json:
        typer.echo(json.dumps([report.to_dict() for report in reports], indent=2))
    else:
        from rich.console import Console

        console = Console()
        for report in reports:
            if console.is_terminal:
                console.print(report)
            else:  # a pipe or a file is as wide as its lines
                typer.echo(str(report))
    raise typer.Exit(int(not all(report.passed for report in reports)))
