import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.data.counter import example_keys, normal, step_seed, uniform

GOLDEN = 0x9E3779B97F4A7C15
WORD = 2**64
KEYS = [-2152535657050944081, -4616330145664149646, 4689417271487893854]
UNIFORM = [0.6524484753608704, 0.3350425362586975, 0.4435124397277832]
STEP_SEED = 6238072747940578789


def _mix(value):
    """SplitMix64's finaliser, in Python's integers."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) % WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) % WORD
    return value ^ (value >> 31)


def _signed(word):
    return word - WORD if word >= WORD // 2 else word


@given(seed=st.integers(0, 2**40), epoch=st.integers(0, 10_000), index=st.integers(0, 2**40))
def test_keys_are_those_of_exact_integers(seed, epoch, index):
    inner = _mix((index + seed * GOLDEN) % WORD)
    expected = _mix((inner + (epoch + 1) * GOLDEN) % WORD)
    assert example_keys(seed, epoch, torch.tensor([index])).tolist() == [_signed(expected)]


@given(key=st.integers(0, WORD - 1), stream=st.integers(0, 200))
def test_draws_are_those_of_exact_integers(key, stream):
    key_B = torch.tensor([_signed(key)])
    one = _mix((key + (stream + 1) * GOLDEN) % WORD) >> 40
    assert uniform(key_B, stream).tolist() == [one / 2**24]
    many = [_mix((key + (n + ((stream + 1) << 32)) * GOLDEN) % WORD) >> 40 for n in range(3)]
    assert uniform(key_B, stream, 3).tolist() == [[word / 2**24 for word in many]]


def test_mixing_function_is_splitmix64():
    # The first outputs of SplitMix64 from state 1234567, as Vigna's reference code prints them.
    state = 1234567
    outputs = [_mix((state + GOLDEN * (i + 1)) % WORD) for i in range(3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_known_values_stay():
    # A change here changes every shuffle and augmentation of every benchmark result.
    key_B = example_keys(0, 0, torch.arange(3))
    assert key_B.tolist() == KEYS
    assert uniform(key_B, 0).tolist() == pytest.approx(UNIFORM, abs=0)
    assert step_seed(0, 1) == STEP_SEED


def test_draws_are_uniform():
    key_B = example_keys(1, 2, torch.arange(200))
    for draws in (uniform(example_keys(7, 0, torch.arange(100_000)), 3), uniform(key_B, 5, 500)):
        assert float(draws.min()) >= 0
        assert float(draws.max()) < 1
        counts = torch.histc(draws.flatten(), 100, 0, 1)
        expected = draws.numel() / 100
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        assert chi_square < 99 + 4 * math.sqrt(2 * 99)  # 99 degrees of freedom


def test_draws_of_keys_streams_and_places_are_independent():
    key_B = example_keys(3, 0, torch.arange(2000))
    columns = torch.stack(
        [
            uniform(key_B, 0),
            uniform(key_B, 1),
            uniform(key_B.roll(1), 0),
            uniform(example_keys(3, 1, torch.arange(2000)), 0),
            uniform(example_keys(4, 0, torch.arange(2000)), 0),
            *uniform(key_B, 0, 3).unbind(1),
            *uniform(key_B, 1, 3).unbind(1),
        ]
    )
    correlation = torch.corrcoef(columns) - torch.eye(len(columns))
    assert float(correlation.abs().max()) < 4.5 / math.sqrt(2000)


@pytest.mark.parametrize("draw", [uniform, normal])
def test_draw_of_an_example_knows_nothing_of_the_batch(draw):
    key_B = example_keys(0, 0, torch.arange(10))
    together = draw(key_B, 2, 7)
    for b in (0, 4, 9):
        assert torch.equal(draw(key_B[b : b + 1], 2, 7)[0], together[b])


@pytest.mark.parametrize("draw", [uniform, normal])
@pytest.mark.parametrize("longer", [8, 9, 100])
def test_draw_of_an_example_knows_nothing_of_the_longest_in_the_batch(draw, longer):
    # Noise on a wave is drawn for as many samples as the longest of the batch has.
    key_B = example_keys(0, 0, torch.arange(4))
    assert torch.equal(draw(key_B, 2, longer)[:, :7], draw(key_B, 2, 7))


def test_normal_draws_have_the_moments_of_a_normal():
    draws = normal(example_keys(0, 0, torch.arange(1000)), 0, 201)
    assert draws.shape == (1000, 201)
    assert torch.isfinite(draws).all()
    count = draws.numel()
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        spread = {1: 1, 2: 2, 3: 15, 4: 96, 6: 10_170}[power]  # variance of x^power
        assert float(draws.double().pow(power).mean()) == pytest.approx(
            moment, abs=4.5 * math.sqrt(spread / count)
        )
    neighbours = torch.corrcoef(torch.stack([draws[:, 0], draws[:, 1], draws[:, 2]]))
    assert float((neighbours - torch.eye(3)).abs().max()) < 0.15


def test_step_seeds_differ_and_fit_torch():
    seeds = {step_seed(seed, step) for seed in range(5) for step in range(200)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
    torch.manual_seed(max(seeds))
