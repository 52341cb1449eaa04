"""Builds optimizers for a model.

Matrices and kernels decay; biases, gains and other vectors do not. Frozen parameters are left out.
With `fused` torch updates all weights in one kernel; Muon has none, but its AdamW does.
growth: how parameters have grown against a base width, by name, where `optimizer.base_width` is
given; then learning rates follow the width rule.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from suite.training.depth import rate_shares
from suite.training.muon import Muon
from suite.training.width import Growth

Growths = Mapping[str, Growth]


class _Share(NamedTuple):
    """Of the learning rate, and of the weight decay beside it."""

    rate: float
    decay: float = 1.0


class Optimizers:
    """One or more torch optimizers over disjoint parameters, stepped together."""

    def __init__(self, *optimizers: torch.optim.Optimizer) -> None:
        self.members = optimizers
        groups = [member.param_groups for member in optimizers]
        self.peaks = [[group["lr"] for group in each] for each in groups]
        self.parameters = [p for each in groups for group in each for p in group["params"]]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all members, as a single optimizer has them."""
        return [group for member in self.members for group in member.param_groups]

    def step(self) -> None:
        """Update all weights."""
        for member in self.members:
            member.step()

    def scale_rates(self, factor: float) -> None:
        """Set every learning rate to this share of its peak."""
        for member, peaks in zip(self.members, self.peaks, strict=True):
            for group, peak in zip(member.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def zero_grad(self) -> None:
        """Forget all gradients."""
        # What torch's own does, without the profiler's mark around it, which costs more.
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the state of each member."""
        return [member.state_dict() for member in self.members]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Restore what `state_dict` returned."""
        for member, state in zip(self.members, states, strict=True):
            member.load_state_dict(state)


def sgd(
    model: nn.Module,
    *,
    lr: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
    layer_decay: float = 1.0,
    fused: bool = True,
    growth: Growths | None = None,
) -> Optimizers:
    """Return stochastic gradient descent."""
    shares = _shares(model, layer_decay, growth, lambda grown, _: grown.sgd)
    groups = _groups(list(model.parameters()), lr, weight_decay, shares)
    return Optimizers(
        torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=fused)
    )


def adam(
    model: nn.Module,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    layer_decay: float = 1.0,
    fused: bool = True,
    growth: Growths | None = None,
) -> Optimizers:
    """Return Adam, whose weight decay is added to the gradient."""
    shares = _shares(model, layer_decay, growth, lambda grown, _: grown.adam)
    groups = _groups(list(model.parameters()), lr, weight_decay, shares)
    return Optimizers(torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), eps=eps, fused=fused))


def adamw(
    model: nn.Module,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    layer_decay: float = 1.0,
    fused: bool = True,
    growth: Growths | None = None,
) -> Optimizers:
    """Return Adam with decoupled weight decay."""
    shares = _shares(model, layer_decay, growth, lambda grown, _: grown.adam)
    groups = _groups(list(model.parameters()), lr, weight_decay, shares)
    return Optimizers(torch.optim.AdamW(groups, lr=lr, betas=(beta1, beta2), eps=eps, fused=fused))


def muon(
    model: nn.Module,
    *,
    lr: float,
    adamw_lr: float,
    momentum: float,
    weight_decay: float,
    layer_decay: float = 1.0,
    fused: bool = True,
    growth: Growths | None = None,
) -> Optimizers:
    """Return Muon for the matrices of the hidden layers and AdamW for everything else.

    Hidden layers are those of `model.backbone`, without tables of embeddings and what is a single
    row (a position, [CLS]); of a model without a backbone, all matrices.
    """
    backbone = getattr(model, "backbone", model)
    tables = {m.weight for m in backbone.modules() if isinstance(m, nn.Embedding)}
    hidden = {
        p for p in backbone.parameters() if p.ndim >= 2 and p.shape[0] > 1 and p not in tables
    }
    rest = [p for p in model.parameters() if p not in hidden]
    matrices = [p for p in model.parameters() if p in hidden]
    members: list[torch.optim.Optimizer] = []

    def share(grown: Growth, parameter: nn.Parameter) -> float:
        rows = parameter.shape[0]
        is_matrix = parameter in hidden
        return grown.muon(rows, parameter.numel() // rows) if is_matrix else grown.adam

    shares = _shares(model, layer_decay, growth, share)
    groups = _groups(matrices, lr, weight_decay, shares)
    if groups:  # none where the backbone is frozen
        members.append(Muon(groups, lr=lr, momentum=momentum, weight_decay=weight_decay))
    groups = _groups(rest, adamw_lr, weight_decay, shares)
    members.append(torch.optim.AdamW(groups, lr=adamw_lr, fused=fused))
    return Optimizers(*members)


def _shares(
    model: nn.Module,
    layer_decay: float,
    growth: Growths | None,
    rule: Callable[[Growth, nn.Parameter], float],
) -> Mapping[nn.Parameter, _Share]:
    """Return each parameter's share of rate and decay: by its depth, and by its growth."""
    by_depth = rate_shares(model, layer_decay)
    if growth is None:
        return {parameter: _Share(share) for parameter, share in by_depth.items()}
    shares = {}
    for name, parameter in model.named_parameters():
        factor = rule(growth[name], parameter)
        shares[parameter] = _Share(by_depth[parameter] * factor, 1 / factor)
    return shares


def _groups(
    parameters: list[nn.Parameter],
    lr: float,
    weight_decay: float,
    shares: Mapping[nn.Parameter, _Share],
) -> list[dict[str, Any]]:
    """Group what is trained by its weight decay and its share of the learning rate.

    What is frozen is in no group, so that no optimizer keeps state for it.
    """
    grouped: dict[tuple[bool, _Share], list[nn.Parameter]] = {}
    trained = [p for p in parameters if p.requires_grad]
    for parameter in sorted(trained, key=lambda p: p.ndim < 2):
        grouped.setdefault((parameter.ndim >= 2, shares[parameter]), []).append(parameter)
    return [
        {
            "params": members,
            "lr": lr * share.rate,
            "weight_decay": weight_decay * share.decay if decays else 0.0,
        }
        for (decays, share), members in grouped.items()
    ]
