"""Text classification with a backbone that brings its own tokenizer."""

import itertools
import shutil

import pytest
import torch

from suite import ConfigError, Split
from suite.compose import compose
from suite.run import _KEPT, build_model, build_task, load_model
from suite.testing import COSTLY, check_task
from suite.tracking.model_folder import save_model_folder

CPU = torch.device("cpu")


@pytest.fixture
def overrides(tmp_path, bert_folder):
    rows = [f"how long is river {i},long" for i in range(30)]
    rows += [f"who is what {i},who" for i in range(30)]
    (tmp_path / "asked.csv").write_text("\n".join(["text,label", *rows]))
    return [
        "task=text_classification", "data=text_files", f"data.path={tmp_path / 'asked.csv'}",
        f"cache={tmp_path}", "trainer.batch_size=8", "backbone=transformers",
        f"backbone.model={bert_folder}",
    ]  # fmt: skip


def opened(overrides):
    config = compose(overrides)
    task = build_task(config, CPU)
    return config, task, build_model(config, task, CPU)


def test_batches_hold_what_the_models_tokenizer_makes_of_the_texts(overrides, bert_folder):
    from transformers import AutoTokenizer

    _, task, model = opened([*overrides, "task.max_tokens=6"])
    tokenizer = AutoTokenizer.from_pretrained(bert_folder)
    expected = set()
    for text in task.texts.splits[Split.TEST].texts:
        expected.add(tuple(tokenizer(text, truncation=True, max_length=6)["input_ids"]))
    seen = set()
    for batch in task.eval_batches(Split.TEST):
        lengths = batch["length_B"].tolist()
        seen |= {
            tuple(row[:n]) for row, n in zip(batch["tokens_BT"].tolist(), lengths, strict=True)
        }
        assert batch.units == sum(lengths)
    assert seen == expected
    assert {row[0] for row in seen} == {2}
    assert model.backbone.model.config.hidden_size == 16


def test_task_cuts_anew_for_another_backbone(overrides):
    config, task, _ = opened(overrides)
    theirs = next(iter(task.eval_batches(Split.TEST)))
    small = ["backbone=mlp", "backbone.width=8"]
    build_model(compose([*overrides[:5], *small]), task, CPU)
    ours = next(iter(task.eval_batches(Split.TEST)))
    assert int(ours["length_B"].max()) > int(theirs["length_B"].max())  # characters
    build_model(config, task, CPU)
    again = next(iter(task.eval_batches(Split.TEST)))
    assert torch.equal(again["tokens_BT"], theirs["tokens_BT"])


@pytest.mark.parametrize("option", ["ngrams=3", "token_dropout=0.1", "ngram_dropout=0.1"])
def test_options_without_a_part_in_it_are_refused(overrides, option):
    with pytest.raises(ConfigError, match=rf"task\.{option}: the backbone cuts and embeds texts"):
        opened([*overrides, f"task.{option}"])


def test_a_few_steps_fit_the_training_split(overrides):
    _, task, model = opened(overrides)
    rates = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for batch, _ in zip(task.train_batches(seed=0), range(30), strict=False):
        loss = task.loss(model, batch)
        (loss.total / loss.count).backward()
        rates.step()
        rates.zero_grad()
        losses.append(loss.total.item() / loss.count)
    assert sum(losses[-5:]) < 0.3 * sum(losses[:5])


def test_model_of_a_run_loads_without_the_pretrained_folder(overrides, bert_folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(bert_folder, moved)
    config, task, model = opened([*overrides, f"backbone.model={moved}", "backbone.trainable=1"])
    batch = next(iter(task.eval_batches(Split.TEST)))
    folder = tmp_path / "model"
    with torch.no_grad():
        model.head.output.weight.normal_()
        expected = model.eval()(batch)
    save_model_folder(folder, model, batch, config=config.plain())
    model.backbone.keep(folder / _KEPT)
    shutil.rmtree(moved)
    with torch.no_grad():
        assert torch.equal(load_model(folder)(batch), expected)


def test_task_keeps_the_contract_with_it(tmp_path, bert_folder):
    words = ["what", "who", "where", "when", "how", "many"]
    rows = [f"{' '.join(text)},{text[0]}" for text in itertools.permutations(words, 4)]
    (tmp_path / "asked.csv").write_text("\n".join(["text,label", *rows]))
    check_task(
        [
            "task=text_classification", "data=text_files", f"data.path={tmp_path / 'asked.csv'}",
            f"cache={tmp_path}", "trainer.batch_size=8", "backbone=transformers",
            f"backbone.model={bert_folder}",
        ],
        skip=COSTLY,
    )  # fmt: skip
