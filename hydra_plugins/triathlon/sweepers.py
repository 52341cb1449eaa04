"""Sweepers that keep books: what is done is not done again.

Hydra imports this at every start, so what they do lies in `suite.sweeps` and is imported when asked
for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hydra.plugins.sweeper import Sweeper

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from suite.sweeps.runner import Context


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

    def __init__(
        self, max_batch_size: int | None = None, params: dict[str, Any] | None = None
    ) -> None:
        self.max_batch_size = max_batch_size
        self.params = params or {}

    def sweep(self, arguments: Sequence[str]) -> None:
        """Run what is not done of the grid."""
        from suite.sweeps.grid import run_grid

        run_grid(self.context, arguments, params=self.params, max_batch_size=self.max_batch_size)
