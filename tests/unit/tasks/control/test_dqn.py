import pytest
import torch
from torch import nn

from suite import Batch, ConfigError
from tasks.control.acting import Acting
from tasks.control.dqn import DQN
from tasks.control.learner import Place
from tasks.control.memory import Ring
from tasks.control.replay import Replay

CPU = torch.device("cpu")


def _dqn(**options):
    chosen = {
        "discount": 0.5, "double": True, "huber": 1.0, "buffer": 64, "learning_starts": 4,
        "act_every": 4, "updates": 2, "target_interval": 2, "target_rate": 1.0,
        "exploration_steps": 10, "exploration_final": 0.1, **options,
    }  # fmt: skip
    return DQN(**chosen)


class Table(nn.Module):
    """Values of two actions: the observation's own two numbers, scaled."""

    def __init__(self, factors):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factors))

    def forward(self, batch):
        return batch["observation_BD"] * self.factor


@pytest.mark.parametrize(("huber", "expected"), [(1.0, 0.125 + 1.5), (None, 0.25 + 4.0)])
def test_loss_is_of_the_actions_that_were_taken(huber, expected):
    batch = Batch({"action_B": torch.tensor([1, 0]), "target_B": torch.tensor([2.5, 1.0])}, 2, 2.0)
    loss = _dqn(huber=huber)(torch.tensor([[9.0, 2.0], [3.0, 9.0]]), batch)
    assert (float(loss.total), loss.count) == (pytest.approx(expected), 2)


def test_exploration_falls_linearly_once_learning_has_begun():
    dqn = _dqn()
    assert [dqn.exploration(steps) for steps in (0, 3, 5, 10, 99)] == pytest.approx(
        [1, 1, 0.55, 0.1, 0.1]
    )
    assert _dqn(exploration_steps=0).exploration(4) == pytest.approx(0.1)


def test_steps_fit_the_environments():
    assert _dqn().round(4, 99) == (4, 2)
    with pytest.raises(ConfigError, match=r"loss.act_every=4: must be a multiple .*=3"):
        _dqn().round(3, 99)


@pytest.mark.parametrize(
    ("double", "expected"),
    # The network that learns prefers the second action, which the target network gives 0.4 * 5.
    [(True, 1 + 0.5 * 2.0), (False, 1 + 0.5 * 3.0)],
)
def test_targets_are_judged_by_the_slower_network(fleet, double, expected):
    model = Table([1.0, 1.0])
    replay = Replay(_dqn(double=double), Place(Acting(model, CPU), fleet(1), 2, 0, 2, CPU))
    replay._target.factor.copy_(torch.tensor([1.0, 0.4]))
    taken = {
        "after_BD": torch.tensor([[3.0, 5.0], [3.0, 5.0]]),
        "reward_B": torch.tensor([1.0, 1.0]),
        "terminated_B": torch.tensor([False, True]),
    }
    assert replay._targets(taken).tolist() == pytest.approx([expected, 1.0])


def test_target_network_follows_at_its_rate(fleet):
    model = Table([2.0, 2.0])
    place = Place(Acting(model, CPU), fleet(1), 2, 0, 2, CPU)
    replay = Replay(_dqn(target_rate=0.25), place)
    with torch.no_grad():
        model.factor.fill_(4.0)
    replay._follow()
    assert replay._target.factor.tolist() == [2.5, 2.5]


def test_batches_hold_what_was_seen_and_count_each_step_once(fleet):
    place = Place(Acting(Table([1.0, 1.0]), CPU), fleet(2), 2, 0, 8, CPU)
    replay = Replay(_dqn(), place)
    batches = [replay.next() for _ in range(6)]
    # 4 steps before learning starts, and 4 to each round of 2 batches.
    assert [batch.units for batch in batches] == [4, 4, 2, 2, 2, 2]
    assert replay._ring.size == 16
    assert all(batch.examples == 8 for batch in batches)


def test_ring_forgets_the_oldest_and_tells_where_it_is():
    ring = Ring(4, 1)

    def add(*numbers):
        seen = torch.tensor(numbers, dtype=torch.float32).unsqueeze(1)
        ring.add(
            observation_BD=seen, after_BD=seen + 1, action_B=torch.tensor(numbers),
            reward_B=seen.squeeze(1), terminated_B=seen.squeeze(1) > 3,
        )  # fmt: skip

    add(1, 2, 3)
    assert (ring.size, len(ring.state_dict()["columns"]["action_B"])) == (3, 3)
    add(4, 5)
    assert ring.columns["action_B"].tolist() == [5, 2, 3, 4]
    assert ring.take(torch.tensor([0.0, 0.99]))["action_B"].tolist() == [5, 4]
    other = Ring(4, 1)
    other.load_state_dict(ring.state_dict())
    for one in (ring, other):
        one.add(**{name: column[:1].clone() for name, column in one.columns.items()})
    assert all(torch.equal(ring.columns[name], other.columns[name]) for name in ring.columns)
