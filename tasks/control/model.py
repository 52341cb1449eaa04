"""From observations to what is put out for each action, and to values.

Legend: B batch, D numbers of an observation, T positions, C channels, H height, W width, K outputs.
"""

import torch
from torch import Tensor, nn

from suite import (
    Backbone,
    BackboneBuilder,
    Batch,
    DeepModel,
    Form,
    Grid,
    GridSpec,
    PooledHead,
    Sequence,
    SequenceSpec,
    Stem,
)

_SMALL = 0.01
"""Factor of a policy's first weights, so that it begins by trying all actions alike (Andrychowicz
et al. 2021, "What matters for on-policy deep actor-critic methods?", section 3.2)."""


class ObservationStem(Stem):
    """An observation as it is: a sequence of one position, or a grid of one cell."""

    def __init__(self, features: int, form: Form) -> None:
        super().__init__()
        self.form = form
        sequence = SequenceSpec(features=features, length=1)
        grid = GridSpec(channels=features, height=1, width=1)
        self.spec = grid if form is Form.GRID else sequence

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Return (B, 1, D), or (B, D, 1, 1)."""
        observation_BD = batch["observation_BD"]
        if self.form is Form.GRID:
            return Grid(observation_BD[:, :, None, None])
        return Sequence(observation_BD.unsqueeze(1))


class ActorCritic(DeepModel):
    """A policy, and values from hidden layers of their own: (B, K), the last of which is the value.

    critic: returns (B, 1).
    """

    def __init__(self, stem: Stem, backbone: Backbone, head: nn.Module, critic: DeepModel) -> None:
        super().__init__(stem, backbone, head)
        self.critic = critic

    def forward(self, batch: Batch) -> Tensor:
        """Return logits and the value."""
        return torch.cat([super().forward(batch), self.critic(batch)], 1)


def q_network(features: int, actions: int, backbone: BackboneBuilder) -> DeepModel:
    """Return a model of one value for each action."""
    return _deep(features, actions, backbone)


def actor_critic(
    features: int, actions: int, backbone: BackboneBuilder, *, separate: bool
) -> DeepModel:
    """Return a model of a logit for each action and a value. separate: in layers of its own."""
    if not separate:
        model = _deep(features, actions + 1, backbone)
        _begin_even(model, actions)
        return model
    policy, critic = _deep(features, actions, backbone), _deep(features, 1, backbone)
    _begin_even(policy, actions)
    return ActorCritic(policy.stem, policy.backbone, policy.head, critic)


def _deep(features: int, outputs: int, backbone: BackboneBuilder) -> DeepModel:
    stem = ObservationStem(features, backbone.choose(Form.SEQUENCE, Form.GRID))
    hidden = backbone(stem.spec)
    return DeepModel(stem, hidden, PooledHead(hidden.features, outputs))


@torch.no_grad()
def _begin_even(model: DeepModel, actions: int) -> None:
    output = model.head.output
    assert isinstance(output, nn.Linear)
    output.weight[:actions] *= _SMALL
    output.bias[:actions] = 0
