"""One model on several processes: its gradients, its statistics, and its weights as a whole.

ddp: every process has the whole model, and gradients are averaged while the backward pass goes on
(Li et al. 2020). fsdp: every process has a part of each layer's weights, gradients and optimizer
state, and the rest for the moment in which it is needed (Zhao et al. 2023; fully sharded data
parallel of the second kind, a weight being one DTensor).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from suite.backbones.grid import MaskedBatchNorm
from suite.config import Parallel
from suite.data.unshared import unshared
from suite.errors import ConfigError
from suite.features import Backbone
from suite.training.checkpoint import State
from suite.training.optimizers import Optimizers
from suite.training.weights import put_back
from suite.world import ALONE, World, sharing

_SYNC_BUFFERS = "forward_sync_buffers"
if _SYNC_BUFFERS not in signature(nn.parallel.DistributedDataParallel).parameters:
    _SYNC_BUFFERS = "broadcast_buffers"  # its name before torch 2.14


class Alone:
    """One process: the model is whole, and its gradients are its own."""

    sharded = False
    world = ALONE
    note = "off: one process"

    def __init__(self, model: nn.Module, forward: nn.Module | None = None) -> None:
        self.model = model
        self.forward = model if forward is None else forward

    def accumulating(self, last: bool) -> AbstractContextManager[None]:
        """Return the context of a pass; gradients are exchanged in the `last` one of a step."""
        return nullcontext()

    def whole(self, value: Any) -> Any:
        """Return tensors, in whatever they are nested, as a whole; called by all processes."""
        return value

    def part(self, value: Any, like: Any) -> Any:
        """Return what this process holds of a whole tensor that lies as `like` does."""
        return value

    def weights(self) -> dict[str, Tensor]:
        """Return whole weights and buffers; called by all processes."""
        return unshared(self.whole(dict(self.model.state_dict())))

    def put_weights(self, whole: Mapping[str, Tensor], source: Path) -> None:
        """Give the model whole weights; raise `DataError`, which names their source."""
        state = self.model.state_dict()
        put_back(self.model, {k: self.part(v, state.get(k)) for k, v in whole.items()}, source)

    def put_states(self, optimizers: Optimizers, whole: Sequence[State]) -> None:
        """Give the optimizers whole states, as they returned them."""
        states = []
        for member, state in zip(optimizers.members, whole, strict=True):
            parameters = [p for group in member.param_groups for p in group["params"]]
            parts = {
                index: {
                    name: self.part(value, parameters[index]) if name != "step" else value
                    for name, value in values.items()
                }
                for index, values in state["state"].items()
            }
            states.append({**state, "state": parts})
        optimizers.load_state_dict(states)


class Replicated(Alone):
    """Every process has the whole model."""

    def __init__(self, model: nn.Module, forward: nn.Module | None, world: World) -> None:
        super().__init__(model, forward)
        self.world = world
        self.note = f"on: ddp, {world.size} processes"
        # Buffers are the same everywhere: their statistics are shared.
        options: dict[str, Any] = {_SYNC_BUFFERS: False, "gradient_as_bucket_view": True}
        self.forward = nn.parallel.DistributedDataParallel(self.forward, **options)

    @contextmanager
    def accumulating(self, last: bool) -> Iterator[None]:
        wrapped: Any = self.forward
        with sharing(), nullcontext() if last else wrapped.no_sync():
            yield


class Sharded(Alone):
    """Every process has a part of each weight."""

    sharded = True

    def __init__(self, model: nn.Module, world: World, device: torch.device) -> None:
        super().__init__(model)
        self.world = world
        self.note = f"on: fsdp, {world.size} processes"
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        # It takes no weights that lie with the channels last.
        model.to(memory_format=torch.contiguous_format)
        mesh = init_device_mesh(device.type, (world.size,))
        backbone = getattr(model, "backbone", None)
        layers = backbone.hidden_layers() if isinstance(backbone, Backbone) else []
        for layer in layers:
            if layer is not backbone:
                fully_shard(layer, mesh=mesh)
        # What is left whole after a forward pass would be there still when weights have been
        # exchanged with their average, or read from a file.
        fully_shard(model, mesh=mesh, reshard_after_forward=True)

    @contextmanager
    def accumulating(self, last: bool) -> Iterator[None]:
        wrapped: Any = self.model
        wrapped.set_requires_gradient_sync(last)
        with sharing():
            yield

    def whole(self, value: Any) -> Any:
        from torch.distributed.tensor import DTensor

        if isinstance(value, DTensor):
            return value.full_tensor()
        if isinstance(value, dict):
            return {key: self.whole(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.whole(one) for one in value)
        return value

    def part(self, value: Any, like: Any) -> Any:
        from torch.distributed.tensor import DTensor, distribute_tensor

        if not isinstance(like, DTensor) or not isinstance(value, Tensor):
            return value
        # Every process has read the whole: nothing needs to be sent.
        device = like.device_mesh.device_type
        return distribute_tensor(
            value.to(device), like.device_mesh, like.placements, src_data_rank=None
        )


Engine = Alone


def engine_of(
    model: nn.Module,
    forward: nn.Module | None,
    world: World,
    kind: Parallel,
    device: torch.device,
    *,
    scaled: bool = False,
) -> Engine:
    """Return what trains a model in this world. forward: the model through torch.compile, or None.

    scaled: its loss is, as fp16 needs. Raises `ConfigError` where that cannot be.
    """
    if world.alone:
        return Alone(model, forward)
    share_statistics(model)
    if kind is Parallel.ddp:
        return Replicated(model, forward, world)
    if forward is not None:
        raise ConfigError(
            "hardware.parallel=fsdp: not with hardware.compile; use ddp, or compile=false"
        )
    if scaled:
        raise ConfigError("hardware.parallel=fsdp: not with precision=fp16; use bf16, or ddp")
    return Sharded(model, world, device)


def share_statistics(model: nn.Module) -> None:
    """Have batch normalisation take its statistics over the batch of all processes."""
    for name, child in model.named_children():
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)) and not isinstance(
            child, MaskedBatchNorm
        ):
            setattr(model, name, _SharedBatchNorm.like(child))
        else:
            share_statistics(child)


class _SharedBatchNorm(MaskedBatchNorm):
    """What a library's batch normalisation is replaced by: the same, over all processes."""

    @classmethod
    def like(cls, given: nn.BatchNorm1d | nn.BatchNorm2d) -> "_SharedBatchNorm":
        made = cls(given.num_features, eps=given.eps, momentum=given.momentum, affine=given.affine)
        made.load_state_dict(given.state_dict())
        for name, parameter in made.named_parameters():
            parameter.requires_grad_(getattr(given, name).requires_grad)
        return made.to(next(iter(given.state_dict().values())).device).train(given.training)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept (B, C), (B, C, T) and (B, C, H, W)."""

    def forward(self, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise values whose second axis is that of channels."""
        shape = values.shape
        flat = values.reshape(shape[0], shape[1], -1, 1) if values.ndim != 4 else values
        return super().forward(flat, mask).view(shape)
