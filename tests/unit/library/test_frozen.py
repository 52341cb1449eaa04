"""What is frozen gets no gradient, no optimizer state and no dropout."""

import pytest
import torch
from torch import nn

from suite.config import TransformersConfig
from suite.errors import ConfigError
from suite.features import (
    BackboneBuilder,
    DeepModel,
    PooledHead,
    Sequence,
    SequenceSpec,
    Tokens,
    TokenSpec,
)
from suite.library.transformers import Transformers
from suite.run import _options
from suite.training.average import Average
from suite.training.optimizers import adamw, muon

ADAMW = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.1}


class Given(nn.Module):
    """A stem that hands on what it is given."""

    def forward(self, inputs):
        return inputs


@pytest.fixture
def model_of(bert_folder):
    def model_of(trainable, spec=None):
        config = TransformersConfig(model=str(bert_folder), architecture=None, trainable=trainable)
        backbone = BackboneBuilder(Transformers, _options(config))(spec or TokenSpec())
        return DeepModel(Given(), backbone, PooledHead(backbone.features, 3)).train()

    return model_of


TOKENS = Tokens(torch.tensor([[2, 9, 10, 3], [2, 11, 3, 0]]), torch.ones(2, 4, dtype=torch.bool))


def trained(model):
    return {name for name, p in model.named_parameters() if p.requires_grad}


def test_probe_trains_the_head_alone_and_builds_no_graph_below_it(model_of):
    model = model_of("none")
    assert trained(model) == {"head.output.weight", "head.output.bias"}
    model.eval()
    model.train()
    assert not any(module.training for module in model.backbone.model.modules())
    assert model.head.training
    assert not model.backbone(TOKENS).values_BTD.requires_grad
    once, again = model(TOKENS), model(TOKENS)  # without dropout
    assert torch.equal(once, again)
    once.sum().backward()
    before = {k: v.clone() for k, v in model.backbone.state_dict().items()}
    (member,) = adamw(model, **ADAMW).members
    member.step()
    assert len(member.state) == 2
    torch.testing.assert_close(model.backbone.state_dict(), before, rtol=0, atol=0)


def test_top_layers_and_what_follows_are_trained(model_of):
    model = model_of("2")
    layers = {name.split("layer.")[1][0] for name in trained(model) if ".layer." in name}
    assert layers == {"1", "2"}
    assert not any("embeddings" in name for name in trained(model))
    bert = model.backbone.model
    assert not bert.embeddings.dropout.training
    assert not bert.encoder.layer[0].output.dropout.training
    assert bert.encoder.layer[1].output.dropout.training
    model(TOKENS).sum().backward()
    assert bert.embeddings.word_embeddings.weight.grad is None
    assert bert.encoder.layer[1].output.dense.weight.grad is not None


def test_all_layers_leave_the_embeddings_frozen_and_more_are_refused(model_of):
    names = trained(model_of("3"))
    assert any(".layer.0." in name for name in names)
    assert not any("embeddings" in name for name in names)
    with pytest.raises(ConfigError, match=r"backbone.trainable=4: the model has 3 layers"):
        model_of("4")


def test_entry_in_front_of_a_frozen_model_is_trained(model_of):
    model = model_of("none", SequenceSpec(features=5))
    assert "backbone.reading.entry.weight" in trained(model)
    model(Sequence(torch.randn(2, 3, 5))).sum().backward()
    assert model.backbone.reading.entry.weight.grad.abs().sum() > 0
    assert model.backbone.model.encoder.layer[0].output.dense.weight.grad is None


def test_muon_of_a_frozen_backbone_is_adamw_of_the_head(model_of):
    model = model_of("none")
    optimizers = muon(model, lr=0.02, adamw_lr=0.001, momentum=0.95, weight_decay=0.1)
    (member,) = optimizers.members
    assert {p for group in member.param_groups for p in group["params"]} == {
        model.head.output.weight,
        model.head.output.bias,
    }
    assert optimizers.peaks == [[0.001, 0.001]]


def test_muon_leaves_tables_and_single_rows_to_adamw(model_of):
    model = model_of("all")
    bert = model.backbone.model
    bert.cls_token = nn.Parameter(torch.zeros(1, 1, 16))
    hidden, rest = muon(model, lr=0.02, adamw_lr=0.001, momentum=0.95, weight_decay=0.1).members
    held = {p for group in hidden.param_groups for p in group["params"]}
    assert bert.encoder.layer[0].output.dense.weight in held
    assert bert.embeddings.word_embeddings.weight not in held
    assert bert.embeddings.position_embeddings.weight not in held
    assert bert.cls_token not in held
    others = {p for group in rest.param_groups for p in group["params"]}
    assert held | others == set(model.parameters())


def test_average_holds_what_is_trained(model_of):
    model = model_of("none")
    assert len(Average(model, 0.9)._mean) == 2
