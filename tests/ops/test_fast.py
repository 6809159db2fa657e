"""The fast operations are the reference: the same names, the same numbers."""

import inspect

import numpy as np
import pytest

from tinyvae.ops import dense, fast, reference

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
SHAPES = [(1, 1), (2, 3), (13, 37), (5, 130)]


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param


def same(found, expected, dtype):
    found = found if isinstance(found, tuple) else (found,)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        assert ours.shape == theirs.shape
        error = np.linalg.norm(ours.astype(float) - theirs) / np.linalg.norm(theirs)
        assert error <= TOLERANCE[dtype]


def check(name, dtype, *arrays, **options):
    """Both implementations see the same numbers: those that the dtype can hold."""
    given = [np.asarray(a, dtype) for a in arrays]
    expected = getattr(reference, name)(*(a.astype(float) for a in given), *options.values())
    same(getattr(fast, name)(*given, *options.values()), expected, dtype)


def test_there_is_one_list_of_operations():
    public = {
        name
        for name, what in vars(reference).items()
        if inspect.isfunction(what) and what.__module__ == reference.__name__ and name[0] != "_"
    }
    assert set(fast.OPERATIONS) == public
    for name in public:
        ours = list(inspect.signature(getattr(fast, name)).parameters)
        theirs = list(inspect.signature(getattr(reference, name)).parameters)
        if ours == ["a"]:  # made by ``_elementwise``
            theirs = ours
        assert ours[: len(theirs)] == theirs
        assert set(ours[len(theirs) :]) <= {"threads"}


@pytest.mark.parametrize(
    "name",
    [
        *("sigmoid", "softplus", "bernoulli_mean", "bound_logvar_forward"),
        *("log_partition", "continuous_bernoulli_mean", "poisson_mean"),
    ],
)
def test_elementwise(name, dtype, rng):
    check(name, dtype, rng.normal(scale=4.0, size=(13, 37)))


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_activations(activation, dtype, rng):
    a, dh = rng.normal(scale=2.0, size=(2, 13, 37))
    check("activation_forward", dtype, a, activation=activation)
    h = reference.activation_forward(a, activation)
    check("activation_backward", dtype, dh, h, activation=activation)


def test_relu_is_flat_at_its_kink_and_keeps_nan(dtype):
    a = np.array([[-1.0, -0.0, 0.0, 2.0, np.nan]], dtype)
    h = fast.activation_forward(a, "relu")
    np.testing.assert_array_equal(h, np.array([[0.0, 0.0, 0.0, 2.0, np.nan]], dtype))
    np.testing.assert_array_equal(
        fast.activation_backward(np.ones_like(a), h, "relu")[0, :4], [0, 0, 0, 1]
    )


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_dense_layers(activation, shape, dtype, rng):
    batch, fan_in = shape
    fan_out = 11
    x, da = rng.normal(size=shape), rng.normal(size=(batch, fan_out))
    weight, bias = rng.normal(size=(fan_in, fan_out)), rng.normal(size=fan_out)
    check("dense_forward", dtype, x, weight, bias, activation=activation)
    check("dense_backward_weight", dtype, x, da)
    h = reference.activation_forward(x, activation) + 0.1
    check("dense_backward_input", dtype, da, weight, h, activation=activation)


@pytest.mark.parametrize("shape", SHAPES)
def test_latent(shape, dtype, rng):
    mu, logvar, noise, dz, dlogvar = rng.normal(size=(5, *shape))
    check("bound_logvar_backward", dtype, dlogvar, logvar)
    check("reparameterize_forward", dtype, mu, logvar, noise)
    check("reparameterize_backward", dtype, dz, logvar, noise)
    check("kl_forward", dtype, mu, logvar)
    check("kl_backward", dtype, mu, logvar)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli"])
def test_likelihoods_of_the_unit_interval(likelihood, shape, dtype, rng):
    logits, x = rng.normal(scale=3.0, size=shape), rng.random(shape)
    check(f"{likelihood}_forward", dtype, logits, x)
    check(f"{likelihood}_backward", dtype, logits, x)


@pytest.mark.parametrize("shape", SHAPES)
def test_poisson(shape, dtype, rng):
    logits, x = rng.normal(scale=2.0, size=shape), rng.poisson(3.0, size=shape)
    x.flat[0] = 1000  # beyond the table of factorials
    check("poisson_forward", dtype, logits, x)
    check("poisson_backward", dtype, logits, x)


@pytest.mark.parametrize("shape", SHAPES)
def test_many_samples(shape, dtype, rng):
    logvar, noise, z = rng.normal(size=(3, *shape))
    reconstruction, dlog_w = rng.normal(scale=9.0, size=(2, len(z)))
    check("log_weight_forward", dtype, reconstruction, logvar, noise, z)
    check("log_weight_backward", dtype, dlog_w, z)
    check("path_backward", dtype, dlog_w, logvar, noise, z)
    log_w = rng.normal(-90.0, 3.0, size=shape)
    check("importance_bound_forward", dtype, log_w)
    check("importance_bound_backward", dtype, log_w)


def test_labels(dtype, rng):
    a, da = rng.normal(size=(2, 13, 5)).astype(dtype)
    weight, labels = rng.normal(size=(4, 5)).astype(dtype), rng.integers(0, 3, 13)
    same(
        fast.label_forward(a, weight, labels),
        reference.label_forward(a.astype(float), weight.astype(float), labels),
        dtype,
    )
    expected = reference.label_backward(da.astype(float), labels, 4)
    assert not expected[3].any()  # a class that does not occur
    same(fast.label_backward(da, labels, 4), expected, dtype)


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian(shape, dtype, rng):
    # Residuals of about three sigma: dlog_sigma is then no small difference of large numbers.
    mean, x = rng.normal(scale=3.0, size=(2, *shape))
    check("gaussian_forward", dtype, mean, x, [0.2])
    check("gaussian_backward", dtype, mean, x, [0.2])


def test_adam(dtype, rng):
    values, gradients, m = rng.normal(size=(3, 301)).astype(dtype)
    v = rng.random(301).astype(dtype)
    ours = [values.copy(), gradients, m.copy(), v.copy()]
    theirs = [array.astype(float) for array in ours]
    for step in range(1, 4):
        fast.adam_step(*ours, step, 1e-2, 0.9, 0.999, 1e-8)
        reference.adam_step(*theirs, step, 1e-2, 0.9, 0.999, 1e-8)
    same(tuple(ours), tuple(theirs), dtype)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bits(threads, rng, monkeypatch):
    """The three products in so many parts, though the work be small and the processors few."""
    x, da = rng.normal(size=(29, 40)).astype("float32"), rng.normal(size=(29, 31)).astype("float32")
    weight, bias = (
        rng.normal(size=(40, 31)).astype("float32"),
        rng.normal(size=31).astype("float32"),
    )
    asked = []

    def as_many(flops, at_most):
        asked.append(at_most)
        return at_most

    monkeypatch.setattr(dense, "threads_for", as_many)

    def products(many):
        ops = fast.with_threads(many)
        return [
            ops.dense_forward(x, weight, bias, "tanh"),
            *ops.dense_backward_weight(x, da),
            ops.dense_backward_input(da, weight, np.tanh(x), "tanh"),
        ]

    for one, other in zip(products(1), products(threads), strict=True):
        np.testing.assert_array_equal(other, one)
    assert asked == [1] * 3 + [threads] * 3
