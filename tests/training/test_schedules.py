import pytest

from tinyvae.errors import OptionError
from tinyvae.training.schedules import scheduled_rate


def test_schedules():
    assert scheduled_rate(0.2, "constant", 0.9) == 0.2
    assert scheduled_rate(0.2, "cosine", 0.0) == 0.2
    assert scheduled_rate(0.2, "cosine", 0.5) == pytest.approx(0.1)
    assert scheduled_rate(0.2, "cosine", 1 / 3) == pytest.approx(0.2 * 0.75)
    assert scheduled_rate(0.2, "cosine", 1.0) == pytest.approx(0.0, abs=1e-17)
    assert scheduled_rate(0.2, "cosine", 1.5) == scheduled_rate(0.2, "cosine", 1.0)
    assert scheduled_rate(0.2, "cosine", -0.5) == 0.2
    # Burda's pieces begin after 0, 1, 1 + 3, 1 + 3 + 9, ... epochs, whatever comes after them.
    for piece, first in enumerate([0, 1, 4, 13, 40, 121, 364, 1093]):
        for epoch in (first, first + 3**piece - 1e-9):
            rate = scheduled_rate(1e-3, "burda", 0.5, epoch)
            assert rate == pytest.approx(1e-3 * 10 ** (-piece / 7), rel=1e-15)
    with pytest.raises(OptionError, match="did you mean 'cosine'"):
        scheduled_rate(0.2, "cosin", 0.5)
