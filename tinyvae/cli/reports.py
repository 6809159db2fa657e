"""Reports of checks, printed for people or for machines, and the exit status that they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, Protocol

import typer


class Report(Protocol):
    """What the checks of gradients and of losses return; rich prints it in colour."""

    @property
    def passed(self) -> bool:
        """Whether all is right."""

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""


def finish(reports: Sequence[Report], as_json: bool) -> NoReturn:
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
