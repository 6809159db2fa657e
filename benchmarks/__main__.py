"""``python -m benchmarks``: measure, print a table, draw a picture, record the machine.

Extra ``bench`` installs the contenders; those that are missing are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import (
    burda,
    checkers,
    checkers_fuzzed,
    extras,
    gradients,
    harness,
    kernels,
    machine,
    mnist,
    report,
    scaling,
    sigma,
    startup,
    study,
)
from benchmarks.workloads import WORKLOADS

app = typer.Typer(help=__doc__, no_args_is_help=False, add_completion=False)

PAIRS = [("W1", 2), ("W1", 1), ("W2-b20", 1), ("W2-b100", 2), ("W3", 1), ("toy", 1)]


@app.command()
def steps(
    workload: Annotated[list[str], typer.Option(help="Only these, as W1:2 (threads).")] = [],  # noqa: B006
    contender: Annotated[list[str], typer.Option(help="Only these, and tinyvae.")] = [],  # noqa: B006
    rounds: int = 9,
    seconds: Annotated[float, typer.Option(help="Of each contender's turn in a round.")] = 0.5,
    output: Path = Path("benchmarks/results"),
) -> None:
    """Time a training step of every contender, in interleaved rounds."""
    names = harness.available()
    if contender:
        names = ["tinyvae", *(name for name in names if name in contender and name != "tinyvae")]
    wanted = [tuple(word.split(":")) for word in workload] or PAIRS
    timings = []
    for name, threads in wanted:
        timing = harness.time_workload(WORKLOADS[name].name, int(threads), names, rounds, seconds)
        timings.append(timing)
        print(report.table([timing]), flush=True)
    report.save_steps(timings, machine.describe(), output)


@app.command("kernels")
def kernels_(output: Path = Path("benchmarks/results"), rounds: int = 15) -> None:
    """Time the matrix kernels alone against OpenBLAS and the processor's peak, on one thread."""
    kernels.main(output, rounds)


@app.command("startup")
def startup_(
    output: Path = Path("benchmarks/results"),
    rounds: Annotated[int, typer.Option(min=1, help="Fresh processes of each kind.")] = 10,
) -> None:
    """Time fresh processes until their first training step, with and without compiled kernels."""
    names = [name for name in startup.PROCESSES if name in harness.available() or "tiny" in name]
    took = startup.measure(names, rounds)
    peak = startup.peak_of_training()
    print(startup.table(took), f"\n\nAn epoch of fit, 60,000 images: {peak:.0f} MiB", sep="")
    result = {"machine": machine.describe(), "seconds": took, "w1_training_peak_mib": peak}
    output.mkdir(parents=True, exist_ok=True)
    (output / "startup.json").write_text(json.dumps(result, indent=2))


@app.command("scaling")
def scaling_(output: Path = Path("benchmarks/results")) -> None:
    """Time a step as width, depth, batch and data grow by factors of two."""
    scaling.main(output)


@app.command("mnist")
def mnist_(data_dir: Path | None = None, seeds: int = 3) -> None:
    """Train the well-known MNIST example and print its test losses beside the published ones."""
    mnist.main(data_dir, seeds)


@app.command("burda")
def burda_(
    objective: Annotated[str, typer.Option(help="elbo, iwae, stl or dreg.")] = "elbo",
    k: Annotated[int, typer.Option("--k", min=1, help="Samples of z for each image.")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="Up to 3,280, in pieces of 3**i.")] = 364,
    data_dir: Path | None = None,
    output: Path = Path("benchmarks/results/burda"),
) -> None:
    """Train a cell of Burda's table; Ctrl-C stops without loss, the same command goes on."""
    burda.train(output, data_dir, objective, k, epochs)


@app.command("burda-score")
def burda_score(
    rows: Annotated[int, typer.Option(min=1, help="Test images.")] = 10_000,
    samples: Annotated[int, typer.Option(min=1, help="Samples of z for each.")] = 5000,
    which: Annotated[str, typer.Option(help="Only models like this, as 'iwae-5/epoch-0121'.")] = (
        "*/epoch-*"
    ),
    data_dir: Path | None = None,
    output: Path = Path("benchmarks/results/burda"),
) -> None:
    """Weigh the models that ``burda`` kept, and print the table."""
    burda.score(output, data_dir, rows, samples, which)


@app.command("sigma")
def sigma_(output: Path = Path("benchmarks/results")) -> None:
    """Tabulate what becomes of a learned sigma from several starts (needs scikit-learn)."""
    sigma.main(output)


@app.command("gradients")
def gradients_(output: Path = Path("docs/gradients")) -> None:
    """Tabulate the error of every gradient by every method, and error against step size."""
    gradients.main(output)


@app.command("checkers")
def checkers_(
    output: Path = Path("benchmarks/results"),
    right: Annotated[int, typer.Option(min=1, help="How many right functions.")] = 400,
) -> None:
    """Ask four gradient checkers about the same wrong functions, and about right ones."""
    checkers.main(output, right)


@app.command("fuzz")
def fuzz_(
    output: Path = Path("benchmarks/results"),
    count: Annotated[
        int, typer.Option(min=1, help="How many right ones, and as many wrong.")
    ] = 5000,
    first: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
) -> None:
    """Check random expressions, right ones and ones with a slip, by each method."""
    checkers_fuzzed.main(output, count, first)


@app.command("features")
def features_(
    output: Path = Path("docs/ecosystem"),
    splits: Annotated[int, typer.Option(min=2, help="Random splits.")] = 10,
) -> None:
    """Classify digits by a VAE's codes, and find anomalies by its scores, beside scikit-learn's."""
    from benchmarks import features

    features.main(output, splits)


@app.command("checks")
def checks_(output: Path = Path("docs/ecosystem")) -> None:
    """Tabulate scikit-learn's checks of our estimators."""
    from benchmarks import estimator_checks

    estimator_checks.main(output)


@app.command("exports")
def exports_(output: Path = Path("docs/ecosystem")) -> None:
    """Compare every export with the model, and PyTorch's example with what becomes of it."""
    from benchmarks import exports

    exports.main(output)


@app.command("extras")
def extras_(
    output: Path = Path("benchmarks/results"),
    extra: Annotated[list[str], typer.Option(help="Only these.")] = [],  # noqa: B006
    against: Annotated[str | None, typer.Option(help="A commit to compare the base with.")] = None,
) -> None:
    """Install the base and each extra into fresh environments: size and import time."""
    extras.main(output, extra, against)


@app.command("study")
def study_(
    output: Path = Path("benchmarks/results"),
    runs: int = 100,
    epochs: int = 40,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    jobs: Annotated[int, typer.Option(min=2)] = 2,
) -> None:
    """Time a study of small runs one by one, in processes and on Dask; and what that costs."""
    study.main(output, runs, epochs, rounds, jobs)


if __name__ == "__main__":
    app()
