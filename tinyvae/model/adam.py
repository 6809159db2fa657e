"""Adam by hand, over one vector of values and one of gradients."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from tinyvae.errors import SizeError, check_count, check_number, check_option, wrong_kind
from tinyvae.model.parameters import Parameters
from tinyvae.ops import BACKENDS, get_ops
from tinyvae.ops.machine.memory import allocate


class Adam:
    """The optimizer of Kingma and Ba (2015), algorithm 1, over one vector of parameters.

    With g the gradient and t the count of steps, starting at 1::

        m = beta1 * m + (1 - beta1) * g            m_hat = m / (1 - beta1**t)
        v = beta2 * v + (1 - beta2) * g**2         v_hat = v / (1 - beta2**t)
        values = values - learning_rate * m_hat / (sqrt(v_hat) + epsilon)

    Tutorial 07, equation (7.12).

    Parameters
    ----------
    parameters : Parameters
        Whose ``values`` are moved against their ``gradients``, in place.
    learning_rate : float
        May be changed between steps.
    beta1, beta2 : float
        Decay of the two running means, each in [0, 1).
    epsilon : float
        Added to the square root, which keeps the step finite where the gradient is zero.
    backend : str
        ``"numba"`` or ``"reference"``.

    Attributes
    ----------
    m, v : (size,) array
        Running means of the gradient and of its square.
    step_count : int
        How many steps were taken.

    Raises
    ------
    SizeError
        If a number is out of its range.
    """

    def __init__(
        self,
        parameters: Parameters,
        learning_rate: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        backend: str = "numba",
    ) -> None:
        if not isinstance(parameters, Parameters):
            raise wrong_kind("parameters", parameters, "a model's parameters, vae.parameters")
        self.parameters = parameters
        self.learning_rate = check_number("learning_rate", learning_rate, at_least=0.0)
        for name, beta in (("beta1", beta1), ("beta2", beta2)):
            if not 0.0 <= check_number(name, beta) < 1.0:
                raise SizeError(f"{name}={beta!r} must be at least 0 and below 1.")
        self.beta1, self.beta2 = float(beta1), float(beta2)
        self.epsilon = check_number("epsilon", epsilon, above=0.0)
        self.m: NDArray[Any] = allocate(parameters.size, parameters.values.dtype)
        self.v: NDArray[Any] = allocate(parameters.size, parameters.values.dtype)
        self.step_count = 0
        self.backend = check_option("backend", backend, BACKENDS)

    @property
    def _rates(self) -> tuple[float, float, float, float]:
        return self.learning_rate, self.beta1, self.beta2, self.epsilon

    def step(self) -> None:
        """Take one step with what stands in ``parameters.gradients``."""
        self.step_count += 1
        values, gradients = self.parameters.values, self.parameters.gradients
        adam_step = get_ops(self.backend).adam_step
        adam_step(values, gradients, self.m, self.v, self.step_count, *self._rates)

    def next_constants(self) -> NDArray[Any]:
        """Return the numbers a fused kernel needs for the next step; see ``fast``."""
        from tinyvae.ops.fast import adam_constants

        return adam_constants(self.step_count + 1, *self._rates, self.parameters.values.dtype)

    def restore(self, m: NDArray[Any], v: NDArray[Any], step_count: int) -> None:
        """Continue with the running means and the count of an earlier run."""
        self.m[:], self.v[:] = m, v
        self.step_count = check_count("step_count", step_count, at_least=0)
