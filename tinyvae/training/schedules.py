"""The learning rate as training goes on."""

from __future__ import annotations

import math

from tinyvae.errors import check_option

SCHEDULES = ("constant", "cosine", "burda")


def scheduled_rate(
    learning_rate: float, schedule: str, progress: float, epoch: float = 0.0
) -> float:
    """Return the learning rate at a moment of the training.

    ``"constant"`` keeps it.  ``"cosine"`` follows (1 + cos(pi progress)) / 2 down to zero
    (Loshchilov and Hutter 2017, equation 5, without restarts).  ``"burda"`` falls in pieces of
    1, 3, 9, ... epochs, the one of 3**i epochs at 10**(-i / 7) of it, whatever the length of the
    training: 3,280 epochs are its first eight (Burda, Grosse and Salakhutdinov 2016, section 5).

    Tutorial 07, equation (7.20).

    Parameters
    ----------
    learning_rate : float
        At the beginning.
    schedule : str
        ``"constant"``, ``"cosine"`` or ``"burda"``.
    progress : float
        The fraction of the training that is done; of ``"cosine"``.
    epoch : float
        How many epochs are done; of ``"burda"``.

    Raises
    ------
    OptionError
        If there is no such schedule.
    """
    if check_option("schedule", schedule, SCHEDULES) == "constant":
        return learning_rate
    if schedule == "cosine":
        return 0.5 * learning_rate * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    piece, end = 0, 1
    while epoch >= end:
        piece, end = piece + 1, 3 * end + 1  # 1 + 3 + 9 + ...
    return float(learning_rate * 10.0 ** (-piece / 7))
