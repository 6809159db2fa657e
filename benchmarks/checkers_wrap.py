"""The museum's wrong functions and random right ones, as each gradient checker wants to be asked.

Torch and JAX get a layer itself and take their own products with it; SciPy, which knows functions
of one vector only, gets it contracted with a random dy.  Which tool is better is told elsewhere.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tinyvae.gradcheck import check_gradients
from tinyvae.gradcheck.inputs import Inputs
from tinyvae.gradcheck.results import WRONG
from tinyvae.gradcheck.signatures import make_problem

TESTS = Path(__file__).resolve().parent.parent / "tests" / "gradcheck"
SCIPY_TOLERANCE = 1e-6
# Errors that are no verdict, but the machinery around the tool refusing what a gradient returned.
REFUSALS = {
    "torch": r"returned an invalid gradient",
    "jax": r"Incorrect output shape",
    "scipy": r"could not be broadcast",
}
# How a tool tells which of the inputs it means.
WHERE = {"torch": r"with respect to input \d|gradient at index \d", "jax": r"return value #\d"}
# Words that tell more than that numbers differ, read generously: of a shape, of NaN, of two calls.
WHY = {
    "torch": r"not reentrant|invalid gradient at index|analytical:[^:]*\bnan\b",
    "jax": r"output shape|nan location|VJP primal",
    "scipy": r"shapes|^nan",
}
NOTHING = r"(?!)"
FOUND = ("failed", "refused")
LONGEST = 400  # characters kept of a message


def find_museum() -> None:
    """Make the wrong and the right functions of the tests importable."""
    if not (TESTS / "museum").is_dir():
        raise SystemExit(
            f"{TESTS} holds no museum of wrong functions: run this from a checkout of the "
            "repository, which has tests/gradcheck, not from an installed package."
        )
    # The only place that reaches into the tests: they are no package, and pytest puts this very
    # folder on the path for them.
    if str(TESTS) not in sys.path:
        sys.path.insert(0, str(TESTS))


def fresh_museum() -> list[Any]:
    """Return the exhibits as if never used before: a few keep buffers or random generators."""
    for name in [n for n in sys.modules if n.split(".")[0] == "museum"]:
        del sys.modules[name]
    return list(importlib.import_module("museum").EXHIBITS)


def exhibits() -> list[Callable[[], Any]]:
    """Return, for every exhibit, a function that makes it anew."""
    return [lambda i=i: fresh_museum()[i] for i in range(len(fresh_museum()))]


def right_at_ties(count: int) -> Iterator[Callable[[], Any]]:
    """Yield random expressions at ties and kinks whose gradients are right."""
    exhibit = importlib.import_module("museum.exhibit").Exhibit
    fuzz = importlib.import_module("fuzz")
    made_right = (e for seed in itertools.count() if (e := fuzz.right(seed, "ties")) is not None)
    for expression in itertools.islice(made_right, count):
        function, gradient, *inputs = fuzz.question(expression)
        name = f"{expression!r}, at ties"
        made = exhibit(name, "", function, gradient, tuple(inputs), "")
        yield lambda made=made: made


def right_functions(count: int) -> Iterator[Callable[[], Any]]:
    """Yield random chains of layers whose gradients are right, with fixed seeds."""
    exhibit = importlib.import_module("museum.exhibit").Exhibit
    right = importlib.import_module("right_functions")
    layers, losses = sorted(right.LAYERS), [None, *right.LOSSES]
    for seed in range(count):
        rng = np.random.default_rng([seed, 1])
        names = [layers[i] for i in rng.integers(len(layers), size=rng.integers(1, 6))]
        widths = [int(n) for n in rng.integers(1, 5, size=7)]
        size = 10.0 ** int(rng.integers(-3, 2))
        loss = losses[rng.integers(len(losses))]
        chain = right.Chain(names, widths, size, loss, seed)
        name = f"{' > '.join([*names, loss] if loss else names)}, inputs of size {size:g}"
        gradient = chain.gradient if loss else chain.backward
        made = exhibit(name, "", chain.forward, gradient, (chain.inputs,), "")
        yield lambda made=made: made


class Question:
    """An exhibit as a function of a list of float64 arrays, with the backward it claims."""

    def __init__(self, make: Callable[[], Any]) -> None:
        used = self._problem(make())
        claimed = used.gradients()
        self.exhibit = make()  # the first one may remember that it was called
        self.problem = self._problem(self.exhibit)
        self.given = Inputs(self.exhibit.function, self.exhibit.inputs)
        self.names = [n for n in self.given.arrays if claimed[n] is not None]
        self.arrays = [self.given.arrays[n] for n in self.names]
        self.fits = all(claimed[n].shape == used.arrays[n].shape for n in self.names)
        self.shape = used.context["y"].shape if "dy" in used.context else ()

    @staticmethod
    def _problem(exhibit: Any) -> Any:
        return make_problem(exhibit.function, exhibit.gradient, exhibit.inputs, seed=0)

    def _whole(self, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
        # Copies, because an exhibit may write into its arguments.
        return self.given.copies() | {
            n: np.array(a) for n, a in zip(self.names, arrays, strict=True)
        }

    def output(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Return the number or the array that the exhibit's function makes of these arrays."""
        y = self.exhibit.function(*self.given.rebuild(self._whole(arrays)))
        return np.array(y[0] if isinstance(y, tuple) else y, dtype=np.float64, order="C")

    def backward(self, arrays: list[np.ndarray], dy: np.ndarray) -> list[np.ndarray]:
        """Return the claimed gradients of sum(dy * output), at the exhibit's own inputs."""
        for ours, theirs in zip(self.arrays, arrays, strict=True):
            assert np.array_equal(ours, theirs), "gradients are known at the inputs only"
        factor = np.asarray(dy)
        if "dy" in self.problem.context:
            self.problem.context["dy"][...] = dy  # the array that its backward is handed
            factor = np.float64(1.0)
        claimed = self.problem.gradients()
        return [np.array(factor * claimed[n], order="C") for n in self.names]


def ask_tinyvae(question: Question) -> dict[str, Any]:
    e = question.exhibit
    report = check_gradients(e.function, e.gradient, *e.inputs, **e.options)
    expected = [f for f in report.findings if f.kind == e.expected and e.says in str(f)]
    told = (expected or list(report.findings))[:1]
    wrong = [a.name for a in report.arrays if a.verdict == WRONG]
    return {
        "status": "passed" if report.passed else "failed",
        "message": str(told[0]) if told else "the pattern is none that it knows",
        "kind": told[0].kind if told else "",
        "where": not report.passed and bool(wrong or (told and told[0].arrays)),
        "why": bool(expected),
    }


def ask_torch(question: Question) -> dict[str, Any]:
    import torch
    from torch.autograd.gradcheck import GradcheckError

    class Claimed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            ctx.save_for_backward(*tensors)
            return torch.from_numpy(question.output([t.detach().numpy() for t in tensors]))

        @staticmethod
        def backward(ctx, dy):
            arrays = [t.detach().numpy() for t in ctx.saved_tensors]
            return tuple(map(torch.from_numpy, question.backward(arrays, dy.numpy())))

    inputs = [torch.tensor(a, requires_grad=True) for a in question.arrays]
    try:
        torch.autograd.gradcheck(Claimed.apply, inputs)
    except GradcheckError as error:
        return {"status": "failed", "message": str(error)}
    summed = "" if question.fits else "torch itself sums a gradient to the shape of its input"
    return {"status": "passed", "message": summed}


def ask_jax(question: Question) -> dict[str, Any]:
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    like = [jax.ShapeDtypeStruct(a.shape, np.float64) for a in question.arrays]
    result = jax.ShapeDtypeStruct(question.shape, np.float64)

    @jax.custom_vjp
    def claimed(*arrays):
        return jax.pure_callback(lambda *a: question.output(list(a)), result, *arrays)

    def backward(arrays, dy):
        call = lambda dy, *a: tuple(question.backward(list(a), np.asarray(dy)))  # noqa: E731
        return jax.pure_callback(call, tuple(like), dy, *arrays)

    claimed.defvjp(lambda *arrays: (claimed(*arrays), arrays), backward)
    try:
        check_grads(claimed, tuple(question.arrays), order=1, modes=["rev"])
    except AssertionError as error:
        return {"status": "failed", "message": str(error)}
    return {"status": "passed", "message": ""}


def ask_scipy(question: Question) -> dict[str, Any]:
    from scipy.optimize import check_grad

    ends = np.cumsum([a.size for a in question.arrays])[:-1]

    def value(flat):
        parts = zip(np.split(flat, ends), question.arrays, strict=True)
        arrays = question._whole([part.reshape(a.shape) for part, a in parts])
        return float(question.problem.at(arrays))

    def gradient(flat):
        claimed = question.problem.gradients()
        return np.concatenate([np.ravel(claimed[n]) for n in question.names])

    error = float(check_grad(value, gradient, np.concatenate([a.ravel() for a in question.arrays])))
    size = max(1.0, float(np.linalg.norm(gradient(None))))
    passed = error <= SCIPY_TOLERANCE * size  # False for NaN
    return {
        "status": "passed" if passed else "failed",
        "message": f"{error:.3g}",
        "relative_error": error / size,
    }


TOOLS = {"tinyvae": ask_tinyvae, "torch": ask_torch, "jax": ask_jax, "scipy": ask_scipy}


def available() -> list[str]:
    """Return the tools that are installed."""
    return [tool for tool in TOOLS if find_spec(tool) is not None]


def ask(tool: str, make: Callable[[], Any]) -> dict[str, Any]:
    """Ask a tool about a function; whatever happens becomes an answer."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            question = Question(make)
        except Exception as error:
            return {"status": "not asked", "message": f"{type(error).__name__}: {error}"}
        started = time.perf_counter()
        try:
            answer = TOOLS[tool](question)
        except Exception as error:
            message = f"{type(error).__name__}: {error}".strip()
            refused = re.search(REFUSALS.get(tool, NOTHING), message)
            message = message.splitlines()[-1] if "Traceback" in message else message
            answer = {"status": "refused" if refused else "crashed", "message": message}
        seconds = time.perf_counter() - started
    told = answer["message"].strip() if answer["status"] in FOUND else ""
    judged = {
        "where": bool(re.search(WHERE.get(tool, NOTHING), told)),
        "why": bool(re.search(WHY.get(tool, NOTHING), told)),
    }
    message = answer["message"].strip()[:LONGEST]
    return judged | answer | {"message": message, "seconds": seconds}
