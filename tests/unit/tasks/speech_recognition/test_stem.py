import pytest
import torch

from suite import Batch, Form
from suite.data.counter import example_keys
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.stem import SpeechStem


def _batch(padding=0):
    generator = torch.Generator().manual_seed(0)
    wave_BS = (torch.randn(3, 3000, generator=generator) * 1000).round().to(torch.int16)
    length_B = torch.tensor([3000, 1999, 799])
    wave_BS[torch.arange(3000) >= length_B[:, None]] = 0
    wave_BS = torch.nn.functional.pad(wave_BS, (0, padding))
    key_B = example_keys(0, 0, torch.arange(3))
    return Batch({"wave_BS": wave_BS, "length_B": length_B, "key_B": key_B}, 3, 1.0)


@pytest.mark.parametrize("form", [Form.GRID, Form.SEQUENCE])
@pytest.mark.parametrize("reduce", [1, 2, 3])
def test_padding_changes_nothing(form, reduce):
    stem = SpeechStem(SpeechConfig(reduce=reduce), form=form).eval()
    outputs = []
    for padding in (0, 777):
        output = stem(_batch(padding))
        if form is Form.GRID:
            values, mask = output.values_BCHW.permute(0, 3, 1, 2), output.mask_BW
        else:
            values, mask = output.values_BTD, output.mask_BT
        outputs.append([row[keep] for row, keep in zip(values, mask, strict=True)])
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("reduce", [2, 4])
def test_padding_changes_nothing_to_convolutions_either(reduce):
    stem = SpeechStem(SpeechConfig(reduce=reduce, channels=3), form=Form.SEQUENCE).eval()
    for parameter in stem.front_end.parameters():
        torch.nn.init.normal_(parameter)  # a bias makes padding differ from zero
    outputs = [stem(_batch(padding)) for padding in (0, 777)]
    assert outputs[0].lengths_B().tolist() == [-(-n // reduce) for n in (31, 20, 8)]
    plain, padded = ([v[m] for v, m in zip(o.values_BTD, o.mask_BT, strict=True)] for o in outputs)
    torch.testing.assert_close(padded, plain, rtol=1e-3, atol=1e-3)
    assert plain[0].shape[1] == stem.spec.features == 3 * -(-32 // reduce)


def test_convolutions_are_those_of_torch_on_one_recording_alone():
    stem = SpeechStem(SpeechConfig(reduce=4, channels=3), form=Form.SEQUENCE).eval()
    batch = _batch()
    frames_BMT, frames_B = stem.log_mel(batch)
    for b, frames in enumerate(frames_B.tolist()):
        values = frames_BMT[b, None, :, :frames]
        for layer in stem.front_end.layers:
            values = torch.nn.functional.relu(
                torch.nn.functional.conv2d(values, layer.weight, layer.bias, 2, 1)
            )
        expected = values.flatten(0, 1).T
        output = stem(batch)
        got = output.values_BTD[b][output.mask_BT[b]]
        torch.testing.assert_close(got, expected, rtol=1e-3, atol=1e-3)


def test_a_grid_has_no_use_for_convolutions():
    assert SpeechStem(SpeechConfig(channels=3), form=Form.GRID).front_end is None


@pytest.mark.parametrize("reduce", [1, 2, 3])
def test_both_forms_hold_the_frames_in_blocks(reduce):
    config = SpeechConfig(mels=40, reduce=reduce)
    sequence = SpeechStem(config, form=Form.SEQUENCE).eval()
    grid = SpeechStem(config, form=Form.GRID, max_width_stride=2).eval()
    frames_BMT, frames_B = sequence.log_mel(_batch())
    assert frames_B.tolist() == [31, 20, 8]
    positions = sequence(_batch())
    assert positions.values_BTD.shape[2] == sequence.spec.features == 40 * reduce
    expected = torch.cat([frames_BMT[0, :, reduce + i] for i in range(reduce)])
    torch.testing.assert_close(positions.values_BTD[0, 1], expected)
    assert positions.lengths_B().tolist() == [-(-n // reduce) for n in (31, 20, 8)]
    columns = grid(_batch())
    assert columns.values_BCHW.shape[1:3] == (grid.spec.channels, grid.spec.height)
    assert columns.mask_BW.sum(1).tolist() == positions.lengths_B().tolist()
    # A column holds what the position of the same number holds, in another order.
    ours = columns.values_BCHW[0, :, :, 1].flatten().sort().values[-30:]
    torch.testing.assert_close(ours, expected.sort().values[-30:])
    assert grid.spec.max_width_stride == 2
