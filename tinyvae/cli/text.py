"""Tables for the terminal, in plain text so that they can be piped and pasted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tinyvae.model.evaluation import Evaluation


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of cells with the first column to the left and the others to the right."""
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        right = [cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *right]).rstrip())
    return "\n".join(lines)


def evaluations_table(evaluations: Mapping[str, Evaluation]) -> str:
    """Return the ELBO, its terms, the bound where there is one, and active units, side by side."""
    found = list(evaluations.values())
    rows = [
        ["nats per example", *evaluations],
        ["ELBO", *(f"{e.elbo:.2f}" for e in found)],
        ["  standard error", *(f"{e.elbo_error:.2f}" for e in found)],
        ["  reconstruction", *(f"{e.reconstruction:.2f}" for e in found)],
        ["  KL", *(f"{e.kl:.2f}" for e in found)],
    ]
    if found[0].bound is not None:
        of = "log p(x)" if found[0].log_likelihood is None else "log p(x|y)"
        name = f"bound of {of}, K = {found[0].n_samples}"
        rows.append([name, *(f"{e.bound:.2f}" for e in found)])
    if found[0].log_likelihood is not None:
        name = f"bound of log p(x), {found[0].n_samples} of each class"
        rows.append([name, *(f"{e.log_likelihood:.2f}" for e in found)])
        rows.append(["labels named by p(y|x)", *(f"{e.accuracy:.1%}" for e in found)])
    rows.append(["active units", *(f"{e.active_units} of {len(e.mu_variance)}" for e in found)])
    rows.append(["examples", *(f"{e.rows:,}" for e in found)])
    return table(rows)


def dimensions_table(evaluations: Mapping[str, Evaluation]) -> str:
    """Return the KL of each latent dimension, largest first by the first evaluation."""
    found = list(evaluations.values())
    rows = [["KL per dimension", *evaluations]]
    for i in found[0].kl_per_dimension.argsort(kind="stable")[::-1]:
        rows.append([f"  z[{i}]", *(f"{e.kl_per_dimension[i]:.3f}" for e in found)])
    return table(rows)


def mapping_table(title: str, mapping: Mapping[str, object]) -> str:
    """Return a title and one line for each name."""
    width = max(map(len, mapping), default=0)
    return "\n".join([title, *(f"  {name:<{width}}  {value}" for name, value in mapping.items())])
