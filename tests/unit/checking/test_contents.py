"""What evaluation yields is counted and known by its input."""

from dataclasses import replace
from types import SimpleNamespace

import torch

from suite import Batch, DataCard, Split
from suite.checking.contents import read_contents

CARD = DataCard(
    name="t", version="1", licence="-", source="-", fingerprint="f",
    sizes={"validation": 3, "test": 2},
)  # fmt: skip
PIXELS = torch.arange(6, dtype=torch.uint8).reshape(6, 1, 1, 1)


def task(card, *batches):
    def eval_batches(split):
        yield from batches

    return SimpleNamespace(card=lambda: card, eval_batches=eval_batches)


def batch(*indices):
    index = torch.tensor(indices)
    return Batch({"pixels_BCHW": PIXELS[index], "label_B": index * 0}, len(indices), 1.0)


def test_inputs_are_told_apart_and_counted():
    found = read_contents(task(CARD, batch(0, 1), batch(0)))
    assert list(found) == [Split.TEST, Split.VALIDATION]
    first, second, again = found[Split.VALIDATION].hashes
    assert first == again != second
    assert found[Split.VALIDATION].told() == "3"


def test_padding_and_labels_are_no_content():
    short = Batch(
        {"tokens_BT": torch.tensor([[1, 2, 0]]), "label_BK": torch.tensor([[1.0, 0.0]])}, 1, 2.0
    )
    long = Batch(
        {"tokens_BT": torch.tensor([[1, 2]]), "label_BK": torch.tensor([[0.0, 1.0]])}, 1, 2
    )
    found = read_contents(task(replace(CARD, sizes={"test": 2}), short, long))
    one, other = found[Split.TEST].hashes
    assert one == other


def test_what_has_no_end_is_left_once_there_is_too_much():
    found = read_contents(task(CARD, *[batch(0, 1)] * 1000))
    assert len(found[Split.TEST].hashes) == 4
