from dataclasses import replace

import pytest
import torch

from suite import DataCard, Split
from tasks.text_classification import cutting
from tasks.text_classification.config import TextClassificationConfig, Unit
from tasks.text_classification.cutting import cut
from tasks.text_classification.data.texts import Texts, TextSet

PARTS = {
    Split.TRAIN: ("one two", "two three three", "a b"),
    Split.VALIDATION: ("two",),
    Split.TEST: ("three four",),
}


@pytest.fixture(autouse=True)
def no_memory(monkeypatch):
    monkeypatch.setattr(cutting, "remembered", lambda kind, key, make: make())


def text_set(fingerprint="f"):
    splits = {split: Texts(texts, [0] * len(texts)) for split, texts in PARTS.items()}
    card = DataCard(
        name="n", version="1", licence="l", source="s", fingerprint=fingerprint, sizes={}
    )
    return TextSet(splits, ("c",), card)


def equal(one, two):
    assert one.tokenizer.to_str() == two.tokenizer.to_str()
    for parts, others in ((one.tokens, two.tokens), (one.words, two.words)):
        assert parts.keys() == others.keys()
        for split, ragged in parts.items():
            assert ragged.length_name == others[split].length_name
            assert torch.equal(ragged.flat, others[split].flat)
            assert torch.equal(ragged.length_N, others[split].length_N)
    return True


@pytest.mark.parametrize("unit", Unit)
def test_what_is_read_back_is_what_was_made(unit, tmp_path, monkeypatch):
    config = TextClassificationConfig(unit=unit, vocabulary=40)
    made = cut(config, text_set(), tmp_path)
    assert made.tokens[Split.TRAIN].flat.dtype is torch.int64
    monkeypatch.setattr(cutting, "_made", None)
    assert equal(cut(config, text_set(), tmp_path), made)


def test_other_options_or_other_texts_are_cut_anew(tmp_path):
    config = TextClassificationConfig(unit=Unit.word)
    cut(config, text_set(), tmp_path)
    for other in (replace(config, vocabulary=3), replace(config, max_tokens=1)):
        assert not torch.equal(
            cut(other, text_set(), tmp_path).tokens[Split.TRAIN].flat,
            cut(config, text_set(), tmp_path).tokens[Split.TRAIN].flat,
        )
    cut(config, text_set("g"), tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_damaged_file_is_made_anew(tmp_path):
    config = TextClassificationConfig()
    made = cut(config, text_set(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    assert equal(cut(config, text_set(), tmp_path), made)
    assert file.stat().st_size > 50


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    assert len(cut(TextClassificationConfig(), text_set(), place).tokens) == 3
