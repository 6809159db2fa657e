"""``tinyvae study``: every option of ``train`` with as many values as one likes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args, get_type_hints

import typer

from tinyvae.cli.options import parse_widths
from tinyvae.cli.text import table
from tinyvae.cli.train import train
from tinyvae.errors import SizeError
from tinyvae.runs import RunOptions
from tinyvae.studies.plan import COMMON, EVAL_SAMPLES

_STUDY = "Study"
_NUMBERS = {int: "a whole number", float: "a number"}


def _option(flag: str, metavar: str, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=_STUDY)


def study(
    folder: Annotated[
        str, typer.Argument(metavar="STUDY", help="A new folder, or a study's, which goes on.")
    ],
    seeds: Annotated[
        int | None,
        _option("--seeds", "N", "Runs of each combination, seeds counted up from --seed; or 1."),
    ] = None,
    eval_samples: Annotated[
        int | None,
        _option(
            "--eval-samples",
            "K",
            f"Of z for each test example: K of L_K, the bound; {EVAL_SAMPLES} if not given.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        _option("--jobs", "N", "Processes at once; as many as there are cores if not given."),
    ] = None,
    scheduler: Annotated[
        str | None,
        _option("--scheduler", "ADDRESS|local", "Of a Dask cluster; local starts one here."),
    ] = None,
    pictures: Annotated[
        bool,
        typer.Option(
            "--pictures", help="Draw every run's own pictures, too.", rich_help_panel=_STUDY
        ),
    ] = False,
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Try again what failed before.", rich_help_panel=_STUDY),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print errors only.", rich_help_panel=_STUDY)
    ] = False,
    **options: Any,
) -> None:
    """Train a model for every combination of settings and seeds, and compare them.

    Options take several values with commas between; those of widths are given several times.
    What is not given is as in tinyvae train.
    Every run is a folder in STUDY/runs; STUDY/table.csv and pictures compare them. What is done
    stays done: after Ctrl-C, a crash or a power cut, the same command goes on where it was.
    Exit status 1 if a run failed; its folder then has error.json, and the others went on.

    [bold]Examples[/bold]

      tinyvae study sizes --latent-dim 2,5,10,20 --beta 0.5,1,4 --seeds 3
      tinyvae study sizes                            goes on, or shows the table
      tinyvae study widths --hidden 400 --hidden 200,200 --epochs 50 --jobs 2
      tinyvae study sizes --scheduler tcp://10.0.0.1:8786
    """
    from tinyvae.studies import study as conduct
    from tinyvae.studies.table import failures

    found = conduct(
        folder,
        seeds=seeds,
        eval_samples=eval_samples,
        jobs=jobs,
        scheduler=scheduler,
        pictures=pictures,
        retry=retry,
        say=None if quiet else typer.echo,
        **{name: _values(name, came) for name, came in options.items() if came is not None},
    )
    failed = failures(found.rows)
    if not quiet:
        typer.echo(f"\n{table(found.cells)}\n")
        typer.echo(
            "\n  ".join(["Files:", *map(str, [found.folder / "table.csv", *found.pictures])])
        )
    for name, error in failed.items():
        typer.echo(f"{name} failed: {error}", err=True)
    raise typer.Exit(int(bool(failed)))


def _trains() -> dict[str, tuple[Any, typer.models.OptionInfo]]:
    """Return the type and the option of every parameter of ``train`` that is a run's."""
    hints = get_type_hints(train, include_extras=True)
    return {name: get_args(hints[name])[:2] for name in RunOptions.SCHEMA}


def _values(name: str, came: Any) -> Any:
    """Return the value of an option that all runs share, or a list of those that vary."""
    if name in COMMON:
        return came
    kind, option = _trains()[name]
    flag = str(option.default)  # Typer reads it there, too, within Annotated
    if name.endswith("hidden_dims"):
        return [parse_widths(flag, word) for word in came]
    return [_value(flag, word.strip(), kind) for words in came for word in words.split(",")]


def _value(flag: str, word: str, kind: Any) -> Any:
    kinds = get_args(kind) or (kind,)
    if type(None) in kinds and word.lower() == "none":
        return None
    for number, name in _NUMBERS.items():
        if number in kinds:
            try:
                return number(word)
            except ValueError:
                raise SizeError(f"{flag} {word!r} must be {name}.") from None
    return word


def _with_trains_options(command: Callable[..., None]) -> None:
    """Let a command take the options of ``train`` in the place of its ``**options``."""
    signature = inspect.signature(command)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    hints: Mapping[str, Any] = get_type_hints(command, include_extras=True)
    added = []
    for name, (kind, option) in _trains().items():
        common = name in COMMON
        metavar = option.metavar if common else f"{option.metavar}[,...]"
        if name.endswith("hidden_dims"):
            metavar = option.metavar
        taken = typer.Option(
            option.default,
            metavar=metavar,
            help=option.help,
            rich_help_panel=option.rich_help_panel,
        )
        annotation: Any = Annotated[kind | None if common else list[str] | None, taken]
        keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
        added.append(inspect.Parameter(name, keyword, default=None, annotation=annotation))
    parameters = [p.replace(annotation=hints[p.name]) for p in own] + added
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters}


_with_trains_options(study)
