import math

import pytest
import torch

from suite import Batch, ConfigError
from tasks.control.learner import shares
from tasks.control.ppo import PPO


def _ppo(**options):
    chosen = {
        "discount": 0.9, "gae_lambda": 0.9, "clip": 0.2, "value_weight": 0.0, "entropy_weight": 0.0,
        "rollout": 8, "passes": 2, **options,
    }  # fmt: skip
    return PPO(**chosen)


def _batch(ratio, advantage, output, returns=0.0):
    """One transition whose action is now `ratio` times as likely as it was."""
    log_now = float(torch.tensor(output[:-1]).log_softmax(0)[0])
    tensors = {
        "action_B": torch.tensor([0]),
        "log_probability_B": torch.tensor([log_now - math.log(ratio)]),
        "advantage_B": torch.tensor([advantage]),
        "return_B": torch.tensor([returns]),
    }
    return Batch(tensors, 1, 1.0)


@pytest.mark.parametrize(
    ("ratio", "advantage", "gain"),
    [
        (1.1, 2.0, 2.2), (1.5, 2.0, 2.4), (0.5, 2.0, 1.0),
        (0.9, -2.0, -1.8), (0.5, -2.0, -1.6), (1.5, -2.0, -3.0),
    ],
)  # fmt: skip
def test_objective_is_clipped_where_it_would_gain_more(ratio, advantage, gain):
    output = [0.3, -0.2, 0.0]
    loss = _ppo()(torch.tensor([output]), _batch(ratio, advantage, output))
    assert (float(loss.total), loss.count) == (pytest.approx(-gain), 1)


def test_values_and_entropy_are_weighted():
    output = [1.0, 1.0, 3.0]
    batch = _batch(1.0, 0.0, output, returns=5.0)
    assert float(_ppo(value_weight=0.5)(torch.tensor([output]), batch).total) == pytest.approx(2)
    entropy = _ppo(entropy_weight=0.1)(torch.tensor([output]), batch)
    assert float(entropy.total) == pytest.approx(-0.1 * math.log(2))


def test_beyond_the_clip_no_gradient_is_left():
    for ratio, moves in ((1.1, True), (1.5, False)):
        output = torch.tensor([[0.3, -0.2, 0.0]], requires_grad=True)
        _ppo()(output, _batch(ratio, 1.0, output[0].tolist())).total.backward()
        assert bool(output.grad.any()) is moves


def test_a_round_is_some_passes_over_a_rollout():
    assert _ppo().round(4, 16) == (32, 4)
    with pytest.raises(ConfigError, match=r"trainer.batch_size=20: must divide .* = 32"):
        _ppo().round(4, 20)


def test_units_are_whole_and_add_up():
    spread = shares(256, 20)
    assert sum(spread) == 256
    assert set(spread) == {12.0, 13.0}
    assert sum(shares(3, 4)) == pytest.approx(3)
