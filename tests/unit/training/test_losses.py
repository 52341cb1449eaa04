import itertools
import math

import pytest
import torch
import torch.nn.functional as F

from suite import Batch, Sequence, length_mask
from suite.training.losses import CTC, CrossEntropy, MeanSquaredError


def _batch(**tensors):
    return Batch(tensors, len(next(iter(tensors.values()))), 1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_is_minus_log_probability_of_the_smoothed_target(smoothing):
    logits_BK = torch.randn(4, 3, dtype=torch.float64)
    label_B = torch.tensor([0, 2, 1, 1])
    expected = 0.0
    for row, label in zip(logits_BK.tolist(), label_B.tolist(), strict=True):
        log_sum = math.log(sum(math.exp(v) for v in row))
        for k, value in enumerate(row):
            share = (1 - smoothing) * (k == label) + smoothing / 3
            expected -= share * (value - log_sum)
    loss = CrossEntropy(smoothing)(logits_BK, _batch(label_B=label_B))
    assert float(loss.total) == pytest.approx(expected, rel=1e-5)
    assert loss.count == 4


def test_squared_error_on_one_hot_by_hand():
    outputs_BK = torch.tensor([[0.5, 0.0, 1.0], [2.0, 0.0, 0.0]])
    loss = MeanSquaredError()(outputs_BK, _batch(label_B=torch.tensor([2, 0])))
    # (0.25 + 0 + 0) / 3 and (1 + 0 + 0) / 3
    assert float(loss.total) == pytest.approx(1.25 / 3)
    assert loss.count == 2


def test_squared_error_on_real_targets_by_hand():
    outputs_BK = torch.tensor([[0.5, 0.0], [2.0, 1.0]])
    target_BK = torch.tensor([[1.0, 0.0], [2.0, -1.0]])
    loss = MeanSquaredError()(outputs_BK, _batch(target_BK=target_BK))
    assert float(loss.total) == (0.25 + 0) / 2 + (0 + 4) / 2
    assert loss.count == 2


def _by_paths(log_probability_TK, symbols):
    """Sum the probabilities of every path that collapses to the symbols."""
    positions, classes = log_probability_TK.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=positions):
        merged = [k for k, _ in itertools.groupby(path)]
        if [k for k in merged if k != 0] == symbols:
            total += math.exp(sum(float(log_probability_TK[t, k]) for t, k in enumerate(path)))
    return -math.log(total)


def test_ctc_sums_over_all_paths():
    torch.manual_seed(0)
    logits_BTK = torch.randn(3, 4, 3)
    length_B = torch.tensor([4, 3, 4])
    transcripts = [[1, 2], [1], [2, 2]]
    symbols_BL = torch.tensor([[1, 2], [1, 0], [2, 2]])
    batch = _batch(symbols_BL=symbols_BL, symbol_length_B=torch.tensor([2, 1, 2]))
    loss = CTC()(Sequence(logits_BTK, length_mask(length_B, 4)), batch)
    expected = [
        _by_paths(logits_BTK[b, :length].log_softmax(-1), symbols) / len(symbols)
        for b, (length, symbols) in enumerate(zip(length_B.tolist(), transcripts, strict=True))
    ]
    assert float(loss.total) == pytest.approx(sum(expected), rel=1e-5)
    assert loss.count == 3


def test_ctc_of_an_empty_transcript_is_that_of_blanks():
    logits_BTK = torch.randn(1, 3, 2)
    batch = _batch(
        symbols_BL=torch.zeros(1, 1, dtype=torch.int64), symbol_length_B=torch.tensor([0])
    )
    expected = -float(logits_BTK.log_softmax(-1)[0, :, 0].sum())
    assert float(CTC()(Sequence(logits_BTK), batch).total) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [CrossEntropy(), CrossEntropy(0.2), MeanSquaredError()])
def test_gradient_is_that_of_finite_differences(loss):
    logits_BK = torch.randn(2, 3, requires_grad=True)
    batch = _batch(label_B=torch.tensor([1, 0]))
    (gradient,) = torch.autograd.grad(loss(logits_BK, batch).total, logits_BK)
    logits_BK = logits_BK.detach()
    for b, k in itertools.product(range(2), range(3)):
        step = torch.zeros(2, 3)
        step[b, k] = 1e-2
        change = loss(logits_BK + step, batch).total - loss(logits_BK - step, batch).total
        assert float(change) / 2e-2 == pytest.approx(float(gradient[b, k]), abs=2e-3)


def test_gradient_of_ctc_is_that_of_finite_differences_and_none_in_padding():
    logits_BTK = torch.randn(1, 5, 3, requires_grad=True)
    batch = _batch(symbols_BL=torch.tensor([[1, 2]]), symbol_length_B=torch.tensor([2]))
    mask = length_mask(torch.tensor([4]), 5)

    def total(logits):
        return CTC()(Sequence(logits, mask), batch).total

    (gradient,) = torch.autograd.grad(total(logits_BTK), logits_BTK)
    logits_BTK = logits_BTK.detach()
    assert gradient[0, 4].abs().sum() == 0
    for t, k in itertools.product(range(4), range(3)):
        step = torch.zeros(1, 5, 3)
        step[0, t, k] = 1e-2
        change = float(total(logits_BTK + step) - total(logits_BTK - step)) / 2e-2
        assert change == pytest.approx(float(gradient[0, t, k]), abs=2e-3)


def test_half_precision_outputs_are_summed_in_single():
    logits_BK = torch.randn(4, 3)
    batch = _batch(label_B=torch.tensor([0, 2, 1, 1]))
    half = CrossEntropy()(logits_BK.bfloat16(), batch).total
    assert half.dtype == torch.float32
    expected = F.cross_entropy(logits_BK.bfloat16().float(), batch["label_B"], reduction="sum")
    assert float(half) == pytest.approx(float(expected))
