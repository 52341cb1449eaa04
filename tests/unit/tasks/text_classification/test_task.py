import pytest
import torch

from suite import Batch, Split
from suite.compose import compose
from suite.run import build_model, build_task
from suite.training.losses import CrossEntropy
from tasks.text_classification.task import divergence


@pytest.fixture
def task(tmp_path):
    rows = [f"the cat {i},pet" for i in range(30)] + [f"a fork {i},thing" for i in range(30)]
    (tmp_path / "words.csv").write_text("\n".join(["text,label", *rows]))
    overrides = [
        "task=text_classification", "data=text_files", f"data.path={tmp_path / 'words.csv'}",
        f"cache={tmp_path}", "trainer.batch_size=8", "backbone=mlp", "backbone.width=8",
    ]  # fmt: skip
    return build_task(compose(overrides), torch.device("cpu"))


def test_batches_hold_tokens_of_the_texts(task):
    for batch in task.eval_batches(Split.TEST):
        for row, length, label in zip(
            batch["tokens_BT"], batch["length_B"].tolist(), batch["label_B"].tolist(), strict=True
        ):
            letters = [task.cut.tokenizer.id_to_token(t) for t in row[:length].tolist()]
            text = "".join(letters).strip()
            assert text.startswith({0: "the cat", 1: "a fork"}[label])
            assert row[length:].sum() == 0
        assert batch.units == int(batch["length_B"].sum())


def test_tokenizer_has_seen_the_training_split_only(task):
    train = "".join(task.texts.splits[Split.TRAIN].texts)
    known = set(task.cut.tokenizer.get_vocab()) - {"[PAD]", "[UNK]", " "}
    assert known == set(train) - {" "}


def test_known_of_nothing_but_a_target(task):
    assert task.references == ()
    assert (task.target.metric, task.target.threshold) == ("accuracy", 0.85)
    task.config.target = 0.5
    del task.target
    assert task.target.threshold == 0.5


def test_evaluation_scores_a_model_that_always_says_pet(task):
    class Pet(torch.nn.Module):
        def forward(self, batch):
            return torch.tensor([1.0, 0.0]).expand(batch.examples, 2)

    metrics = task.metrics()
    total = 0
    for batch in task.eval_batches(Split.TEST):
        total += task.evaluate(Pet(), batch, metrics).count
    values = metrics.compute()
    assert total == task.card().sizes["test"] == 12
    assert float(values["accuracy"]) == pytest.approx(0.5)
    assert float(values["macro_f1"]) == pytest.approx((2 / 3 + 0) / 2)
    assert values["confusion"].tolist() == [[6, 0], [6, 0]]
    test = task.texts.splits[Split.TEST]
    forks = {text for text, label in zip(test.texts, test.labels, strict=True) if label == 1}
    mistakes = list(task.mistakes(metrics))
    assert {one.content.decode() for one in mistakes} == forks
    assert {(one.true, one.predicted) for one in mistakes} == {("thing", "pet")}


def test_model_ends_in_the_classes(task):
    config = compose(["task=text_classification", "backbone=transformer"])
    model = build_model(config, task, torch.device("cpu"))
    batch = next(iter(task.train_batches(seed=0)))
    assert isinstance(batch, Batch)
    logits = model(batch)
    assert logits.shape == (8, 2)
    assert CrossEntropy()(logits, batch).count == 8


def test_divergence_is_that_of_kullback_and_leibler_either_way():
    one, other = torch.randn(5, 3), torch.randn(5, 3)
    p, q = one.softmax(1), other.softmax(1)
    expected = ((p * (p / q).log()).sum() + (q * (q / p).log()).sum()) / 2
    torch.testing.assert_close(divergence(one, other), expected)
    assert float(divergence(one, one + 4)) == pytest.approx(0, abs=1e-5)


def test_two_passes_agree_unless_something_is_dropped(task):
    config = compose(["task=text_classification", "backbone=mlp", "backbone.dropout=0"])
    model = build_model(config, task, torch.device("cpu")).train()
    batch = next(iter(task.train_batches(seed=0)))
    once = task.loss(model, batch)
    task.config.consistency = 2.0
    twice = task.loss(model, batch)
    assert twice.count == once.count == 8
    torch.testing.assert_close(twice.total, once.total)


def test_passes_that_drop_different_tokens_are_drawn_together(task):
    task.config.token_dropout = 0.5
    config = compose(["task=text_classification", "backbone=mlp", "backbone.dropout=0"])
    model = build_model(config, task, torch.device("cpu")).train()
    batch = next(iter(task.train_batches(seed=0)))
    other = Batch({**batch.tensors, "key_B": ~batch["key_B"]}, 8, batch.units)
    first, second = model(batch), model(other)
    cross_entropy = (task.setup.loss(first, batch).total + task.setup.loss(second, other).total) / 2
    task.config.consistency = 3.0
    expected = cross_entropy + 3 * divergence(first, second)
    assert not torch.allclose(first, second)
    torch.testing.assert_close(task.loss(model, batch).total, expected)
