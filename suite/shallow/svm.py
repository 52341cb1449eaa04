"""Support vector machines, through scikit-learn.

Legend: N examples, F features, K classes (rows of a linear machine: one where there are two).
"""

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite.config import Kernel, SVMConfig
from suite.errors import ConfigError

MOST_FOR_RBF = 20_000
"""Training examples up to which an RBF kernel is fitted: its time grows with their square."""

_LIBLINEAR_TOLERANCE, _LIBSVM_TOLERANCE = 0.1, 0.001
"""The defaults of the solvers' authors. scikit-learn's for liblinear is 0.0001: ten times as long
for the same accuracy on 54,000 images."""
_CACHE_MEGABYTES = 500


@dataclass(frozen=True)
class Machine:
    """A fitted machine. converged: whether the solver reached its tolerance."""

    fitted: Any
    converged: bool

    def predict(self, values_NF: Any) -> NDArray[np.int64]:
        """Return the class of each row, (N,)."""
        return np.asarray(self.fitted.predict(values_NF), dtype=np.int64)

    @property
    def parameters(self) -> int:
        """Numbers that it is made of: coefficients, or support vectors and their weights."""
        kernel = hasattr(self.fitted, "support_")
        names = ("support_vectors_", "dual_coef_") if kernel else ("coef_",)
        # Of a sparse matrix too, zeros count.
        return sum(math.prod(getattr(self.fitted, name).shape) for name in (*names, "intercept_"))

    def tensors(self) -> dict[str, Tensor] | None:
        """Return a linear machine's coefficients; None of any other, which holds training data."""
        if hasattr(self.fitted, "support_"):
            return None
        return {
            "weight_KF": torch.from_numpy(self.fitted.coef_).float().contiguous(),
            "bias_K": torch.from_numpy(np.atleast_1d(self.fitted.intercept_)).float(),
        }


class SVM:
    """Fits support vector machines for one value of C after the other.

    Linear: one class against the rest, squared hinge loss, by dual coordinate descent (Hsieh et al.
    2008), whose time grows with the entries of the matrix. RBF: each pair of classes (Chang and Lin
    2011).
    """

    def __init__(self, config: SVMConfig, *, seed: int) -> None:
        # Here, and not where the training clock runs.
        from sklearn import exceptions, svm

        self.config = config
        self.seed = seed
        self._svm = svm
        self._late: type[Warning] = exceptions.ConvergenceWarning

    def chosen(self, label_N: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return the training examples to fit on; None takes all.

        Raises `ConfigError` where there are too many for the kernel: a part of them is taken only
        where the configuration says so.
        """
        wanted, examples = self.config.train_examples, len(label_N)
        if wanted is not None and wanted > examples:
            raise ConfigError(f"backbone.train_examples={wanted}: there are {examples}")
        if self.config.kernel is Kernel.rbf and (wanted or examples) > MOST_FOR_RBF:
            key = "train_examples" if wanted else "kernel"
            value = wanted or "rbf"
            raise ConfigError(
                f"backbone.{key}={value}: an RBF kernel takes hours on {wanted or examples:,} "
                f"training examples; use backbone.kernel=linear, or fit on a part of them: "
                f"backbone.train_examples={MOST_FOR_RBF}"
            )
        return None if wanted is None else evenly(label_N, wanted, seed=self.seed)

    def fit(self, values_NF: Any, label_N: NDArray[np.int64], C: float) -> Machine:
        """Fit one machine."""
        config = self.config
        if config.kernel is Kernel.linear:
            machine = self._svm.LinearSVC(
                C=C,
                dual=True,
                tol=config.tolerance or _LIBLINEAR_TOLERANCE,
                max_iter=config.max_iterations,
                random_state=self.seed % 2**32,
            )
        else:
            machine = self._svm.SVC(
                C=C,
                gamma=config.gamma or "scale",
                tol=config.tolerance or _LIBSVM_TOLERANCE,
                cache_size=_CACHE_MEGABYTES,
            )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", self._late)
            machine.fit(values_NF, label_N)
        late = any(issubclass(warning.category, self._late) for warning in caught)
        return Machine(machine, converged=not late)


def evenly(label_N: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Return `count` indices, ascending, with about the same share of each class."""
    order_N = np.random.default_rng(seed).permutation(len(label_N))
    place_N = np.empty(len(label_N))
    for label in np.unique(label_N):
        mine = order_N[label_N[order_N] == label]
        place_N[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    taken: NDArray[np.int64] = np.sort(order_N[np.argsort(place_N[order_N], kind="stable")[:count]])
    return taken
