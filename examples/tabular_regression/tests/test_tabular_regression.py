from pathlib import Path

import pytest
import torch

from suite import Backbone, BackboneBuilder, Batch, Form, Split
from suite.testing import COSTLY, check_task
from tabular_regression.data import Diabetes
from tabular_regression.stem import FeatureStem


@pytest.mark.parametrize(("backbone", "skip"), [("mlp", ()), ("resnet", COSTLY)])
def test_keeps_the_contract(backbone, skip):
    check_task(["task=tabular_regression", f"backbone={backbone}", "backbone.width=8"], skip=skip)


def test_keeps_the_contract_on_a_part_of_the_rows():
    small = ["backbone=mlp", "backbone.width=8", "trainer.batch_size=16"]
    check_task(["task=tabular_regression", "data.train_examples=50", *small])


def test_a_feature_is_its_value_times_a_vector_and_a_bias():
    class Any(Backbone):
        takes = Form.SEQUENCE

    rows_NF = torch.tensor([[0.0, 5.0], [2.0, 5.0]])  # mean 1, deviation sqrt(2); a constant
    stem = FeatureStem(BackboneBuilder(Any, {}), rows_NF, width=3)
    offered = stem(Batch({"features_BF": torch.tensor([[3.0, 6.0]])}, 1, 1.0))
    expected_FD = torch.tensor([[2**0.5], [1.0]]) * stem.weight_FD + stem.bias_FD
    torch.testing.assert_close(offered.values_BTD, expected_FD[None])


def test_rows_are_those_of_scikit_learn_each_in_one_split():
    table = Diabetes().load(Path())
    assert table.card.sizes == {"train": 263, "validation": 82, "test": 97}
    rows = torch.cat([table.features[split] for split in Split])
    assert len(rows.unique(dim=0)) == 442
