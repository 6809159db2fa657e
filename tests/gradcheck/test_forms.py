from __future__ import annotations

import sys

import numpy as np
import pytest

from tinyvae.errors import OptionError, UsageError
from tinyvae.gradcheck import check_gradients

X = np.random.default_rng(0).normal(size=(4, 3))
W = np.random.default_rng(1).normal(size=(3, 2))


def encode(x, w):
    h = np.tanh(x)
    return h @ w, h @ w**2


def encode_backward(dmu, dlogvar, x, w, second=1.0):
    h = np.tanh(x)
    dh = dmu @ w.T + second * (dlogvar @ (w**2).T)
    return dh * (1 - h * h), h.T @ dmu + second * 2 * w * (h.T @ dlogvar)


class Pair:
    def forward(self, x):
        self.x = x
        return np.sin(x), np.cos(x)

    def named(self, dmu, dlogvar):
        return dmu * np.cos(self.x) - dlogvar * np.sin(self.x)

    def unnamed(self, a, b):
        return self.named(a, b)

    def through_one(self, a, b):
        return a * np.cos(self.x)


def test_two_outputs_are_checked_together():
    right = check_gradients(encode, encode_backward, X, W)
    assert right.passed
    assert "All 2 values that the function returns were read as outputs." in right.notes
    wrong = check_gradients(
        encode, lambda dmu, dlogvar, x, w: encode_backward(dmu, dlogvar, x, w, 0.0), X, W
    )
    assert not wrong.passed


def test_second_output_is_not_taken_for_a_cache():
    pair = Pair()
    assert check_gradients(pair.forward, pair.named, X).passed
    assert check_gradients(pair.forward, pair.unnamed, X).passed
    assert not check_gradients(pair.forward, pair.through_one, X).passed


def test_a_cache_may_be_left_unused_where_the_gradient_is_named():
    report = check_gradients(lambda a: (a, a), lambda dh, h: dh, X)
    assert report.passed
    assert "The values beside the first were read as a cache." in report.notes


def keyword_only(*, x, w):
    return np.sum(x @ w)


def keyword_only_gradient(*, x, w):
    ones = np.ones((len(x), w.shape[1]))
    return {"x": ones @ w.T, "w": x.T @ ones}


NESTED = {"a": {"w": X}, "b": [W, (X, 1)]}
FORMS = {
    "cache": (lambda x: (x**2, x), lambda dy, cache: 2 * dy * cache, (X,)),
    "cache, unnamed": (lambda x: (x**2, x), lambda a, b: 2 * a * b, (X,)),
    "loss and a number": (lambda x: (np.sum(x**2), np.mean(x)), lambda x: 2 * x, (X,)),
    "loss and a dictionary": (lambda x: (np.sum(x**2), {"n": 1}), lambda x: 2 * x, (X,)),
    "loss of shape (1,)": (lambda x: np.sum(x**2).reshape(1), lambda x: 2 * x, (X,)),
    "loss of shape (1,) with its gradient": (
        lambda x: (np.sum(x**2).reshape(1), 2 * x), True, (X,),
    ),
    "list of arrays": (
        lambda p: np.sum(p[0] ** 2) + np.sum(p[1]), lambda p: [2 * p[0], np.ones_like(p[1])],
        ([X, W],),
    ),
    "nested": (
        lambda p: np.sum(p["a"]["w"] ** 2) + np.sum(p["b"][0]) + np.sum(p["b"][1][0]),
        lambda p: {"a": {"w": 2 * p["a"]["w"]},
                   "b": [np.ones_like(p["b"][0]), (np.ones_like(X), None)]},
        (NESTED,),
    ),
    "keywords only": (keyword_only, keyword_only_gradient, (X, W)),
    "any keywords": (
        lambda x, w: np.sum(x @ w), lambda **k: keyword_only_gradient(x=k["x"], w=k["w"]), (X, W),
    ),
    "dy last": (lambda x, w: x @ w, lambda x, w, dy: (dy @ w.T, x.T @ dy), (X, W)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_call_is_understood(name):
    function, gradient, inputs = FORMS[name]
    report = check_gradients(function, gradient, *inputs)
    assert report.passed, report
    if gradient is not True:

        def doubled(*arguments, **keywords):
            return twice(gradient(*arguments, **keywords))

        import inspect

        doubled.__signature__ = inspect.signature(gradient)
        assert not check_gradients(function, doubled, *inputs).passed


def twice(tree):
    if isinstance(tree, dict):
        return {k: twice(v) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(twice, tree))
    return None if tree is None else 2 * tree


class Dense:
    factor = 1.0

    def __init__(self):
        self.W, self.b, self.dW, self.db = W.copy(), np.zeros(2), None, None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = self.factor * self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T


class Accumulating(Dense):
    def __init__(self):
        super().__init__()
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)

    def backward(self, dy):
        self.dW += self.x.T @ dy
        self.db += dy.sum(axis=0)
        return dy @ self.W.T


@pytest.mark.parametrize("layer", [Dense(), Accumulating()])
def test_layer_that_is_an_object_is_checked_and_put_back(layer):
    before = {k: v if v is None else v.copy() for k, v in vars(layer).items()}
    report = check_gradients(layer, X)
    assert report.passed, report
    assert {a.name.split(".")[-1] for a in report.arrays} == {"W", "b", "input_1"} or len(
        report.arrays
    ) == 3
    assert vars(layer).keys() == before.keys()
    for name, value in before.items():
        assert (value is None) == (vars(layer)[name] is None)
        assert value is None or vars(layer)[name].dtype == value.dtype
        assert value is None or np.array_equal(vars(layer)[name], value)


def test_wrong_gradient_of_a_layers_weight_is_named():
    layer = Dense()
    layer.factor = 2.0
    report = check_gradients(layer, X)
    assert [a.verdict for a in report.arrays] == ["wrong", "ok", "ok"]


def test_bound_methods_leave_their_object_alone():
    pair = Pair()
    pair.x = X
    check_gradients(pair.forward, pair.named, X)
    assert pair.x is X


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("no inputs were given", lambda: check_gradients(np.sum, np.ones_like)),
        ("x is a str", lambda: check_gradients(lambda x: 0.0, lambda x: x, "abc")),
        ("takes \\(x\\), and 2 inputs", lambda: check_gradients(lambda x: 0.0, lambda x: x, X, X)),
        (
            "method='complex' cannot be used",
            lambda: check_gradients(lambda x: np.sum(abs(x)), np.sign, X, method="complex"),
        ),
    ],
)
def test_calls_that_fit_nothing_say_what_is_wrong_with_them(words, call):
    with pytest.raises(UsageError, match=words):
        call()


def test_unknown_option_is_named():
    with pytest.raises(OptionError, match="beta"):
        check_gradients(np.sum, np.ones_like, X, beta=1.0)


def test_long_source_line_is_cut_short():
    def f(x):
        return np.sum(np.array([float(v) for v in (x**2 + x**2 + x**2 + x**2 + x**2 + x**2).flat]))

    report = check_gradients(f, lambda x: 12 * x, X)
    assert report.passed
    assert max(map(len, report.notes)) < 300


def test_tensors_of_torch_are_converted():
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(X)

    def tanh_backward(dy, x):
        return dy * (1 - torch.tanh(x) ** 2)

    assert check_gradients(torch.tanh, tanh_backward, x).passed
    assert not check_gradients(torch.tanh, lambda dy, x: dy * (1 - torch.tanh(x)), x).passed
    assert check_gradients(lambda x: torch.tanh(x).sum(), None, x).passed
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh()).double()
    assert len(check_gradients(module, None, X).arrays) == 3
    assert check_gradients(module, None, X).passed


def test_torch_is_not_imported_for_arrays_of_numpy():
    if "torch" in sys.modules:
        pytest.skip("torch was imported by another test")
    check_gradients(np.sum, np.ones_like, X)
    assert "torch" not in sys.modules


@pytest.mark.parametrize("key", ["w", "dw"])
def test_gradients_in_a_dictionary_go_by_the_argument_or_by_d_and_it(key):
    w = np.array([1.0, -2.0])
    assert check_gradients(lambda w: (w**2).sum(), lambda w: {key: 2 * w}, w).passed
    assert not check_gradients(lambda w: (w**2).sum(), lambda w: {key: w}, w).passed
