"""``tinyvae sample``, ``plot``, ``evaluate`` and ``info``: looking at a trained model."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
import typer

from tinyvae import runs
from tinyvae.cli.text import dimensions_table, evaluations_table, mapping_table
from tinyvae.errors import check_option

RunPath = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, or a model's .npz file.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of all that is random here.")]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME|FILE|FOLDER", help="Other data than it was trained on."),
]
DataDir = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="FOLDER", help="Where the data set's files lie."),
]
Progress = Annotated[bool, typer.Option(help="Show progress bars or not.")]


def sample(
    run: RunPath,
    n: Annotated[int, typer.Option("--n", metavar="N", help="How many for each scale.")] = 64,
    scale: Annotated[
        list[float] | None,
        typer.Option(
            "--scale",
            metavar="X",
            help="Standard deviation of z: 1 is the prior, less is more typical, more is bolder. "
            "Give it several times for one labelled row each, from the same noise.  Default: 1.",
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="CLASS",
            help="Of a model trained with --conditional: what to draw.  If not given, every class "
            "in turn, from the same z.",
        ),
    ] = None,
    seed: Seed = 0,
    draw: Annotated[
        bool, typer.Option("--draw", help="Draw pixels from p(x|z); else its mean is shown.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", metavar="NAME", help="Write NAME.png and NAME.npy, which must be new."
        ),
    ] = None,
) -> None:
    """Let a model dream: decode random points of its latent space.

    Writes a picture and a .npy file, into the run's folder if not told otherwise.

    [bold]Examples[/bold]

      tinyvae sample runs/digits
      tinyvae sample runs/digits --n 12 --scale 0.5 --scale 1 --scale 2
      tinyvae sample runs/digits --label 3           after train --conditional
      tinyvae sample runs/digits --seed 7 --output dreams
    """
    written = runs.sample(
        run, n, scales=scale or [1.0], seed=seed, draw=draw, label=label, output=output
    )
    typer.echo(written.array)
    typer.echo(written.picture or "The rows of this data are no pictures, so none was drawn.")
    if written.classes:
        names = ", ".join(written.classes[:12]) + (", ..." if len(written.classes) > 12 else "")
        typer.echo(f"Every class in turn, from one z each round: {names} (--label draws only one).")
    if written.picture and written.shown < n:
        typer.echo(f"The picture shows the first {written.shown:,} of {n:,} for each scale.")


def plot(
    run: RunPath, data: Data = None, data_dir: DataDir = None, progress: Progress = True
) -> None:
    """Make all pictures of a run again.

    They replace those that stand in the run's folder.

    [bold]Example[/bold]

      tinyvae plot runs/digits
    """
    for path in runs.plot(run, data=data, data_dir=data_dir, progress=progress, say=typer.echo):
        typer.echo(path)


def evaluate(
    run: RunPath,
    samples: Annotated[
        int,
        typer.Option(
            "--samples",
            metavar="K",
            help="Samples of z for each example; from 2 on, the importance-weighted bound of "
            "log p(x) is estimated too.",
        ),
    ] = 1,
    split: Annotated[
        str, typer.Option("--split", metavar="NAME", help="train, test or both.")
    ] = "both",
    data: Data = None,
    data_dir: DataDir = None,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    progress: Progress = True,
) -> None:
    """Measure a model in nats: ELBO, its terms, KL per dimension, a tighter bound.

    A latent dimension is an active unit if the variance of its mu is above 0.01.

    [bold]Examples[/bold]

      tinyvae evaluate runs/digits
      tinyvae evaluate runs/digits --samples 5000 --split test
      tinyvae evaluate runs/digits --json
    """
    check_option("split", split, ("train", "test", "both"))
    found = runs.evaluate(
        run,
        n_samples=samples,
        seed=seed,
        data=data,
        data_dir=data_dir,
        splits=("train", "test") if split == "both" else (split,),
        progress=progress,
        say=_say_aside,
    )
    if as_json:
        typer.echo(json.dumps({name: e.to_dict() for name, e in found.items()}, indent=2))
    else:
        typer.echo(f"{evaluations_table(found)}\n\n{dimensions_table(found)}")


def _say_aside(line: str) -> None:
    """Print a remark where it is in no program's way."""
    typer.echo(line, err=True)


def info(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN]",
            help="A run's folder, or a model's .npz file; if not given, this machine.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say what a run is: architecture, parameters, options, how far it got.

    It reads the checkpoint only, and no data.  Without a run it says what this machine is, for
    reports of bugs.

    [bold]Examples[/bold]

      tinyvae info runs/digits
      tinyvae info
    """
    if run is None:
        from tinyvae.ops.machine.about import about_machine

        parts = [mapping_table(title, found) for title, found in about_machine().items()]
        typer.echo("\n\n".join(parts))
        return
    found = runs.info(run)
    sizes = {name: int(np.prod(shape)) for name, shape in found.shapes.items()}
    parts = [mapping_table("Model", found.model)]
    shapes = {name: f"{size:>9,}  {found.shapes[name]}" for name, size in sizes.items()}
    parts.append(mapping_table(f"Parameters: {sum(sizes.values()):,}", shapes))
    for title, mapping in (("Data", found.data), ("Training", found.training)):
        if mapping:
            parts.append(mapping_table(title, mapping))
    if len(found.history):
        last = {name: f"{value:.6g}" for name, value in found.history.rows[-1].items()}
        parts.append(mapping_table(f"After {len(found.history)} epochs", last))
    if found.version:
        parts.append(f"Trained with tinyvae {found.version}")
    typer.echo("\n\n".join(parts))
