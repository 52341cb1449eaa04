from pathlib import Path

import pytest
import torch

from suite import Batch, Form, Split
from suite.testing import check_task
from tabular_regression.data import Diabetes
from tabular_regression.stem import FeatureStem


@pytest.mark.parametrize("backbone", ["mlp", "resnet"])
def test_keeps_the_contract(backbone):
    check_task(["task=tabular_regression", f"backbone={backbone}", "backbone.width=8"])


def test_keeps_the_contract_on_a_part_of_the_rows():
    small = ["backbone=mlp", "backbone.width=8", "trainer.batch_size=16"]
    check_task(["task=tabular_regression", "data.train_examples=50", *small])


@pytest.mark.parametrize("form", [Form.SEQUENCE, Form.GRID])
def test_a_feature_is_its_value_times_a_vector_and_a_bias(form):
    features_NF = torch.tensor([[0.0, 5.0], [2.0, 5.0]])  # mean 1, deviation sqrt(2); a constant
    stem = FeatureStem(features_NF, width=3, form=form)
    offered = stem(Batch({"features_BF": torch.tensor([[3.0, 6.0]])}, 1, 1.0))
    values_BFD = (
        offered.values_BTD
        if form is Form.SEQUENCE
        else offered.values_BCHW.squeeze(2).transpose(1, 2)
    )
    expected_FD = torch.tensor([[2**0.5], [1.0]]) * stem.weight_FD + stem.bias_FD
    torch.testing.assert_close(values_BFD, expected_FD[None])


def test_rows_are_those_of_scikit_learn_each_in_one_split():
    table = Diabetes().load(Path())
    assert table.card.sizes == {"train": 263, "validation": 82, "test": 97}
    rows = torch.cat([table.features[split] for split in Split])
    assert len(rows.unique(dim=0)) == 442
