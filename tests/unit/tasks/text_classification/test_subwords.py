"""Words as sums of their characters and n-grams."""

import pytest
import torch

from suite import Batch, ConfigError, Form, Ragged
from suite.data.counter import example_keys
from tasks.text_classification.config import TextClassificationConfig, Unit
from tasks.text_classification.stems import TextStem, _word_numbers, ngram_rows
from tasks.text_classification.tokens import encode_words, train_tokenizer

TEXTS = ["an apple a day", "day", "", "a  banana"]


def _config(**options) -> TextClassificationConfig:
    return TextClassificationConfig(
        **{"unit": Unit.subword, "embedding": 8, "ngrams": 3, "ngram_buckets": 64, **options}
    )


def _encoded(config, texts):
    tokenizer = train_tokenizer(config, TEXTS)
    return encode_words(config, tokenizer, texts)


def _batch(texts, **options):
    rows, words = _encoded(_config(**options), texts)
    index_B = torch.arange(len(texts))
    tokens_BT, length_B = Ragged.from_rows(rows).take(index_B)
    word_length_BW, words_B = Ragged.from_rows(words, "words_B").take(index_B)
    tensors = {"tokens_BT": tokens_BT, "length_B": length_B, "word_length_BW": word_length_BW}
    tensors |= {"words_B": words_B, "key_B": example_keys(0, 0, index_B)}
    return Batch(tensors, len(texts), float(length_B.sum()))


def _stem(form=Form.SEQUENCE, **options):
    torch.manual_seed(0)
    return TextStem(_config(**options), vocabulary=30, form=form).eval()


def test_each_word_is_framed_by_spaces():
    _, words = _encoded(_config(), TEXTS)
    assert [word.tolist() for word in words] == [[4, 7, 3, 5], [5], [1], [3, 8]]


@pytest.mark.parametrize("limit", [1, 4, 5, 12])
def test_cut_texts_keep_beginnings_and_counts_agree(limit):
    rows, words = _encoded(_config(max_tokens=limit), TEXTS)
    assert all(len(row) == int(word.sum()) for row, word in zip(rows, words, strict=True))
    assert max(map(len, rows)) == min(limit, 19)


def test_a_word_is_the_same_wherever_it_stands():
    stem, batch = _stem(), _batch(["an apple a day", "day"])
    words = stem(batch)
    assert words.lengths_B().tolist() == [4, 1]
    torch.testing.assert_close(words.values_BTD[0, 3], words.values_BTD[1, 0])


def test_a_word_is_the_sum_of_its_characters_and_ngrams():
    stem, batch = _stem(embedding_norm=False), _batch(["a day"])
    ids = batch["tokens_BT"][0, 3:]  # behind " a "
    tables = [module.table.weight for module in stem.ngrams]
    expected = stem.tokens.weight[ids].sum(0)
    for order, table in ((2, tables[0]), (3, tables[1])):
        for window in ids.unfold(0, order, 1):
            expected = expected + table[int(ngram_rows(window.view(1, 1, -1), 64))]
    torch.testing.assert_close(stem(batch).values_BTD[0, 1], expected)


def test_padding_changes_nothing_and_both_forms_agree():
    together, alone = _batch(["an apple a day", "day"]), _batch(["day"])
    stem, grid = _stem(), _stem(Form.GRID)
    torch.testing.assert_close(
        stem(together).values_BTD[1, :1], stem(alone).values_BTD[0], rtol=0, atol=1e-6
    )
    values = grid(together)
    torch.testing.assert_close(
        values.values_BCHW.squeeze(2).transpose(1, 2), stem(together).values_BTD
    )
    assert torch.equal(values.mask_BW, stem(together).mask_BT)


def test_whole_words_and_pairs_of_them_have_embeddings_of_their_own():
    stem = _stem(ngrams=1, word_ngrams=2, embedding_norm=False)
    plain = _stem(ngrams=1, embedding_norm=False)
    plain.load_state_dict(stem.state_dict(), strict=False)
    batch = _batch(["a day day a", "day a"])
    added = stem(batch).values_BTD - plain(batch).values_BTD
    # Words alone repeat; what a word has on top depends on the word behind it.
    single, pair = (module.table.weight for module in stem.phrases)
    alone = stem.eval()(_batch(["day"])).values_BTD - plain(_batch(["day"])).values_BTD
    torch.testing.assert_close(added[1, 1], added[0, 3])  # the last word, no pair
    torch.testing.assert_close(added[1, 0], added[0, 2])  # "day a" wherever it stands
    assert not torch.allclose(added[0, 1], added[0, 2])  # "day day" and "day a"
    assert any(torch.allclose(alone[0, 0], row) for row in single)
    difference = added[1, 0] - alone[0, 0]
    assert any(torch.allclose(difference, row, atol=1e-6) for row in pair)


def test_words_of_the_same_characters_in_another_order_differ():
    rows, words = _encoded(_config(), ["day yad day"])
    tokens_BT, length_BW = rows[0][None], words[0][None]
    word_BT = torch.repeat_interleave(torch.arange(3), length_BW[0])[None]
    first, second, third = _word_numbers(tokens_BT, word_BT, length_BW)[0].tolist()
    assert first == third
    assert first != second


@pytest.mark.parametrize("form", [Form.SEQUENCE, Form.GRID])
def test_padding_changes_no_whole_word(form):
    stem = _stem(form, word_ngrams=3, word_dropout=0.5, ngram_dropout=0.2).train()
    batch = _batch(["day", "an apple a day"])
    alone = Batch({name: tensor[:1] for name, tensor in batch.items()}, 1, 5.0)
    short = {name: alone[name] for name in ("length_B", "words_B", "key_B")}
    short["tokens_BT"] = alone["tokens_BT"][:, :5]
    short["word_length_BW"] = alone["word_length_BW"][:, :1]

    def values(found):
        return found.values_BTD[0, :1] if form is Form.SEQUENCE else found.values_BCHW[0, :, 0, :1]

    torch.testing.assert_close(values(stem(batch)), values(stem(Batch(short, 1, 5.0))))


def test_word_dropout_leaves_whole_words_blank():
    stem = _stem(word_ngrams=1, word_dropout=0.5, embedding_norm=False)
    batch = _batch(["an apple a day"] * 50)
    whole, dropped = stem(batch).values_BTD, stem.train()(batch).values_BTD
    blank = (dropped == 0).all(-1)
    assert 0.3 < float(blank.double().mean()) < 0.7
    torch.testing.assert_close(dropped[~blank], 2 * whole[~blank])


@pytest.mark.parametrize("option", [{"word_ngrams": 1}, {"word_dropout": 0.1}])
def test_whole_words_need_words(option):
    with pytest.raises(ConfigError, match="0 unless unit is subword"):
        _config(unit=Unit.character, **option)
