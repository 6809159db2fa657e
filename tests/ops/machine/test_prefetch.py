"""Random words are NumPy's own, in their order; asking for a row changes nothing."""

import numpy as np
import pytest

from tinyvae.ops.machine.jit import JIT_DISABLED, kernel
from tinyvae.ops.machine.prefetch import ask_for_row, draw_words, word_source

pytestmark = pytest.mark.skipif(JIT_DISABLED, reason="plain Python calls nothing by its address")


@kernel()
def ask(images, row):
    ask_for_row(images, row)


@kernel()
def draw(function, state, words, first):
    draw_words(function, state, words, first)


def test_words_are_those_of_the_generator_and_it_moves_on():
    ours, numpys = np.random.default_rng(5), np.random.default_rng(5)
    words = np.zeros(10, np.uint64)
    draw(*word_source(ours.bit_generator), words, 3)
    assert not words[:3].any()
    expected = numpys.integers(0, 2**64 - 1, 7, dtype=np.uint64, endpoint=True)
    np.testing.assert_array_equal(words[3:], expected)
    assert ours.random() == numpys.random()


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("row", [-1, 0, 2, 3, 10**12])
def test_asking_for_any_row_is_harmless(dtype, row):
    images = np.arange(3 * 300).astype(dtype).reshape(3, 300)
    before = images.copy()
    ask(images, row)
    np.testing.assert_array_equal(images, before)
