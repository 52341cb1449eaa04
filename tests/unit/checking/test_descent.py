"""A model learns a few examples by heart, by steps that are Adam's."""

import torch
from torch import nn

from suite.checking.descent import Adam


def test_steps_are_those_of_torch():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    mine = Adam(ours, 3e-3)
    other = torch.optim.Adam(theirs.parameters(), lr=3e-3, betas=(0.9, 0.99), eps=1e-8)
    for step in range(5):
        inputs = torch.randn(4, 3) * (1 if step % 2 else 100)
        for model in (ours, theirs):
            model(inputs).square().sum().backward()
        mine.step()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        other.step()
        other.zero_grad()
    for name, weights in ours.state_dict().items():
        torch.testing.assert_close(weights, theirs.state_dict()[name])
    assert all(p.grad is None for p in ours.parameters())
