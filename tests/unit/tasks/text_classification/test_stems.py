import pytest
import torch

from suite import Batch, Form
from suite.data.counter import example_keys
from tasks.text_classification.config import TextClassificationConfig
from tasks.text_classification.stems import TextStem, ngram_rows


def _stem(form=Form.SEQUENCE, **options):
    config = TextClassificationConfig(
        **{"embedding": 8, "ngrams": 3, "ngram_buckets": 64, **options}
    )
    return TextStem(config, vocabulary=20, form=form)


def _batch(lengths=(5, 3, 1), padding=0, filling=0):
    generator = torch.Generator().manual_seed(0)
    longest = max(lengths) + padding
    tokens_BT = torch.full((len(lengths), longest), filling)
    for b, length in enumerate(lengths):
        tokens_BT[b, :length] = torch.randint(2, 20, (length,), generator=generator)
    key_B = example_keys(0, 0, torch.arange(len(lengths)))
    tensors = {"tokens_BT": tokens_BT, "length_B": torch.tensor(lengths), "key_B": key_B}
    return Batch(tensors, len(lengths), float(sum(lengths)))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize(("padding", "filling"), [(0, 7), (4, 0), (6, 13)])
def test_padding_changes_nothing(training, padding, filling):
    stem = _stem(ngram_dropout=0.3, token_dropout=0.3).train(training)
    plain, padded = stem(_batch()), stem(_batch(padding=padding, filling=filling))
    torch.testing.assert_close(
        padded.values_BTD[padded.mask_BT], plain.values_BTD[plain.mask_BT], rtol=0, atol=0
    )
    assert padded.lengths_B().tolist() == [5, 3, 1]


def test_both_forms_hold_the_same():
    torch.manual_seed(0)
    sequence = _stem(Form.SEQUENCE)
    grid = _stem(Form.GRID)
    grid.load_state_dict(sequence.state_dict())
    one, two = sequence(_batch()), grid(_batch())
    assert torch.equal(two.values_BCHW.squeeze(2).transpose(1, 2), one.values_BTD)
    assert torch.equal(two.mask_BW, one.mask_BT)
    assert (grid.spec.channels, grid.spec.height, grid.spec.width) == (8, 1, None)
    assert (sequence.spec.features, sequence.spec.length) == (8, None)


def test_position_is_the_normalised_sum_of_its_token_and_its_ngrams():
    stem = _stem().eval()
    batch = _batch()
    tokens = batch["tokens_BT"][0]
    pair, triple = (m.table.weight for m in stem.ngrams)

    def row(window, table):
        return table[int(ngram_rows(window.view(1, 1, -1), 64))]

    # A pair starts at its position, a triple has it in the middle.
    middle = stem.tokens.weight[tokens[2]] + row(tokens[2:4], pair) + row(tokens[1:4], triple)
    first = stem.tokens.weight[tokens[0]] + row(tokens[0:2], pair)
    last = stem.tokens.weight[tokens[4]]  # any n-gram would reach beyond the text
    expected = stem.norm(torch.stack([first, middle, last]))
    torch.testing.assert_close(stem(batch).values_BTD[0, [0, 2, 4]], expected)


def test_rows_spread_and_know_order_and_length():
    tokens = torch.arange(2, 102)
    pairs = torch.cartesian_prod(tokens, tokens)[None]
    rows = ngram_rows(pairs, 32_768)
    assert rows.shape == (1, 10_000)
    assert int(rows.min()) >= 0
    assert int(rows.max()) < 32_768
    # As many distinct rows as chance gives: 32768 (1 - (1 - 1/32768)^10000) = 8618.
    assert len(rows.unique()) == pytest.approx(8618, abs=150)
    flipped = ngram_rows(pairs.flip(-1), 32_768)
    assert float((rows == flipped).double().mean()) < 0.02  # 100 pairs of equal tokens
    triples = ngram_rows(torch.cat([pairs, pairs[..., :1]], -1), 32_768)
    assert float((rows == triples).double().mean()) < 0.001


def test_rows_stay():
    # A change makes every trained model wrong.
    window = torch.tensor([[[2, 3], [3, 2], [7999, 12]]])
    assert ngram_rows(window, 32_768).tolist() == [[6308, 23144, 28562]]


def test_dropout_is_a_function_of_the_key_alone():
    stem = _stem(ngram_dropout=0.5, token_dropout=0.5)
    whole = _batch()
    one = stem(whole).values_BTD
    torch.manual_seed(99)
    assert torch.equal(stem(whole).values_BTD, one)
    alone = Batch({k: v[1:2] for k, v in whole.items()}, 1, 3.0)
    torch.testing.assert_close(stem(alone).values_BTD[0, :3], one[1, :3])
    other = Batch({**whole.tensors, "key_B": whole["key_B"] + 1}, 3, 9.0)
    assert not torch.equal(stem(other).values_BTD, one)


def test_dropout_drops_its_share_and_keeps_the_expectation():
    from tasks.text_classification.stems import _kept

    batch = Batch({"key_B": example_keys(0, 0, torch.arange(200))}, 200, 0)
    kept = _kept(batch, 3, torch.zeros(200, 100), 0.25)
    assert kept.shape == (200, 100, 1)
    assert kept.unique().tolist() == pytest.approx([0, 4 / 3])
    assert float(kept.mean()) == pytest.approx(1, abs=0.02)
