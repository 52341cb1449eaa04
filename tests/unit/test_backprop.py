"""Backpropagation through every backbone and loss equals finite differences."""

import pytest
import torch
from torch.autograd import gradcheck

from suite.backbones.grid import MaskedBatchNorm
from suite.backbones.rotary import rotate, rotation
from suite.backprop import LOSSES, OWN, backward_errors
from suite.features import Sequence, length_mask, masked_max, masked_mean
from suite.insight.double import in_double
from suite.insight.gradients import AGREE
from suite.task import Batch

MASK_BT = length_mask(torch.tensor([5, 3, 2]), 5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("backbone", [*OWN, "torchaudio_conformer"])
def test_backward_pass_gives_the_slope_of_the_loss(backbone, loss):
    errors = backward_errors([backbone], [loss])
    assert list(errors) == [(backbone, loss)]
    assert errors[backbone, loss] < AGREE / 10


def _values(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def test_batch_normalisation_that_leaves_padding_out():
    norm = MaskedBatchNorm(2).double()
    torch.nn.init.normal_(norm.weight)
    assert gradcheck(lambda v: norm(v, MASK_BT), _values(3, 2, 2, 5))
    assert gradcheck(norm, _values(3, 2, 1, 5))


def test_pooling_and_rotation():
    assert gradcheck(lambda v: masked_mean(Sequence(v, MASK_BT)), _values(3, 5, 2))
    assert gradcheck(lambda v: masked_max(Sequence(v, MASK_BT)), _values(3, 5, 2))
    values = _values(1, 2, 5, 4)
    assert gradcheck(lambda v: rotate(v, rotation(5, 2, v)), values)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss):
    tensors = {
        "label_B": torch.tensor([0, 2, 1]),
        "symbols_BL": torch.tensor([[1, 2], [1, 1], [2, 0]]),
        "symbol_length_B": torch.tensor([2, 2, 1]),
    }
    batch = Batch(tensors, 3, 3.0)

    def total(values):
        output = Sequence(values, MASK_BT) if loss == "ctc" else values
        with in_double():
            return LOSSES[loss](output, batch).total

    assert gradcheck(total, _values(3, 5, 3) if loss == "ctc" else _values(3, 3))
