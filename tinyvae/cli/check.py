"""``tinyvae check``: what the losses, samplers and KLs of a file really compute."""

from __future__ import annotations

from typing import Annotated

import typer

from tinyvae.cli.reports import finish
from tinyvae.errors import UsageError


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py[:FUNCTION,...]",
            help="A file of your own; without names, every loss, sampler and KL in it.",
            show_default=False,
        ),
    ],
    input_dim: Annotated[
        str, typer.Option(metavar="N", help="Width of x, or the shape of an example: 1x28x28.")
    ] = "784",
    latent_dim: Annotated[int, typer.Option(metavar="N", help="Width of z.")] = 20,
    beta: Annotated[float, typer.Option(metavar="X", help="The KL weight you mean to have.")] = 1.0,
    convert: Annotated[
        str, typer.Option(metavar="NAME", help="Arrays to hand over: auto, none, torch, jax.")
    ] = "auto",
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is random here.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Tell what a loss really weighs, and what a sampler really draws.

    The file is run. Arguments are known by their usual names: x, recon_x, logits, mu, logvar,
    std, beta, ... Exit status 0 if all is right, 1 if not; then the report says what is wrong.

    [bold]Examples[/bold]

      tinyvae check vae.py
      tinyvae check vae.py:loss_function,reparameterize --input-dim 1x28x28 --latent-dim 32
    """
    from tinyvae.losscheck.files import check_file

    reports = check_file(
        target,
        beta=beta,
        input_dim=_example(input_dim),
        latent_dim=latent_dim,
        convert=convert,
        seed=seed,
    )
    finish(reports, as_json)


def _example(text: str) -> int | tuple[int, ...]:
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise UsageError(f"--input-dim={text!r} must look like 784 or 1x28x28.")
    sizes = tuple(int(part) for part in parts)
    return sizes[0] if len(sizes) == 1 else sizes
