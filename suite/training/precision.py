"""Number formats: autocast, and loss scaling for half precision (Micikevicius et al. 2018)."""

from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from torch import Tensor, nn

from suite.config import Number, PrecisionConfig
from suite.errors import DeviceError
from suite.training.optimizers import Optimizers


class Precision:
    """Runs forward passes and optimizer steps in the configured number format.

    products: what matrix products run in, as peaks are listed: fp32, tf32, bf16 or fp16.
    """

    def __init__(self, config: PrecisionConfig, device: torch.device) -> None:
        if config.number is Number.fp16 and device.type != "cuda":
            raise DeviceError(
                f"precision.number=fp16: needs CUDA, this run is on {device.type}; use fp32 or bf16"
            )
        self.device = device
        self.number = config.number
        self.products = config.number.value
        self.scaler = torch.amp.GradScaler("cuda") if config.number is Number.fp16 else None
        if device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = config.tf32
            torch.backends.cudnn.allow_tf32 = config.tf32
            if config.tf32 and config.number is Number.fp32:
                self.products = "tf32"

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context of a forward pass."""
        if self.number is Number.fp32:
            return nullcontext()
        dtype = torch.float16 if self.number is Number.fp16 else torch.bfloat16
        return torch.autocast(self.device.type, dtype)

    def backward(self, loss: Tensor) -> None:
        """Accumulate gradients."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def unscale(self, optimizers: Optimizers) -> None:
        """Bring gradients to their true size, before they are clipped."""
        if self.scaler is not None:
            self.scaler.unscale_(_as_one(optimizers))

    def step(self, optimizers: Optimizers) -> None:
        """Update the weights; with loss scaling, leave them where a gradient overflowed."""
        if self.scaler is None:
            optimizers.step()
        else:
            self.scaler.step(_as_one(optimizers))
            self.scaler.update()

    def skip(self) -> None:
        """Take no step, and leave the scale of losses as it is."""
        if self.scaler is not None:
            self.scaler.update(self.scaler.get_scale())


def _as_one(optimizers: Optimizers) -> torch.optim.Optimizer:
    """Return what loss scaling sees as one optimizer: where one gradient overflows, none steps.

    Were the members asked one by one, those without an overflow would take a step, along gradients
    that clipping to a norm of NaN has made NaN.
    """
    if len(optimizers.members) == 1:
        return optimizers.members[0]  # fused, it skips the step without asking the host
    return cast(torch.optim.Optimizer, optimizers)


def clip_gradient(model: nn.Module, largest: float | None) -> Tensor | None:
    """Scale the whole gradient to at most this norm; return its norm before (a device scalar)."""
    if largest is None:
        return None
    return nn.utils.clip_grad_norm_(model.parameters(), largest)
