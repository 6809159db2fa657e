"""``tinyvae gradcheck``: gradients proved, ours or the reader's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tinyvae.cli.options import given_options, parse_widths
from tinyvae.cli.reports import finish
from tinyvae.errors import UsageError, check_option

if TYPE_CHECKING:
    from tinyvae.gradcheck import Report

METHODS = ("auto", "complex", "central", "directions")
#: Options of the model that is built where no target is given.
BUILT = ("input_dim", "hidden", "latent_dim", "activation", "likelihood", "backend")


def gradcheck(
    ctx: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN | FILE.py:FORWARD,BACKWARD]",
            help="A run's folder or model, or two functions in a file of your own. "
            "If not given: every operation and a whole model, for each backend.",
            show_default=False,
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(metavar="4x3", help="Of each argument of your function, in order; repeat it."),
    ] = None,
    input_dim: Annotated[int, typer.Option(metavar="N", help="Width of x.")] = 784,
    hidden: Annotated[str, typer.Option(metavar="WIDTHS", help="Such as 400, or 200,200.")] = "400",
    latent_dim: Annotated[int, typer.Option(metavar="N", help="Width of z.")] = 20,
    activation: Annotated[str, typer.Option(metavar="NAME", help="Of the hidden layers.")] = "relu",
    likelihood: Annotated[str, typer.Option(metavar="NAME", help="p(x given z).")] = "bernoulli",
    beta: Annotated[float, typer.Option(metavar="X", help="Weight of the KL term.")] = 1.0,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="auto, complex (step: exact), central (differences, extrapolated), directions.",
        ),
    ] = "auto",
    backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only numba, or only reference.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is random here.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for machines.")] = False,
) -> None:
    """Check gradients, and what no gradient check sees: the sampler, the KL term, the bounds.

    Exit status 0 if everything is right, 1 if not; then the report says what is wrong, and what
    the pattern of the error suggests.

    [bold]Examples[/bold]

      tinyvae gradcheck
      tinyvae gradcheck --activation tanh --likelihood gaussian_learned --hidden 200,200
      tinyvae gradcheck runs/digits
      tinyvae gradcheck mylayer.py:forward,backward --shape 5x4 --shape 4x3 --shape 3
    """
    check_option("method", method, METHODS)
    of_own = target is not None and ".py:" in target
    _refuse_unused(ctx, target, of_own)
    if target and of_own:
        from tinyvae.gradcheck.files import check_file, parse_shape

        shapes = [parse_shape(word) for word in shape or []]
        reports = [check_file(target, shapes, method=method, seed=seed)]
    elif target:
        from tinyvae.gradcheck.model import check_model
        from tinyvae.runs import find_run

        reports = [check_model(find_run(target).model, beta=beta, method=method, seed=seed)]
    else:
        config = {
            "input_dim": input_dim,
            "hidden_dims": parse_widths("--hidden", hidden),
            "latent_dim": latent_dim,
            "activation": activation,
            "likelihood": likelihood,
        }
        reports = _ours(config, backend, beta, method, seed)
    finish(reports, as_json)


def _refuse_unused(ctx: typer.Context, target: str | None, of_own: bool) -> None:
    """Refuse options that would change nothing.

    Raises
    ------
    UsageError
    """
    if not of_own and given_options(ctx, ["shape"]):
        raise UsageError("--shape belongs to functions of your own: mylayer.py:forward,backward.")
    built = (*BUILT, "beta") if of_own else BUILT
    for name in given_options(ctx, built) if target is not None else ():
        raise UsageError(
            f"--{name.replace('_', '-')} belongs to a model that is built here, and {target} is "
            "checked as it is: leave one of them out."
        )


def _ours(
    config: dict[str, object], backend: str | None, beta: float, method: str, seed: int
) -> list[Report]:
    from tinyvae.gradcheck.model import check_model
    from tinyvae.gradcheck.operations import check_operations
    from tinyvae.model.vae import VAE
    from tinyvae.ops import BACKENDS

    reports: list[Report] = []
    for name in BACKENDS if backend is None else [check_option("backend", backend, BACKENDS)]:
        vae = VAE(backend=name, seed=seed, **config)  # type: ignore[arg-type]
        reports.append(check_operations(name, method=method, seed=seed))
        reports.append(check_model(vae, beta=beta, method=method, seed=seed))
    return reports
