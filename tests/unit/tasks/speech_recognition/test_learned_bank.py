import math

import pytest
import torch

from suite import Batch, Form
from suite.data.counter import example_keys
from tasks.speech_recognition.config import FrontEnd, SpeechConfig
from tasks.speech_recognition.learned_bank import LearnedBank, at_speed
from tasks.speech_recognition.spectrogram import LogMel
from tasks.speech_recognition.stem import SpeechStem

RATE = 8000


def _config(**options):
    return SpeechConfig(front_end=FrontEnd.wave, **options)


def _batch(wave_BS, lengths, padding=0):
    wave_BS = torch.nn.functional.pad(wave_BS.round().to(torch.int16), (0, padding))
    tensors = {
        "wave_BS": wave_BS,
        "length_B": torch.tensor(lengths),
        "key_B": example_keys(0, 0, torch.arange(len(lengths))),
    }
    return Batch(tensors, len(lengths), 1.0)


def _noise(lengths):
    generator = torch.Generator().manual_seed(0)
    wave_BS = torch.randn(len(lengths), max(lengths), generator=generator) * 1000
    return wave_BS * (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None])


def _tuned(bank, hertz):
    """Give each pair the cosine and sine of a frequency."""
    samples = bank.pairs.kernel_size[0]
    phase = 2 * math.pi * torch.tensor(hertz)[:, None] * torch.arange(samples) / RATE
    pair = torch.stack([phase.cos(), phase.sin()], 1) * torch.hann_window(samples)
    with torch.no_grad():
        bank.pairs.weight.copy_(pair.flatten(0, 1)[:, None])
    return bank


@pytest.mark.parametrize("form", [Form.GRID, Form.SEQUENCE])
def test_padding_and_gain_change_nothing_and_frames_are_those_of_the_spectrogram(form):
    lengths = [3000, 1999, 799]
    stem = SpeechStem(_config(), form=form).eval()
    outputs = []
    for padding, gain in ((0, 1.0), (777, 4.0)):
        output = stem(_batch(gain * _noise(lengths).round(), lengths, padding))
        if form is Form.GRID:
            values, mask = output.values_BCHW.permute(0, 3, 1, 2), output.mask_BW
        else:
            values, mask = output.values_BTD, output.mask_BT
        outputs.append([row[keep] for row, keep in zip(values, mask, strict=True)])
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-3, atol=1e-3)
    assert [len(row) for row in outputs[0]] == [-(-(n // 100 + 1) // 2) for n in lengths]


def test_a_tuned_pair_hears_its_tone_whatever_the_phase():
    hertz = [300.0, 700.0, 1500.0, 3000.0]
    bank = _tuned(LearnedBank(_config(mels=4, frequency_width=2)), hertz).eval()
    time = torch.arange(4000) / RATE
    waves = torch.stack([(2 * math.pi * f * time + f).sin() * 8000 for f in hertz])
    values_BMT, frames_B = bank(_batch(waves, [4000] * 4))
    assert values_BMT.shape == (4, 4, 41)
    inside = values_BMT[:, :, 5:-5]
    assert inside.argmax(1).unique(dim=1).squeeze(1).tolist() == [0, 1, 2, 3]
    assert inside.diagonal(dim1=0, dim2=1).std(0).max() < 0.05  # no beat at the hop
    assert frames_B.tolist() == [41] * 4


def test_a_click_is_heard_in_its_frame_as_in_the_spectrogram():
    wave_BS = torch.zeros(1, 4000)
    wave_BS[0, 2000] = 20000
    batch = _batch(wave_BS, [4000])
    bank = _tuned(LearnedBank(_config(mels=4, frequency_width=2)), [300.0, 700.0, 1500.0, 3000.0])
    for front_end in (bank, LogMel(SpeechConfig())):
        heard_T = front_end.eval()(batch)[0][0].mean(0)
        assert heard_T.argmax() == 20


def test_filters_learn_and_training_draws_a_speed_for_each_example():
    lengths = [3000, 1999]
    bank = LearnedBank(_config(speed=0.2, noise=1.0))
    batch = _batch(_noise(lengths), lengths)
    (values, frames_B), (again, _) = bank(batch), bank(batch)
    torch.testing.assert_close(values, again, rtol=0, atol=0)
    assert frames_B.tolist() != [n // 100 + 1 for n in lengths]
    values.square().sum().backward()
    assert bank.pairs.weight.grad is not None
    (bank.eval()(batch)[0][0, 3].sum()).backward()
    assert bank.pairs.weight.grad[6:8].abs().min() > 0


def test_a_slower_recording_is_longer_and_lower():
    wave_BS = (2 * math.pi * 500 * torch.arange(8000) / RATE).sin()[None] * 10000
    slow_BS, length_B = at_speed(wave_BS, torch.tensor([8000]), torch.tensor([1.25]), 0.3)
    assert length_B.tolist() == [10000]
    assert slow_BS.shape == (1, math.ceil(8000 * math.exp(0.3)))
    assert slow_BS[0, 10000:].abs().max() == 0
    power = torch.fft.rfft(slow_BS[0, :10000]).abs()
    assert int(power.argmax()) * RATE / 10000 == pytest.approx(400, abs=1)
