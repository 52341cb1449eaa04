"""The model as it acts: without gradients, as it would be evaluated, and as it was afterwards.

Legend: N observations, D numbers of each, K outputs.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suite import Batch, ConfigError

_ROWS = 128
"""Observations of an evaluation go through the model in so many rows at a time."""


def observations(observation_ND: Tensor) -> Batch:
    """Return a batch of nothing but observations."""
    return Batch({"observation_BD": observation_ND}, len(observation_ND), len(observation_ND))


class Acting:
    """Asks a model what it puts out for observations.

    Dropout is off and normalisation as in evaluation, so that nothing is drawn and no statistics
    change: what is trained next is what would have been trained without acting.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        if any(hasattr(parameter, "full_tensor") for parameter in model.parameters()):
            raise ConfigError(
                "hardware.parallel=fsdp: policies act with whole weights, which are shared out "
                "there; use hardware.parallel=ddp"
            )
        self.model = model
        self._device = device
        self._modules = list(model.modules())

    @contextmanager
    def still(self) -> Iterator[None]:
        """Have the model evaluate within the context, without gradients."""
        # What `eval` and `train` do, without a walk through the model at every step.
        before = [module.__dict__["training"] for module in self._modules]
        for module in self._modules:
            module.__dict__["training"] = False
        try:
            with torch.no_grad():
                yield
        finally:
            for module, training in zip(self._modules, before, strict=True):
                module.__dict__["training"] = training

    def outputs(self, observation_ND: NDArray[np.float32]) -> Tensor:
        """Return what the model puts out, (N, K) float32 on the host; call it within `still`."""
        batch = observations(torch.from_numpy(observation_ND).to(self._device))
        output_NK: Tensor = self.model(batch)
        return output_NK.float().cpu()


def outputs_in_rows(model: nn.Module, observation_ND: Tensor) -> Tensor:
    """Return what a model puts out, the same for an observation however many there are beside it.

    Matrix products of other sizes are summed in another order, and one bit may turn a choice: so
    they are of one size, filled up with zeros.
    """
    parts = []
    for part_ND in observation_ND.split(_ROWS):
        filled_RD = part_ND.new_zeros(_ROWS, part_ND.shape[1])
        filled_RD[: len(part_ND)] = part_ND
        parts.append(model(observations(filled_RD))[: len(part_ND)])
    return torch.cat(parts)
