import pytest
import torch

from tasks.text_classification.config import TextClassificationConfig, Unit
from tasks.text_classification.tokens import PADDING, UNKNOWN, encode, train_tokenizer

TEXTS = ["the cat sat", "the dog sat down", "a cat and a dog", "Ünïted Kingdom", "cat!"]


def _config(unit, **options):
    return TextClassificationConfig(unit=unit, **{"vocabulary": 60, **options})


def _pieces(config, tokenizer, text):
    (row,) = encode(config, tokenizer, [text])
    return [tokenizer.id_to_token(token) for token in row.tolist()]


@pytest.mark.parametrize("unit", list(Unit))
def test_training_twice_gives_the_same_vocabulary(unit):
    one, two = (train_tokenizer(_config(unit), TEXTS) for _ in range(2))
    assert one.get_vocab() == two.get_vocab()
    assert one.token_to_id("[PAD]") == PADDING == 0
    assert one.token_to_id("[UNK]") == UNKNOWN == 1
    assert sorted(one.get_vocab().values()) == list(range(one.get_vocab_size()))
    assert one.get_vocab_size() <= 60


@pytest.mark.parametrize("unit", list(Unit))
def test_no_text_is_encoded_with_padding_or_without_tokens(unit):
    tokenizer = train_tokenizer(_config(unit), TEXTS)
    rows = encode(_config(unit), tokenizer, [*TEXTS, "漢字", "", "   "])
    for row in rows:
        assert row.dtype == torch.int64
        assert len(row) >= 1
        assert PADDING not in row


def test_characters_are_framed_by_spaces():
    config = _config(Unit.character)
    tokenizer = train_tokenizer(config, TEXTS)
    assert _pieces(config, tokenizer, "cat") == [" ", "c", "a", "t", " "]
    assert _pieces(config, tokenizer, "x\n漢")[-2:] == ["[UNK]", " "]


def test_words_and_marks_are_cut_apart():
    config = _config(Unit.word)
    tokenizer = train_tokenizer(config, TEXTS)
    assert _pieces(config, tokenizer, "the cat! bird") == ["the", "cat", "!", "[UNK]"]


def test_wordpieces_continue_words():
    config = _config(Unit.wordpiece, vocabulary=45)
    tokenizer = train_tokenizer(config, TEXTS)
    pieces = _pieces(config, tokenizer, "sated")
    assert pieces[0] == "sat"
    assert all(piece.startswith("##") for piece in pieces[1:])


def test_pairs_of_bytes_are_merged_most_frequent_first():
    config = _config(Unit.bpe, vocabulary=21)
    tokenizer = train_tokenizer(config, ["ababab ab ab"] * 3)
    # The alphabet and two special tokens, then merges: "ab" first.
    assert "ab" in tokenizer.get_vocab()
    assert _pieces(config, tokenizer, "ab") == ["ab"]


def test_rare_tokens_are_unknown():
    config = _config(Unit.word, minimum_count=2)
    tokenizer = train_tokenizer(config, TEXTS)
    assert _pieces(config, tokenizer, "cat down") == ["cat", "[UNK]"]


def test_case_is_folded_where_asked():
    for lowercase in (False, True):
        config = _config(Unit.word, lowercase=lowercase)
        tokenizer = train_tokenizer(config, TEXTS)
        assert _pieces(config, tokenizer, "THE") == (["the"] if lowercase else ["[UNK]"])


def test_equal_texts_in_two_unicode_forms_are_equal():
    config = _config(Unit.character)
    tokenizer = train_tokenizer(config, TEXTS)
    composed, combining = encode(config, tokenizer, ["\u00dcn", "U\u0308n"])
    assert torch.equal(composed, combining)


def test_long_texts_are_cut_off():
    config = _config(Unit.character, max_tokens=5)
    tokenizer = train_tokenizer(config, TEXTS)
    assert _pieces(config, tokenizer, "catcat") == [" ", "c", "a", "t", "c"]
