"""Sweepers that keep books: what is done is not done again.

Imported at every start, so what they do lies in other modules and is imported when asked for.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from suite.sweeps.runner import Context


_NAMESPACE = "hydra_plugins.triathlon"
"""Hydra makes plugins of no other name than one under `hydra_plugins`."""


class _Sweeper(Sweeper):
    """Keeps what Hydra gives a sweeper."""

    context: "Context"

    def setup(
        self,
        *,
        hydra_context: "HydraContext",
        task_function: "TaskFunction",
        config: "DictConfig",
    ) -> None:
        from suite.sweeps.runner import Context

        self.context = Context(hydra=hydra_context, task_function=task_function, config=config)


class GridSweeper(_Sweeper):
    """Every combination of the values given, as Hydra's basic sweeper has it."""

    __module__ = _NAMESPACE

    def __init__(
        self, max_batch_size: int | None = None, params: dict[str, Any] | None = None
    ) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}

    def sweep(self, arguments: Sequence[str]) -> None:
        """Run what is not done of the grid."""
        from suite.sweeps.grid import run_grid

        run_grid(self.context, arguments, params=self.params, max_batch_size=self.max_batch_size)


class OptunaSweeper(_Sweeper):
    """A search with Optuna; see `suite.sweeps.search`."""

    __module__ = _NAMESPACE

    def __init__(
        self,
        *,
        n_trials: int,
        n_jobs: int | None,
        sampler: str,
        sampler_seed: int,
        pruner: str | None,
        startup_trials: int,
        warmup: int,
        reduction_factor: int,
        params: dict[str, Any] | None = None,
    ) -> None:
        self.options = {
            "n_trials": n_trials,
            "n_jobs": n_jobs,
            "sampler": sampler,
            "sampler_seed": sampler_seed,
        }
        self.pruning = {
            "kind": pruner or "none",
            "startup_trials": startup_trials,
            "warmup": warmup,
            "reduction_factor": reduction_factor,
        }
        self.params = params or {}

    def sweep(self, arguments: Sequence[str]) -> None:
        """Run trials until there are as many as were asked for."""
        from suite.sweeps.pruning import Pruning
        from suite.sweeps.search import Settings, run_search

        settings = Settings(pruning=Pruning(**self.pruning), **self.options)  # type: ignore[arg-type]
        run_search(self.context, arguments, settings, self.params)


def register() -> None:
    """Tell Hydra of the sweepers, by a name that it accepts without a package of that name."""
    from hydra.core.plugins import Plugins

    sys.modules[_NAMESPACE] = sys.modules[__name__]
    for kind in (GridSweeper, OptunaSweeper):
        Plugins.instance().register(kind)
