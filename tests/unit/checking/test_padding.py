"""What is changed in the padding, and what is left as it is."""

import torch

from suite import Batch
from suite.checking.padding import filled, padded, padded_names


def batch():
    return Batch(
        {
            "tokens_BT": torch.tensor([[4, 5, 6], [7, 0, 0]]),
            "length_B": torch.tensor([3, 1]),
            "label_BT": torch.tensor([[1, 2, 3], [1, -100, -100]]),
            "symbols_BL": torch.tensor([[8, 9], [8, 0]]),
            "symbol_length_B": torch.tensor([2, 1]),
            "item_B": torch.tensor([3, 3]),
        },
        2,
        4.0,
    )


def test_what_has_lengths_is_padded():
    assert padded_names(batch()) == ["tokens_BT", "label_BT", "symbols_BL"]
    longer = padded(batch())
    assert longer["tokens_BT"].shape == (2, 10)
    assert longer["symbols_BL"].shape == (2, 9)
    assert not longer["tokens_BT"][:, 3:].any()


def test_padding_is_filled_and_nothing_else():
    longer = padded(batch())
    other = filled(longer)
    assert other["tokens_BT"][0].tolist()[:3] == [4, 5, 6]
    assert other["tokens_BT"][1].tolist()[:1] == [7]
    assert other["tokens_BT"][0, 3:].all()
    assert other["tokens_BT"][1, 1:].all()
    assert other["symbols_BL"][0, :2].tolist() == [8, 9]
    assert other["symbols_BL"][1, 1:].all()
    for name in ("label_BT", "length_B", "item_B"):
        assert torch.equal(other[name], longer[name])


def test_samples_get_frames_of_silence_that_stay_silent():
    waves = {"wave_BS": torch.ones(2, 400), "length_B": torch.tensor([400, 100])}
    longer = padded(Batch(waves, 2, 1.0))
    assert longer["wave_BS"].shape == (2, 507)
    assert torch.equal(filled(longer)["wave_BS"], longer["wave_BS"])
