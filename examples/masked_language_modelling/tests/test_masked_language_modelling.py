import math
from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from masked_language_modelling.data import VOCABULARY, TextLines
from masked_language_modelling.loss import MaskedCrossEntropy
from masked_language_modelling.masking import FIRST, MASK, PADDING, mask
from masked_language_modelling.stem import CharacterStem
from masked_language_modelling.task import MaskedLanguageModelling
from suite import (
    Backbone,
    BackboneBuilder,
    Batch,
    ConfigError,
    DataError,
    DeepModel,
    Form,
    FrameHead,
    OnError,
    Sequence,
    Setup,
    Split,
)
from suite.testing import COSTLY, check_task


@pytest.mark.parametrize(("backbone", "skip"), [("mlp", ()), ("resnet", COSTLY)])
def test_keeps_the_contract(tmp_path, backbone, skip):
    write_lines(tmp_path / "text.txt", 600)
    small = [f"backbone={backbone}", "backbone.width=8", "task.embedding=8"]
    where = ["data=text_lines", f"data.path={tmp_path / 'text.txt'}", "trainer.batch_size=16"]
    check_task(["task=masked_language_modelling", *where, *small], skip=skip)


def write_lines(file, count):
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
    lines = (" ".join(words[(i // 6**k) % 6] for k in range(4 + i % 3)) for i in range(count))
    file.write_text("\n".join(lines))


def lines_of_length(length_B):
    key_B = torch.arange(len(length_B))
    tokens_BT = torch.randint(FIRST, VOCABULARY, (len(length_B), int(length_B.max())))
    tokens_BT *= torch.arange(tokens_BT.shape[1]) < length_B[:, None]
    return tokens_BT, length_B, key_B


def test_a_share_of_each_line_is_asked_and_80_10_10_of_it_is_replaced():
    tokens_BT, length_B, key_B = lines_of_length(torch.full((2000,), 60))
    seen_BT, label_BT = mask(tokens_BT, length_B, key_B, share=0.15, vocabulary=VOCABULARY)
    asked_BT = label_BT != PADDING
    assert bool((asked_BT.sum(1) == 9).all())
    assert torch.equal(label_BT[asked_BT], tokens_BT[asked_BT])
    assert torch.equal(seen_BT[~asked_BT], tokens_BT[~asked_BT])
    masked = (seen_BT[asked_BT] == MASK).double().mean()
    kept = (seen_BT[asked_BT] == tokens_BT[asked_BT]).double().mean()
    # Of 18,000 draws, within four standard errors; a random token is the old one now and then.
    assert float(masked) == pytest.approx(0.8, abs=0.012)
    assert float(kept) == pytest.approx(0.1 + 0.1 / (VOCABULARY - FIRST), abs=0.009)


def test_no_padding_is_asked_and_a_short_line_has_one():
    tokens_BT, length_B, key_B = lines_of_length(torch.tensor([1, 2, 40]))
    _, label_BT = mask(tokens_BT, length_B, key_B, share=0.15, vocabulary=VOCABULARY)
    assert (label_BT != PADDING).sum(1).tolist() == [1, 1, 6]


def test_a_line_is_hidden_alike_alone_and_in_a_batch_and_differently_by_its_key():
    tokens_BT, length_B, key_B = lines_of_length(torch.tensor([30, 50]))

    def hidden(rows, keys, positions):
        parts = (tokens_BT[rows, :positions], length_B[rows], keys)
        return mask(*parts, share=0.15, vocabulary=VOCABULARY)

    together, alone = hidden([0, 1], key_B, 50), hidden([0], key_B[:1], 30)
    for whole_BT, one_BT in zip(together, alone, strict=True):
        assert torch.equal(whole_BT[:1, :30], one_BT)
    assert not torch.equal(alone[0], hidden([0], key_B[:1] + 7, 30)[0])


def test_loss_is_that_of_hidden_characters_alone():
    values_BTV, label_BT = torch.randn(2, 5, 7), torch.zeros(2, 5, dtype=torch.int64)
    label_BT[0, 1], label_BT[1, 4] = 3, 6
    loss = MaskedCrossEntropy()(Sequence(values_BTV), Batch({"label_BT": label_BT}, 2, 10.0))
    log_probability = values_BTV.log_softmax(2)
    expected = -float(log_probability[0, 1, 3] + log_probability[1, 4, 6])
    assert float(loss.total) == pytest.approx(expected, rel=1e-5)
    assert loss.count == 2
    changed_BTV = torch.where((label_BT == PADDING).unsqueeze(2), 100.0, values_BTV)
    again = MaskedCrossEntropy()(Sequence(changed_BTV), Batch({"label_BT": label_BT}, 2, 10.0))
    assert float(again.total) == pytest.approx(expected, rel=1e-5)


@pytest.fixture
def opened(tmp_path):
    """The task on a small text, opened as a run opens it."""
    write_lines(tmp_path / "text.txt", 600)
    setup = Setup(
        data=TextLines(path=str(tmp_path / "text.txt"), on_error=OnError.stop),
        loss=MaskedCrossEntropy(),
        batch_size=64,
        eval_batch_size=64,
        seed=0,
        device=torch.device("cpu"),
        cache=tmp_path,
    )
    return MaskedLanguageModelling(SimpleNamespace(embedding=8, share=0.15), setup)


def test_what_is_hidden_is_nowhere_in_what_the_model_reads(opened):
    """Labels may be anything: a model has no way to them but through what is seen."""

    class Whole(Backbone):
        """Mixes all positions in both directions, as attention may."""

        takes = Form.SEQUENCE

        def forward(self, inputs):
            weight_BT1 = inputs.mask_BT.unsqueeze(2)
            mean_B1D = (inputs.values_BTD * weight_BT1).mean(1, keepdim=True)
            return Sequence(inputs.values_BTD + mean_B1D, inputs.mask_BT)

    stem = CharacterStem(BackboneBuilder(Whole, {}), VOCABULARY, features=8)
    model = DeepModel(stem, Whole(), FrameHead(8, VOCABULARY))
    (batch,) = islice(opened.train_batches(seed=0), 1)
    other = {**batch.tensors, "label_BT": torch.randint_like(batch["label_BT"], VOCABULARY)}
    outputs = [model(Batch(tensors, 64, 1.0)).values_BTD for tensors in (batch.tensors, other)]
    assert torch.equal(*outputs)
    asked_BT = batch["label_BT"] != PADDING
    same = (batch["tokens_BT"][asked_BT] == batch["label_BT"][asked_BT]).double().mean()
    assert 0.03 < float(same) < 0.2


def test_training_hides_others_in_each_epoch_and_evaluation_the_same(opened):
    epoch = opened.batches_per_epoch()
    first, second = {}, {}
    for number, batch in enumerate(islice(opened.train_batches(seed=0), 2 * epoch)):
        whole_BT = torch.where(batch["label_BT"] == PADDING, batch["tokens_BT"], batch["label_BT"])
        told = first if number < epoch else second
        for line, label in zip(whole_BT.tolist(), batch["label_BT"].tolist(), strict=True):
            told[tuple(n for n in line if n)] = [n for n in label if n]
    both = first.keys() & second.keys()
    assert sum(first[line] != second[line] for line in both) > 0.9 * len(both)
    once, again = (list(opened.eval_batches(Split.TEST)) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert torch.equal(one["tokens_BT"], other["tokens_BT"])


def test_perplexity_of_an_even_guess_is_the_size_of_the_vocabulary(opened):
    class Even(torch.nn.Module):
        def forward(self, batch):
            return Sequence(torch.zeros(*batch["tokens_BT"].shape, VOCABULARY))

    metrics = opened.metrics()
    for batch in opened.eval_batches(Split.TEST):
        loss = opened.evaluate(Even(), batch, metrics)
        assert float(loss.total) / loss.count == pytest.approx(math.log(VOCABULARY), rel=1e-5)
    assert float(metrics.compute()["perplexity"]) == pytest.approx(VOCABULARY, rel=1e-5)


def test_a_backbone_that_shortens_lines_is_refused(opened):
    class Halving(Backbone):
        takes, features, width_stride = Form.SEQUENCE, 8, 2

        def __init__(self, spec):
            super().__init__()

    with pytest.raises(ConfigError, match="backbone=halving: makes one position of 2"):
        opened.build_model(BackboneBuilder(Halving, {}, "halving"))


def test_text_without_lines_is_named(tmp_path):
    (tmp_path / "short.txt").write_text("too short\n")
    with pytest.raises(DataError, match="short: has 0 lines of 20 to 80 characters"):
        TextLines(path=str(tmp_path / "short.txt"), on_error=OnError.stop).load(tmp_path)
