"""``tinyvae train``: from options to a run, and what is printed of it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

from tinyvae.cli import options as o
from tinyvae.cli.messages import in_flags
from tinyvae.cli.text import evaluations_table
from tinyvae.errors import TinyVAEError, UsageError
from tinyvae.runs import Config, Result, RunOptions
from tinyvae.runs import resume as resume_run
from tinyvae.runs import train as train_run

INTERRUPTED = 130  # what shells report of a program that SIGINT ended: 128 + 2
_DEFAULT = RunOptions()
_HIDDEN = ",".join(map(str, _DEFAULT.hidden_dims))


def train(
    ctx: typer.Context,
    data: o.Data = _DEFAULT.data,
    data_dir: o.DataDir = None,
    scale_max: o.ScaleMax = None,
    image_shape: o.ImageShape = None,
    label_column: o.LabelColumn = None,
    image_size: o.ImageSize = None,
    split_seed: o.SplitSeed = _DEFAULT.split_seed,
    binarize: o.Binarize = None,
    hidden_dims: o.Hidden = _HIDDEN,
    decoder_hidden_dims: o.DecoderHidden = None,
    latent_dim: o.LatentDim = _DEFAULT.latent_dim,
    activation: o.Activation = _DEFAULT.activation,
    likelihood: o.Likelihood = _DEFAULT.likelihood,
    sigma: o.Sigma = None,
    conditional: o.Conditional = _DEFAULT.conditional,
    epochs: o.Epochs = _DEFAULT.epochs,
    batch_size: o.BatchSize = _DEFAULT.batch_size,
    learning_rate: o.LearningRate = _DEFAULT.learning_rate,
    schedule: o.Schedule = _DEFAULT.schedule,
    objective: o.Objective = _DEFAULT.objective,
    n_samples: o.NSamples = _DEFAULT.n_samples,
    beta: o.Beta = _DEFAULT.beta,
    free_bits: o.FreeBits = None,
    warmup_epochs: o.Warmup = _DEFAULT.warmup_epochs,
    patience: o.Patience = _DEFAULT.patience,
    seed: o.Seed = _DEFAULT.seed,
    dtype: o.DType = _DEFAULT.dtype,
    backend: o.Backend = _DEFAULT.backend,
    threads: o.Threads = _DEFAULT.threads,
    output: o.Output = None,
    resume: o.Resume = None,
    config: o.ConfigFile = None,
    save_every: o.SaveEvery = None,
    progress: o.Progress = True,
    quiet: o.Quiet = False,
) -> None:
    """Train a VAE and keep the model, the numbers and the pictures in a folder.

    Ctrl-C, SIGTERM and SIGHUP stop after the current step and keep everything (exit
    status 130, 143, 129); a second one stops at once and keeps the checkpoint of the
    last seconds.

    [bold]Examples[/bold]

      tinyvae train                                  digits, about a minute
      tinyvae train --latent-dim 2 --epochs 100      a plane one can draw
      tinyvae train --conditional                    digits on demand: sample --label 3
      tinyvae train --data mnist --hidden 500,200    downloads MNIST once
      tinyvae train --data mine.npy --likelihood gaussian_learned
      tinyvae train --data train.csv --label-column label
      tinyvae train --data pictures/ --image-size 28x28
      tinyvae train --resume runs/digits             goes on after Ctrl-C
      tinyvae train --config runs/digits/config.json --beta 4
    """
    given = _given(ctx)
    say = _nothing if quiet else typer.echo
    progress = progress and not quiet
    if resume is not None:
        if output is not None or config is not None:
            raise UsageError("--resume goes with neither --output nor --config: leave them out.")
        result = resume_run(resume, given, progress=progress, say=say)
    else:
        base = Config.read(Path(config)).options if config is not None else RunOptions()
        result = train_run(base.changed(given), output=output, progress=progress, say=say)
    _report(result, say, ctx.find_root().command)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED if result.signal is None else 128 + result.signal)


def _nothing(line: str) -> None:
    """Print nothing."""


def _given(ctx: typer.Context) -> dict[str, Any]:
    """Return the options that stand on the command line, under their names in ``RunOptions``."""
    names = o.given_options(ctx, [field.name for field in fields(RunOptions)])
    given = {name: ctx.params[name] for name in names}
    for name, flag in (("hidden_dims", "--hidden"), ("decoder_hidden_dims", "--decoder-hidden")):
        if name in given:
            given[name] = o.parse_widths(flag, given[name])
    return given


def _report(result: Result, say: Any, program: Any) -> None:
    folder = result.folder.as_posix()
    folder = f'"{folder}"' if " " in folder else folder
    if result.interrupted:
        say(f"Interrupted after {len(result.history)} whole epochs; nothing is lost.")
        say(f"Go on:               tinyvae train --resume {folder}")
        say(f"See it as it stands: tinyvae plot {folder}")
        return
    say("")
    say(evaluations_table(result.evaluations))
    if result.remark:
        say("\n" + in_flags(result.remark, program.commands.values()))
    say("")
    if result.pictures:
        say("\n  ".join(["Pictures:", *map(str, result.pictures)]))
    say(_page(result))


def _page(result: Result) -> str:
    """Make the page to explore the run with; it is an extra, without which the run is whole."""
    from tinyvae.explorer import explore_run

    try:
        page = explore_run(result.folder, progress=False)
    except TinyVAEError as error:
        return f"No page to explore was made: {error}"
    return f"Open in a browser, to draw and see what it makes of it:\n  {page}"
