"""A VAE as scikit-learn's users know their estimators: a transformer with a density."""

from __future__ import annotations

import contextlib
import signal
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

from tinyvae.errors import TinyVAEError, UsageError, check_count, check_option
from tinyvae.model.adam import Adam
from tinyvae.model.vae import VAE
from tinyvae.sklearn.labels import check_same_classes, codes_of, new_classes
from tinyvae.sklearn.learning import (
    Rows,
    build,
    check_same_model,
    derived,
    held_out,
    options_of,
    train,
)
from tinyvae.sklearn.rows import Reader
from tinyvae.sklearn.scoring import SCORES, binarize_alike, common_noise, encode_rows, score_rows
from tinyvae.training.history import History

Array = NDArray[Any]


class VariationalAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator
):
    """A variational autoencoder: codes, reconstructions, samples, and a density for each row.

    The defaults are for tables of real numbers whose columns have about unit variance: put a
    ``StandardScaler`` before it.  For pixels and counts name another likelihood.

    Parameters
    ----------
    latent_dim : int
        Width of the codes.
    hidden_dims, decoder_hidden_dims, activation, likelihood, dtype, backend, threads
        As in ``tinyvae.VAE``.  The likelihood's default here is a Gaussian whose standard
        deviation is learned.
    sigma : float, optional
        Of a Gaussian likelihood: its standard deviation, or where learning it starts.  If not
        given it is 1, and learning starts at half the spread of X, which is the root of the mean
        variance of its columns.
    conditional : bool
        Whether to model p(x given y).  Every method that takes X then needs ``y``, classes of any
        kind that ``fit`` has seen.  Otherwise ``y`` is ignored, as in all transformers.
    epochs, learning_rate, schedule, objective, n_samples, beta, free_bits, warmup_epochs, binarize
        As in ``tinyvae.fit``.
    batch_size : int
        Rows in a step; all of them where there are fewer.
    patience : int, optional
        Stop after this many epochs without a better ELBO of held-out rows, and keep the best
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

    vae_: VAE
    history_: History
    classes_: Array
    _reader: Reader
    _adam: Adam | None

    def __init__(
        self,
        latent_dim: int = 2,
        *,
        hidden_dims: Sequence[int] = (64,),
        decoder_hidden_dims: Sequence[int] | None = None,
        activation: str = "relu",
        likelihood: str = "gaussian_learned",
        sigma: float | None = None,
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
        tags.transformer_tags.preserves_dtype = []
        with contextlib.suppress(TypeError):  # fit says what is wrong with it
            tags.transformer_tags.preserves_dtype = [np.dtype(self.dtype).name]
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
        rows = self._rows_to_train_on(X, y, None, goes_on)
        return self._train(rows, check_count("epochs", self.epochs), patience=self.patience)

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
        rows = self._rows_to_train_on(X, y, classes, goes_on)
        return self._train(rows, self._passes + 1, done=self._passes)

    def _rows_to_train_on(self, X: Any, y: Any, classes: Any, goes_on: bool) -> Rows:
        """Return rows for the model there is, or for a fresh one."""
        check_option("score_by", self.score_by, SCORES)
        check_count("score_n_samples", self.score_n_samples)
        came = validate_data(self, X, dtype="numeric", ensure_min_samples=2, reset=not goes_on)
        if goes_on:
            check_same_model(self.vae_, self.get_params(deep=False))
            self._reader.check_same(self.likelihood, self.binarize)
            if classes is not None and self.conditional:
                check_same_classes(classes, self.classes_)
            return Rows(self._reader.later(came), self._labels(y, len(came)))
        self._reader = Reader(self.likelihood, self.binarize, self.dtype)
        x, n_classes = self._reader.first(came), None
        if self.conditional:
            self.classes_ = new_classes(y, classes)
            n_classes = len(self.classes_)
        draws = check_random_state(self.random_state).randint(2**31 - 1, size=3)
        seed, self._training_seed, self._noise_seed = map(int, draws)
        self.vae_ = build(x, self.get_params(deep=False), n_classes, seed)
        self.history_, self._passes, self._adam = History(), 0, None
        return Rows(x, self._labels(y, len(x)))

    def _train(
        self, rows: Rows, epochs: int, *, done: int = 0, patience: int | None = None
    ) -> Self:
        """Train until ``epochs`` passes are done, as schedules count them.

        A signal that asks for an end is obeyed after the step it came in: what was learned stays.
        """
        fresh = self._adam is None
        seed, validation = derived(self._training_seed, self._passes), None
        parameters = self.get_params(deep=False)
        try:
            if patience is not None:
                rows, validation = held_out(rows, self.validation_fraction, self._training_seed)
            options = options_of(parameters, rows, epochs=epochs, patience=patience, seed=seed)
            found, self._adam, stopped_by = train(
                self.vae_,
                rows,
                options,
                validation=validation,
                adam=self._adam,
                done=done,
                progress=bool(self.verbose),
            )
        except TinyVAEError:
            if fresh:
                del self.vae_  # not fitted
            raise
        for row in found:
            self._passes += 1
            self.history_.append(row | {"epoch": self._passes})
        if stopped_by is not None:
            signal.raise_signal(stopped_by)
        return self

    # Codes ---------------------------------------------------------------------------------

    def transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return the codes mu(x), (n, latent_dim) in the model's dtype."""
        rows = self._rows(X, y)
        return encode_rows(self.vae_, rows.x, rows.labels)

    def fit_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Fit, and return the codes of the same rows."""
        codes: Array = self.fit(X, y).transform(X, y)
        return codes

    def inverse_transform(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return E[x given z], (n, columns) in the units of the data, for codes z = X."""
        check_is_fitted(self)
        return self.vae_.decode_mean(X, self._labels(y, len(np.asarray(X))))

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
        label = self._labels(y, n_samples)
        return self.vae_.sample(n_samples, scale=scale, label=label, seed=seed, draw=True)

    # Density -------------------------------------------------------------------------------

    def score_samples(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Return each row's ELBO or log p(x), as ``score_by`` says: (n,) float64, nats.

        Higher is more ordinary.  Of a conditional model, log p(x given y).
        """
        check_option("score_by", self.score_by, SCORES)
        rows, vae, seed = self._rows(X, y), self.vae_, self._noise_seed
        x = binarize_alike(rows.x, self._reader.binarize, seed)
        k = check_count("score_n_samples", self.score_n_samples)
        noise = common_noise(seed, k, vae.latent_dim)
        return score_rows(vae, x, rows.labels, noise, self.score_by)

    def score(self, X: ArrayLike, y: ArrayLike | None = None) -> float:
        """Return the mean of ``score_samples``, in nats per row."""
        return float(self.score_samples(X, y).mean())

    # Reading -------------------------------------------------------------------------------

    def _rows(self, X: Any, y: Any) -> Rows:
        check_is_fitted(self)
        came = validate_data(self, X, dtype="numeric", reset=False)
        return Rows(self._reader.later(came), self._labels(y, len(came)))

    def _labels(self, y: Any, n: int) -> Array | None:
        return None if self.vae_.n_classes is None else codes_of(y, self.classes_, n)

    def __sklearn_is_fitted__(self) -> bool:
        """Say whether there is a model."""
        return hasattr(self, "vae_")
