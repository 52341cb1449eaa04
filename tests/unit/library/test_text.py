"""Text encoders: what goes in and comes out is what their library does with one text."""

import pytest
import torch

from suite.config import Positions, TransformersConfig
from suite.errors import ConfigError
from suite.features import (
    BackboneBuilder,
    Form,
    Sequence,
    SequenceSpec,
    Tokens,
    TokenSpec,
    length_mask,
)
from suite.library.transformers import Transformers
from suite.run import _options

TEXTS = ["how long is the river", "who", "what is the capital of a river when it does take many"]
SMALL = {
    "bert": {"num_attention_heads": 2, "hidden_size": 16, "num_hidden_layers": 2,
             "intermediate_size": 32, "vocab_size": 40},
    "roberta": {"num_attention_heads": 2, "hidden_size": 16, "num_hidden_layers": 2,
                "intermediate_size": 32, "vocab_size": 40},
    "distilbert": {"n_heads": 2, "dim": 16, "n_layers": 2, "hidden_dim": 32, "vocab_size": 40},
    "electra": {"num_attention_heads": 2, "hidden_size": 16, "embedding_size": 16,
                "num_hidden_layers": 2, "intermediate_size": 32, "vocab_size": 40},
    "albert": {"num_attention_heads": 2, "hidden_size": 16, "embedding_size": 16,
               "intermediate_size": 32, "num_hidden_layers": 2, "vocab_size": 40},
    "mpnet": {"num_attention_heads": 2, "hidden_size": 16, "num_hidden_layers": 2,
              "intermediate_size": 32, "vocab_size": 40},
    "modernbert": {"num_attention_heads": 2, "hidden_size": 16, "num_hidden_layers": 3,
                   "intermediate_size": 32, "vocab_size": 60, "local_attention": 4,
                   "pad_token_id": 0, "bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2,
                   "sep_token_id": 2},
    "deberta-v2": {"num_attention_heads": 2, "hidden_size": 16, "num_hidden_layers": 2,
                   "intermediate_size": 32, "vocab_size": 40, "relative_attention": True,
                   "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]},
    "t5": {"num_heads": 2, "d_model": 16, "d_kv": 8, "num_layers": 2, "d_ff": 32,
           "vocab_size": 40},
}  # fmt: skip


def build(name, spec=None):
    torch.manual_seed(0)
    config = TransformersConfig(architecture=name, options=SMALL[name])
    return BackboneBuilder(Transformers, _options(config))(spec or SequenceSpec(features=6))


def pretrained_builder(folder, **given):
    config = TransformersConfig(model=str(folder), architecture=None, **given)
    return BackboneBuilder(Transformers, _options(config))


def tokens_of(builder, texts, padding=0, filling=0):
    rows = builder.intake.tokenizer().encode(texts, 256)
    length_B = torch.tensor([len(row) for row in rows])
    ids_BT = torch.full((len(rows), int(length_B.max()) + padding), filling)
    for b, row in enumerate(rows):
        ids_BT[b, : len(row)] = torch.tensor(row)
    return Tokens(ids_BT, length_mask(length_B, ids_BT.shape[1]))


@pytest.fixture(scope="module")
def pretrained(bert_folder):
    return pretrained_builder(bert_folder)


def test_a_text_gives_what_the_library_gives_for_it_alone(pretrained, bert_folder):
    from transformers import AutoModel, AutoTokenizer

    model = pretrained(TokenSpec()).eval()
    output = model(tokens_of(pretrained, TEXTS, padding=2, filling=9))
    theirs = AutoModel.from_pretrained(bert_folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(bert_folder)
    for b, text in enumerate(TEXTS):
        inputs = tokenizer(text, return_tensors="pt")
        expected = theirs(**inputs).last_hidden_state[0]
        assert len(expected) == int(output.mask_BT[b].sum())
        torch.testing.assert_close(output.values_BTD[b, : len(expected)], expected)


def test_texts_are_cut_at_what_the_model_holds(pretrained):
    (row,) = pretrained.intake.tokenizer().encode([" ".join(TEXTS * 9)], 256)
    assert len(row) == 30  # the tokenizer's own limit; the model would hold 40
    assert (row[0], row[-1]) == (2, 3)
    assert len(pretrained.intake.tokenizer().encode([" ".join(TEXTS)], 8)[0]) == 8


def test_first_keeps_the_first_position_alone(bert_folder):
    builder = pretrained_builder(bert_folder, positions=Positions.first)
    every = pretrained_builder(bert_folder)
    tokens = tokens_of(builder, TEXTS)
    first = builder(TokenSpec()).eval()(tokens)
    whole = every(TokenSpec()).eval()(tokens)
    assert first.mask_BT is None
    assert torch.equal(first.values_BTD, whole.values_BTD[:, :1])
    with pytest.raises(ConfigError, match="one vector for a whole input"):
        builder.choose(Form.TOKENS, positions=True)


def test_pretrained_prefers_tokens_and_takes_features_too(pretrained):
    assert pretrained.intake.forms == (Form.TOKENS, Form.SEQUENCE)
    assert pretrained.takes is Form.SEQUENCE
    assert pretrained.width == 16
    model = pretrained(SequenceSpec(features=16)).eval()
    assert isinstance(model.reading.entry, torch.nn.Identity)
    values_BTD = torch.randn(2, 4, 16)
    assert model(Sequence(values_BTD)).values_BTD.shape == (2, 4, 16)


@pytest.mark.parametrize("name", SMALL)
def test_padding_changes_nothing(name):
    model = build(name).eval()
    length_B = torch.tensor([7, 3, 1])
    values_BTD = torch.randn(3, 7, 6)
    real_BT1 = length_mask(length_B, 7).unsqueeze(2)
    outputs = []
    for amount, filling in ((0, 0.0), (0, 7.0), (5, -50.0)):
        padded = torch.where(real_BT1, values_BTD, filling)
        padded = torch.nn.functional.pad(padded, (0, 0, 0, amount), value=filling)
        output = model(Sequence(padded, length_mask(length_B, 7 + amount)))
        outputs.append(output.values_BTD[output.mask_BT])
    for other in outputs[1:]:
        torch.testing.assert_close(other, outputs[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_gradient_reaches_every_parameter(name):
    model = build(name)
    output = model(Sequence(torch.randn(2, 5, 6), length_mask(torch.tensor([5, 3]), 5)))
    output.values_BTD[output.mask_BT].square().sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert without == []


def test_input_longer_than_the_model_is_refused():
    model = build("bert", spec=None)
    long = Sequence(torch.zeros(1, 513, 6))
    with pytest.raises(ConfigError, match=r"holds 512 positions, an input has 513; raise backbone"):
        model(long)
    with pytest.raises(ConfigError, match="holds 512 positions, an input has 600"):
        build("bert", spec=SequenceSpec(features=6, length=600))
    roberta = build("roberta")
    assert roberta.reading.limit == 510  # positions are numbered from 2 on
    roberta.eval()(Sequence(torch.zeros(1, 510, 6)))
