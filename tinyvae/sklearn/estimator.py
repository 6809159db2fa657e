"""A VAE as scikit-learn's users know their estimators: a transformer with a density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tinyvae.errors import UsageError, check_count, check_option
from tinyvae.model.evaluation import default_binarize
from tinyvae.model.likelihoods import likelihood_class
from tinyvae.model.vae import VAE
from tinyvae.sklearn.labels import codes_of, new_classes
from tinyvae.sklearn.learning import Rows, build, derived, held_out, train
from tinyvae.sklearn.rows import read_first, read_later
from tinyvae.sklearn.scoring import SCORES, binarize_alike, common_noise, encode_rows, score_rows
from tinyvae.training.options import TrainingOptions

Array = NDArray[Any]

_MODEL = (
    *("hidden_dims", "latent_dim", "decoder_hidden_dims", "activation", "likelihood", "sigma"),
    *("dtype", "backend", "threads"),
)
_TRAINING = (
    *("learning_rate", "schedule", "objective", "n_samples", "beta", "free_bits", "warmup_epochs"),
    "binarize",
)


class VariationalAutoencoder(  # type: ignore[misc]
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator
):
    """A variational autoencoder: codes, reconstructions, samples, and a density for each row.

    The defaults are for tables of real numbers whose columns have about unit variance: put a
    ``StandardScaler`` before it.  For pixels and counts name another likelihood.

    Parameters
    ----------
    latent_dim : int
        Width of the codes.
    hidden_dims, decoder_hidden_dims, activation, likelihood, sigma, dtype, backend, threads
        As in ``tinyvae.VAE``.  The likelihood's default here is a Gaussian whose standard
        deviation is learned.
    conditional : bool
        Whether to model p(x given y).  Every method that takes X then needs ``y``, classes of any
        kind that ``fit`` has seen.  Otherwise ``y`` is ignored, as in all transformers.
    epochs, learning_rate, schedule, objective, n_samples, beta, free_bits, warmup_epochs, binarize
        As in ``tinyvae.fit``.
    batch_size : int
        Rows in a step; all of them where there are fewer.
    patience : int, optional
        Stop after so many epochs without a better ELBO of held-out rows, and keep the best
        weights; ``partial_fit`` never does.
    validation_fraction : float
        The share of rows held out, drawn at random, if there is ``patience``; otherwise none.
    score_by : str
        What ``score_samples`` returns: ``"elbo"``, or ``"log_likelihood"``, the importance-weighted
        bound.
    score_n_samples : int
        Samples of z for each row's score.
    warm_start : bool
        Whether ``fit`` goes on from the weights and the optimizer of the last one.
    random_state : int, RandomState or None
        Of the weights, the training and the noise behind scores.
    verbose : bool
        Whether to show a progress bar, or a line an epoch.

    Attributes
    ----------
    vae_ : tinyvae.VAE
        The model.
    history_ : tinyvae.History
        One row a pass, in nats per example.
    classes_ : array
        Of a conditional model.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    A row's code and score depend on that row alone, neither on the order nor on the company of
    others: all rows share one draw of noise (and of thresholds, where grey pixels are binarized),
    fixed in ``fit``.  This holds to the last bit.  Whole numbers are read as in ``fit``, also where
    other rows alone would be read otherwise.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = load_wine().data
    >>> pipeline = make_pipeline(StandardScaler(), VariationalAutoencoder(random_state=0))
    >>> pipeline.fit_transform(X).shape
    (178, 2)
    """

    def __init__(
        self,
        latent_dim: int = 2,
        *,
        hidden_dims: Sequence[int] = (64,),
        decoder_hidden_dims: Sequence[int] | None = None,
        activation: str = "tanh",
        likelihood: str = "gaussian_learned",
        sigma: float = 1.0,
        conditional: bool = False,
        epochs: int = 200,
        batch_size: int = 128,
        learning_rate: float = 3e-3,
        schedule: str = "constant",
        objective: str = "elbo",
        n_samples: int = 1,
        beta: float = 1.0,
        free_bits: float | None = None,
        warmup_epochs: float = 0.0,
        binarize: str | None = None,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        score_by: str = "elbo",
        score_n_samples: int = 50,
        dtype: DTypeLike = "float32",
        backend: str = "numba",
        threads: int | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden_dims = hidden_dims
        self.decoder_hidden_dims = decoder_hidden_dims
        self.activation = activation
        self.likelihood = likelihood
        self.sigma = sigma
        self.conditional = conditional
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.objective = objective
        self.n_samples = n_samples
        self.beta = beta
        self.free_bits = free_bits
        self.warmup_epochs = warmup_epochs
        self.binarize = binarize
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.score_by = score_by
        self.score_n_samples = score_n_samples
        self.dtype = dtype
        self.backend = backend
        self.threads = threads
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        """Say that it works in its own dtype, and whether it needs y."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [str(self.dtype)]
        tags.target_tags.required = self.conditional
        tags.input_tags.positive_only = not str(self.likelihood).startswith("gaussian")
        return tags

    @property
    def _n_features_out(self) -> int:
        return self.vae_.latent_dim

    # Learning ------------------------------------------------------------------------------

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Train for ``epochs`` passes through X.

        Parameters
        ----------
        X : (n, columns) array_like
        y : (n,) array_like
            The classes of a conditional model.

        Raises
        ------
        ValueError
            If X, y or a parameter cannot be used.
        """
        goes_on = self.warm_start and hasattr(self, "vae_")
        rows = self._first_rows(X, y, reset=not goes_on, classes=None)
        return self._learn(rows, goes_on, self.epochs, self.patience)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> Self:
        """Train for one pass through X, going on from where the model stands.

        Parameters
        ----------
        X : (n, columns) array_like
        y : (n,) array_like
            The classes of a conditional model.
        classes : array_like
            All classes there will ever be; a conditional model's first call needs them.

        Raises
        ------
        ValueError
            If X, y or a parameter cannot be used; if the learning rate has a schedule, whose end
            would not be known.
        """
        if self.schedule != "constant":
            raise UsageError(
                f"schedule={self.schedule!r} needs an end, and partial_fit has none: choose "
                "'constant', or fit."
            )
        goes_on = hasattr(self, "vae_")
        if self.conditional and not goes_on and classes is None:
            raise UsageError("classes=None: name all classes in the first call of partial_fit.")
        rows = self._first_rows(X, y, reset=not goes_on, classes=classes)
        return self._learn(rows, goes_on, 1, None)

    def _learn(self, rows: Rows, goes_on: bool, passes: int, patience: int | None) -> Self:
        """Train a fresh model, or the one there is, for so many passes."""
        check_option("score_by", self.score_by, SCORES)
        check_count("score_n_samples", self.score_n_samples)
        check_count("epochs", passes)
        if not goes_on:
            draws = check_random_state(self.random_state).randint(2**31 - 1, size=3)
            weights, self._training_seed, self._noise_seed = map(int, draws)
            config = {name: getattr(self, name) for name in _MODEL}
            n_classes = len(self.classes_) if self.conditional else None
            self.vae_ = build(rows.x, seed=weights, n_classes=n_classes, **config)
            self._passes, self._adam = 0, None
        validation = None
        if patience is not None:
            rows, validation = held_out(rows, self.validation_fraction, self._training_seed)
        begun = 0 if passes > 1 else self._passes
        options = TrainingOptions(
            epochs=begun + passes,
            batch_size=min(check_count("batch_size", self.batch_size), len(rows.x)),
            patience=patience,
            seed=derived(self._training_seed, self._passes),
            **{name: getattr(self, name) for name in _TRAINING},
        )
        history, self._adam = train(
            self.vae_,
            rows,
            options,
            validation=validation,
            adam=self._adam,
            done=begun,
            progress=bool(self.verbose),
        )
        if goes_on:
            history.rows[:0] = self.history_.rows
        for number, row in enumerate(history.rows, start=1):
            row["epoch"] = number
        self.history_ = history
        self._passes = len(history)
        return self

    # Codes ---------------------------------------------------------------------------------

    def transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return the codes mu(x), (n, latent_dim) in the model's dtype."""
        rows = self._later_rows(X, y)
        return encode_rows(self.vae_, self.vae_.inputs.data(rows.x), rows.labels)

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Fit, and return the codes of the same rows."""
        codes: Array = self.fit(X, y).transform(X, y)
        return codes

    def inverse_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return E[x given z], (n, columns) in the units of the data, for codes z = X."""
        check_is_fitted(self)
        return self.vae_.decode_mean(X, self._codes_of(y, len(np.asarray(X))))

    def sample(
        self, n_samples: int = 1, *, scale: float = 1.0, y: Any = None, random_state: Any = None
    ) -> Array:
        """Return draws of x from the model: z = scale * noise, then x from p(x given z).

        For the means of p(x given z) call ``inverse_transform`` with codes of your own.

        Parameters
        ----------
        n_samples : int
        scale : float
            Standard deviation of z; 1 is the prior.
        y : class, or (n_samples,) array_like of classes
            Of a conditional model.
        random_state : int, RandomState or None

        Returns
        -------
        (n_samples, columns) array
        """
        check_is_fitted(self)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        if y is not None:
            y = np.broadcast_to(np.asarray(y), (check_count("n_samples", n_samples),))
        label = self._codes_of(y, n_samples)
        return self.vae_.sample(n_samples, scale=scale, label=label, seed=seed, draw=True)

    # Density -------------------------------------------------------------------------------

    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return each row's ELBO or log p(x), as ``score_by`` says: (n,) float64, nats.

        Higher is more ordinary.  Of a conditional model, log p(x given y).
        """
        check_option("score_by", self.score_by, SCORES)
        rows = self._later_rows(X, y)
        vae, seed = self.vae_, self._noise_seed
        how = default_binarize(vae.likelihood, self.binarize)
        x = binarize_alike(vae.inputs.data(rows.x), how, seed)
        k = check_count("score_n_samples", self.score_n_samples)
        noise = common_noise(seed, k, vae.latent_dim)
        return score_rows(vae, x, rows.labels, noise, self.score_by)

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return the mean of ``score_samples``, in nats per row."""
        return float(self.score_samples(X, y).mean())

    # Reading -------------------------------------------------------------------------------

    def _first_rows(self, X: Any, y: Any, *, reset: bool, classes: Any) -> Rows:
        """Return rows to train on, and remember how they were read."""
        came = validate_data(self, X, dtype="numeric", ensure_min_samples=2, reset=reset)
        if not reset:
            x = read_later(came, self._divisor, self._support(), self.dtype)
            return Rows(x, self._codes_of(y, len(x)))
        read, self._divisor = read_first(came, self._support(), self.dtype)
        if self.conditional:
            self.classes_ = new_classes(y, classes)
        return Rows(read, self._codes_of(y, len(read)))

    def _later_rows(self, X: Any, y: Any) -> Rows:
        check_is_fitted(self)
        came = validate_data(self, X, dtype="numeric", reset=False)
        x = read_later(came, self._divisor, self._support(), self.vae_.dtype)
        return Rows(x, self._codes_of(y, len(x)))

    def _support(self) -> str:
        """Return what x may be: what is binarized must lie in [0, 1]."""
        as_they_are = default_binarize(self.likelihood, self.binarize) == "none"
        return likelihood_class(self.likelihood).support if as_they_are else "binary"

    def _codes_of(self, y: Any, n: int) -> Array | None:
        return codes_of(y, self.classes_, n) if self.conditional else None

    def __sklearn_is_fitted__(self) -> bool:
        """Say whether there is a model."""
        return hasattr(self, "vae_")
