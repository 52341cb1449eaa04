import pytest
import torch

from tasks.control.advantages import advantages


def _advantages(reward, value, after, terminated, truncated, discount=0.5, gae_lambda=0.5):
    def column(values):
        return torch.tensor(values).unsqueeze(1)

    return advantages(
        column(reward), column(value), column(after), column(terminated), column(truncated),
        discount=discount, gae_lambda=gae_lambda,
    ).squeeze(1).tolist()  # fmt: skip


def test_errors_are_summed_backwards():
    # Errors: 1 + 0.5 * 2 - 4 = -2, 2 + 0.5 * 6 - 2 = 3, 3 + 0.5 * 8 - 6 = 1.
    found = _advantages([1.0, 2, 3], [4.0, 2, 6], [2.0, 6, 8], [False] * 3, [False] * 3)
    assert found == pytest.approx([-2 + 0.25 * (3 + 0.25 * 1), 3 + 0.25 * 1, 1])


def test_nothing_comes_after_the_end_of_an_episode():
    ended = [False, True, False]
    found = _advantages([1.0, 2, 3], [4.0, 2, 6], [2.0, 6, 8], ended, [False] * 3)
    # The second error is 2 - 2 = 0 now, and nothing of the third reaches it.
    assert found == pytest.approx([-2, 0, 1])


def test_an_episode_that_was_cut_off_is_worth_what_would_have_come():
    cut = [False, True, False]
    found = _advantages([1.0, 2, 3], [4.0, 2, 6], [2.0, 6, 8], [False] * 3, cut)
    assert found == pytest.approx([-2 + 0.25 * 3, 3, 1])


@pytest.mark.parametrize("gae_lambda", [0.0, 1.0])
def test_the_ends_are_one_step_and_the_whole_return(gae_lambda):
    found = _advantages(
        [1.0, 2, 4], [3.0, 1, 5], [1.0, 5, 7], [False] * 3, [False] * 3, 0.5, gae_lambda
    )
    one_step = [1 + 0.5 - 3, 2 + 2.5 - 1, 4 + 3.5 - 5]
    whole = [1 + 1 + 1 + 7 / 8 - 3, 2 + 2 + 7 / 4 - 1, 4 + 7 / 2 - 5]
    assert found == pytest.approx(whole if gae_lambda else one_step)
