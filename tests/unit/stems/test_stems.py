"""The shared input layers: both forms hold the same, and padding changes nothing."""

from dataclasses import replace

import pytest
import torch

from suite import (
    BYTE_TOKENS,
    Backbone,
    BackboneBuilder,
    Batch,
    ConfigError,
    EmbeddingStem,
    Form,
    Grid,
    ImageStem,
    LogMelStem,
    Ragged,
    Sequence,
    SequenceStem,
    byte_tokens,
)


def taking(form):
    """Return a builder of a backbone that takes this form and is 12 wide."""
    kind = type("Kind", (Backbone,), {"takes": form})
    return BackboneBuilder(kind, {"width": 12})


class Twice(SequenceStem):
    def sequence(self, batch):
        return Sequence(batch["x_BT"].unsqueeze(2) * torch.tensor([1.0, 2.0]), batch["real_BT"])


def test_a_grid_has_the_features_of_a_sequence_as_channels():
    x_BT, real_BT = torch.rand(3, 5), torch.ones(3, 5, dtype=torch.bool)
    batch = Batch({"x_BT": x_BT, "real_BT": real_BT}, 3, 3.0)
    made = Twice(taking(Form.SEQUENCE), features=2, length=5)
    laid = Twice(taking(Form.GRID), features=2, length=5)
    assert (made.spec.features, made.spec.length) == (2, 5)
    assert (laid.spec.channels, laid.spec.height, laid.spec.width) == (2, 1, 5)
    sequence, grid = made(batch), laid(batch)
    assert torch.equal(grid.values_BCHW[:, 1, 0], sequence.values_BTD[:, :, 1])
    assert torch.equal(sequence.values_BTD[:, :, 1], 2 * x_BT)
    assert grid.mask_BW is real_BT


def test_where_each_position_is_asked_for_a_grid_keeps_its_width():
    kept, free = (Twice(taking(Form.GRID), features=2, positions=on) for on in (True, False))
    assert (kept.spec.max_width_stride, free.spec.max_width_stride) == (1, None)


def test_a_backbone_without_positions_is_refused_where_each_is_asked_for():
    class Vector(Backbone):
        @classmethod
        def intake(cls, options):
            return replace(taking(Form.SEQUENCE).intake, positions=False)

    with pytest.raises(ConfigError, match="backbone=vector: returns one vector"):
        Twice(BackboneBuilder(Vector, {}, "vector"), features=2, positions=True)


PIXELS = torch.randint(
    0, 256, (20, 3, 9, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def test_pixels_are_normalised_channel_by_channel():
    stem = ImageStem(taking(Form.GRID), PIXELS)
    grid = stem(Batch({"pixels_BCHW": PIXELS}, 20, 20.0))
    assert (stem.spec.channels, stem.spec.height, stem.spec.width) == (3, 9, 10)
    columns = grid.values_BCHW.transpose(0, 1).flatten(1)
    torch.testing.assert_close(columns.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(columns.std(1, correction=0), torch.ones(3))


def test_a_patch_is_the_projection_of_its_pixels_and_its_place():
    stem = ImageStem(taking(Form.SEQUENCE), PIXELS)
    assert (stem.patch, stem.spec.length, stem.spec.features) == (2, 25, 12)
    sequence = stem(Batch({"pixels_BCHW": PIXELS}, 20, 20.0))
    assert sequence.values_BTD.shape == (20, 25, 12)
    values = (PIXELS[7].float() - stem.mean_C[:, None, None]) / stem.deviation_C[:, None, None]
    # Row 1, column 3 of the patches; the last row hangs over by one, which is padding.
    expected = stem.projection(values[:, 2:4, 6:8].flatten()) + stem.row_RD[1] + stem.column_QD[3]
    torch.testing.assert_close(sequence.values_BTD[7, 1 * 5 + 3], expected)
    hanging = torch.zeros(3, 2, 2)
    hanging[:, 0] = values[:, 8, 0:2]
    expected = stem.projection(hanging.flatten()) + stem.row_RD[4] + stem.column_QD[0]
    torch.testing.assert_close(sequence.values_BTD[7, 4 * 5], expected)


def test_bytes_of_a_text_are_its_tokens():
    rows = byte_tokens(["né", "", "abcdef"], most=4)
    assert [rows.row(i).tolist() for i in range(3)] == [[111, 196, 170], [33], [98, 99, 100, 101]]
    tokens_BT, length_B = rows.take(torch.tensor([0, 2]))
    assert tokens_BT.tolist() == [[111, 196, 170, 0], [98, 99, 100, 101]]
    assert length_B.tolist() == [3, 4]
    assert int(byte_tokens(["\udcff"]).flat.max()) < BYTE_TOKENS


@pytest.mark.parametrize("form", [Form.SEQUENCE, Form.GRID])
def test_tokens_are_embedded_one_by_one(form):
    stem = EmbeddingStem(taking(form), 11, features=6)
    length_B = torch.tensor([2, 4])
    made = stem(Batch({"tokens_BT": torch.tensor([[3, 5, 0, 0], [1, 2, 3, 4]]),
                       "length_B": length_B}, 2, 6.0))  # fmt: skip
    values_BTD = made.values_BTD if form is Form.SEQUENCE else made.values_BCHW[:, :, 0].mT
    mask = made.mask_BT if form is Form.SEQUENCE else made.mask_BW
    torch.testing.assert_close(values_BTD[0, 0], values_BTD[1, 2])
    assert mask.sum(1).tolist() == [2, 4]


def tone(hertz, samples, rate=8000):
    return (20_000 * torch.sin(torch.arange(samples) * (2 * torch.pi * hertz / rate))).short()


def heard(stem, rows):
    waves_BS, length_B = Ragged.from_rows(rows).take(torch.arange(len(rows)))
    return stem(Batch({"wave_BS": waves_BS, "length_B": length_B}, len(rows), 1.0))


def test_a_tone_is_loudest_in_its_band_and_gain_drops_out():
    stem = LogMelStem(taking(Form.SEQUENCE), 8000, mels=24)
    low, high = tone(300, 4000), tone(2500, 2400)
    made = heard(stem, [low, high, low // 4])
    assert made.mask_BT.sum(1).tolist() == [51, 31, 51]
    bands = [made.values_BTD[i, 10].argmax() for i in range(3)]
    assert bands[0] < bands[1]
    assert bands[0] == bands[2]
    torch.testing.assert_close(made.values_BTD[0], made.values_BTD[2], atol=0.05, rtol=0)


def test_a_recording_is_normalised_within_its_own_length():
    stem = LogMelStem(taking(Form.GRID), 8000)
    long, short = tone(300, 8000) + tone(1200, 8000) // 3, tone(700, 1600)
    together, alone = heard(stem, [long, short]), heard(stem, [short])
    assert isinstance(together, Grid)
    frames = int(together.mask_BW[1].sum())
    assert frames == alone.values_BCHW.shape[3]
    torch.testing.assert_close(together.values_BCHW[1, :, :, :frames], alone.values_BCHW[0])
    assert not together.values_BCHW[1, :, :, frames:].any()
    assert float(alone.values_BCHW.mean()) == pytest.approx(0, abs=1e-4)
    assert float(alone.values_BCHW.std(correction=0)) == pytest.approx(1, abs=1e-2)
