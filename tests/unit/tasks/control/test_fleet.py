import io

import numpy as np
import pytest
import torch

from suite import DataError, Split
from tasks.control.environment import Environment
from tasks.control.fleet import Fleet
from tasks.control.seeds import draws, held_out_seeds, training_seed


def _step(fleet, *actions):
    return fleet.step(np.array(actions))


def test_an_episode_that_ends_shows_its_last_and_the_next_ones_first_observation(fleet):
    two = fleet(2)
    for _ in range(2):
        stepped = _step(two, 1, 0)
        assert not (stepped.terminated_N | stepped.truncated_N).any()
    stepped = _step(two, 1, 0)
    assert stepped.reward_N.tolist() == [1, 0]
    assert stepped.terminated_N.tolist() == [True, False]
    assert stepped.after_ND[:, 0].tolist() == [3, 0]
    assert two.observation_ND[:, 0].tolist() == [0, 0]
    assert two.observation_ND[0, 1] == training_seed(0, 0, 1) % 10


def test_a_limit_of_steps_is_no_end(fleet):
    one = fleet(1)
    stepped = [_step(one, 0) for _ in range(5)][-1]
    assert (stepped.terminated_N.tolist(), stepped.truncated_N.tolist()) == ([False], [True])


def test_what_ends_at_its_last_step_has_ended(fleet):
    one = fleet(1)
    stepped = [_step(one, action) for action in (0, 0, 1, 1, 1)][-1]
    assert (stepped.terminated_N.tolist(), stepped.truncated_N.tolist()) == ([True], [False])


def test_a_fleet_is_put_back_by_seeds_and_actions(fleet):
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 2, (40, 3))
    whole, first = fleet(3, seed=5), fleet(3, seed=5)
    seen = []
    for number, action_N in enumerate(actions):
        seen.append(whole.step(action_N))
        if number < 23:
            first.step(action_N)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    other = fleet(3, seed=5)
    other.load_state_dict(torch.load(file, weights_only=True))
    for number in range(23, 40):
        again = other.step(actions[number])
        for name in ("reward_N", "terminated_N", "truncated_N", "after_ND"):
            assert np.array_equal(getattr(again, name), getattr(seen[number], name))


@pytest.mark.parametrize("name", ["Acrobot-v1", "LunarLander-v3"])
def test_real_environments_are_put_back_exactly(name):
    if name.startswith("Lunar"):
        pytest.importorskip("Box2D")
    source = Environment(id=name)
    whole, rng = Fleet(source, 2, 3), np.random.default_rng(0)
    actions = rng.integers(0, source.spaces().actions, (160, 2))
    for action_N in actions[:130]:
        whole.step(action_N)
    other = Fleet(source, 2, 3)
    other.load_state_dict(whole.state_dict())
    for action_N in actions[130:]:
        one, again = whole.step(action_N), other.step(action_N)
        assert np.array_equal(one.after_ND, again.after_ND)
        assert np.array_equal(one.reward_N, again.reward_N)


def test_an_environment_that_cannot_be_put_back_is_refused(corridor, corridors):
    class Drifting(corridor):
        made = 0

        def reset(self, seed):
            Drifting.made += 1
            return super().reset(seed + Drifting.made)

    source = corridors(kind=Drifting)
    state = Fleet(source, 1, 0).state_dict()
    with pytest.raises(DataError, match=r"data.id=Corridor-v0: does not come to where it was"):
        Fleet(source, 1, 0).load_state_dict(state)


def test_seeds_of_splits_and_training_are_apart():
    validation, test = (held_out_seeds(split, 100) for split in (Split.VALIDATION, Split.TEST))
    assert len({*validation, *test}) == 200
    assert held_out_seeds(Split.TRAIN, 100) == []
    training = {training_seed(s, n, e) for s in range(2) for n in range(8) for e in range(20)}
    assert len(training) == 320
    assert all(2**30 <= seed < 2**31 for seed in training)
    assert not training & {*validation, *test}


def test_draws_are_of_a_step_however_many_are_drawn():
    whole = draws(3, 1, 0, 20, 5)
    assert torch.equal(draws(3, 1, 12, 8, 5), whole[12:])
    assert not torch.equal(draws(4, 1, 0, 20, 5), whole)
    assert not torch.equal(draws(3, 2, 0, 20, 5), whole)
    assert float(draws(0, 0, 0, 1000, 8).mean()) == pytest.approx(0.5, abs=0.02)
