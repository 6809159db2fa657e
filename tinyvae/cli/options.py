"""Every option of ``tinyvae train``: its name, its help, and the panel it stands in.

Names of parameters are those of ``RunOptions``; defaults are not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from tinyvae.data.batches import BINARIZE
from tinyvae.data.registry import PUBLISHED
from tinyvae.errors import SizeError
from tinyvae.model.likelihoods import LIKELIHOODS
from tinyvae.ops import BACKENDS
from tinyvae.ops.reference import ACTIVATIONS, OBJECTIVES
from tinyvae.training.schedules import SCHEDULES


def _option(panel: str, flag: str, metavar: str | None, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, rich_help_panel=panel)


def _words(words: Any) -> str:
    return ", ".join(words)


def parse_widths(flag: str, came: str) -> tuple[int, ...]:
    """Return layer widths from words such as "400", "200,200" or "none".

    Raises
    ------
    SizeError
        If it is none of these.
    """
    if came.strip().lower() in ("", "none"):
        return ()
    try:
        return tuple(int(width) for width in came.split(","))
    except ValueError:
        raise SizeError(
            f"{flag} {came!r} must be widths with commas between, such as 400 or 200,200, or none."
        ) from None


def given_options(ctx: typer.Context, names: Iterable[str]) -> list[str]:
    """Return the parameters among these that stand on the command line."""
    sources = {name: ctx.get_parameter_source(name) for name in names}
    return [name for name, source in sources.items() if source and source.name == "COMMANDLINE"]


_DATA, _MODEL, _TRAINING = "Data", "Model", "Training"
_MACHINE, _RUN = "Machine", "Run"

Data = Annotated[
    str,
    _option(
        _DATA,
        "--data",
        "NAME|FILE|FOLDER",
        f"{_words(('digits', *PUBLISHED))}, or your own: .npy, .npz, idx, CSV and other tables of "
        "text, Parquet, .mat, or a folder of PNG or JPEG pictures. Only digits needs no network.",
    ),
]
ScaleMax = Annotated[
    float | None,
    _option(
        _DATA,
        "--scale-max",
        "X",
        "The number that means 1: the data are divided by it. If not given, uint8 are grey levels "
        "over 255, unless they are only 0 and 1.",
    ),
]
ImageShape = Annotated[
    str | None,
    _option(_DATA, "--image-shape", "HxW", "How to draw a row, such as 28x20; none: not at all."),
]
LabelColumn = Annotated[
    str | None,
    _option(
        _DATA,
        "--label-column",
        "NAME|N",
        "A table's column of labels, by name or counted from 0 (-1 is the last); none: no labels.",
    ),
]
ImageSize = Annotated[
    str | None,
    _option(_DATA, "--image-size", "HxW", "Bring the pictures of a folder to this size."),
]
SplitSeed = Annotated[
    int,
    _option(
        _DATA, "--split-seed", "N", "Draws the tenth of the rows that tests, if no test set came."
    ),
]
DataDir = Annotated[
    str | None,
    _option(_DATA, "--data-dir", "FOLDER", "Where the files of mnist or fashion-mnist lie."),
]
Binarize = Annotated[
    str | None,
    _option(
        _DATA,
        "--binarize",
        "HOW",
        f"{_words(BINARIZE)}: how grey pixels become 0 or 1. If not given, stochastic for a "
        "Bernoulli likelihood and none for the others.",
    ),
]
Hidden = Annotated[
    str,
    _option(
        _MODEL,
        "--hidden",
        "WIDTHS",
        "Widths of the encoder's hidden layers: 400, or 200,200, or none.",
    ),
]
DecoderHidden = Annotated[
    str | None,
    _option(
        _MODEL,
        "--decoder-hidden",
        "WIDTHS",
        "Those of the decoder, if it is not the encoder's mirror image.",
    ),
]
LatentDim = Annotated[int, _option(_MODEL, "--latent-dim", "N", "Width of z; 2 can be drawn.")]
Activation = Annotated[str, _option(_MODEL, "--activation", "NAME", f"{_words(ACTIVATIONS)}.")]
Objective = Annotated[
    str,
    _option(
        _TRAINING,
        "--objective",
        "NAME",
        f"{_words(OBJECTIVES)}: the ELBO, or the importance-weighted bound of --samples of z.",
    ),
]
NSamples = Annotated[
    int, _option(_TRAINING, "--samples", "K", "Samples of z for each row of a step.")
]
FreeBits = Annotated[
    float | None,
    _option(_TRAINING, "--free-bits", "NATS", "KL that each latent dimension has for nothing."),
]
Likelihood = Annotated[str, _option(_MODEL, "--likelihood", "NAME", f"{_words(LIKELIHOODS)}.")]
Sigma = Annotated[
    float | None,
    _option(
        _MODEL,
        "--sigma",
        "X",
        "Standard deviation of gaussian, 1 if not given; where gaussian_learned starts, half the "
        "spread of the data if not given.",
    ),
]
Conditional = Annotated[
    bool,
    _option(
        _MODEL,
        "--conditional",
        None,
        "Tell encoder and decoder the labels, so that sample can be told what to draw.",
    ),
]
Epochs = Annotated[int, _option(_TRAINING, "--epochs", "N", "Passes through the data.")]
BatchSize = Annotated[int, _option(_TRAINING, "--batch-size", "N", "Examples in a step.")]
LearningRate = Annotated[float, _option(_TRAINING, "--learning-rate", "X", "Adam's.")]
Schedule = Annotated[
    str,
    _option(
        _TRAINING,
        "--schedule",
        "NAME",
        f"Of the learning rate: {_words(SCHEDULES)}. cosine falls to zero over all epochs; burda "
        "in pieces of 1, 3, 9, ... epochs, by the same factor each.",
    ),
]
Beta = Annotated[float, _option(_TRAINING, "--beta", "X", "Weight of the KL term in the loss.")]
Warmup = Annotated[
    float,
    _option(_TRAINING, "--warmup", "EPOCHS", "How long that weight takes to rise from 0 to beta."),
]
Patience = Annotated[
    int | None,
    _option(
        _TRAINING,
        "--patience",
        "EPOCHS",
        "Stop after this many without a better ELBO on the test set, and keep the best weights.",
    ),
]
Seed = Annotated[int, _option(_TRAINING, "--seed", "N", "The same seed gives the same weights.")]
DType = Annotated[str, _option(_MACHINE, "--dtype", "NAME", "float32 or float64.")]
Backend = Annotated[
    str,
    _option(_MACHINE, "--backend", "NAME", f"{_words(BACKENDS)} (plain NumPy, slow)."),
]
Threads = Annotated[
    int | None,
    _option(_MACHINE, "--threads", "N", "At most this many; by the size of the work if not given."),
]
Output = Annotated[
    str | None,
    _option(_RUN, "--output", "FOLDER", "A new folder; runs/DATA, runs/DATA-2, ... if not given."),
]
Resume = Annotated[
    str | None,
    _option(_RUN, "--resume", "RUN", "Continue a run as if it had never stopped, bit for bit."),
]
ConfigFile = Annotated[
    str | None,
    _option(
        _RUN,
        "--config",
        "FILE",
        "Train again as a config.json says; other options given here override it.",
    ),
]
SaveEvery = Annotated[
    int | None,
    _option(
        _RUN,
        "--save-every",
        "N",
        "Also keep the checkpoint of every Nth epoch, under its number.",
    ),
]
Progress = Annotated[
    bool,
    typer.Option(
        "--progress/--no-progress",
        help="Show a progress bar, or a line an epoch where the output is no terminal, or nothing.",
        rich_help_panel=_RUN,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors only.", rich_help_panel=_RUN)]
