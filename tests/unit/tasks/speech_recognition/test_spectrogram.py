import math

import pytest
import torch
from torchaudio.transforms import MelSpectrogram

from suite import Batch
from suite.data.counter import example_keys
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.noise import _LOUDEST_DB, with_noise
from tasks.speech_recognition.spectrogram import LogMel, frame_count, frame_samples

AUGMENTATIONS = {
    "none": {},
    "noise": {"noise": 1.0},
    "warp": {"warp": 0.2},
    "shift": {"shift": 3.0},
    "speed": {"speed": 0.3},
    "masks": {"frequency_masks": 2, "time_masks": 2},
    "all": {
        "noise": 1.0, "warp": 0.2, "shift": 3.0, "speed": 0.3,
        "frequency_masks": 2, "time_masks": 2,
    },
}  # fmt: skip


def _config(**options):
    """Return options with 40 bands, and frames of 256 samples every 100."""
    shape = {"sample_rate": 8000, "mels": 40, "window_seconds": 0.032, "hop_seconds": 0.0125}
    return SpeechConfig(**{**shape, **options})


def _waves(lengths, loud_end=False):
    generator = torch.Generator().manual_seed(0)
    waves = []
    for length in lengths:
        wave = torch.randn(length, generator=generator) * 1000
        if loud_end:
            wave *= torch.linspace(0, 1, length) ** 4
            wave[-1:] = 30_000
        waves.append(wave.round().to(torch.int16))
    return waves


def _batch(waves, padding=0, key=0):
    longest = max(map(len, waves)) + padding
    wave_BS = torch.stack([torch.nn.functional.pad(w, (0, longest - len(w))) for w in waves])
    tensors = {
        "wave_BS": wave_BS,
        "length_B": torch.tensor([len(w) for w in waves]),
        "key_B": example_keys(key, 0, torch.arange(len(waves))),
    }
    return Batch(tensors, len(waves), 1.0)


def _rows(values_BMT, frames_B):
    return [values[:, :n] for values, n in zip(values_BMT, frames_B.tolist(), strict=True)]


def test_equals_torchaudios_mel_spectrogram_up_to_normalisation():
    config = _config()
    (wave,) = _waves([4000])
    values_BMT, frames_B = LogMel(config).eval()(_batch([wave]))
    reference = MelSpectrogram(
        8000, n_fft=256, win_length=256, hop_length=100, f_min=60.0, n_mels=40, center=True,
        pad_mode="constant", norm=None,
    )  # fmt: skip
    power = reference(wave.float() / 32768)
    log = (power / power.max() + 1e-6).log()
    expected = (log - log.mean()) / log.std(unbiased=False)
    assert frames_B.tolist() == [41] == [expected.shape[1]]
    torch.testing.assert_close(values_BMT[0], expected, rtol=1e-3, atol=1e-3)


def test_window_shorter_than_the_transform_is_padded_around():
    config = _config(window_seconds=0.025)  # 200 samples in a transform of 256
    (wave,) = _waves([3000])
    values_BMT, _ = LogMel(config).eval()(_batch([wave]))
    reference = MelSpectrogram(
        8000, n_fft=256, win_length=200, hop_length=100, f_min=60.0, n_mels=40,
        pad_mode="constant",
    )  # fmt: skip
    power = reference(wave.float() / 32768)
    log = (power / power.max() + 1e-6).log()
    expected = (log - log.mean()) / log.std(unbiased=False)
    torch.testing.assert_close(values_BMT[0], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("gain", [0.1, 3.0])
def test_gain_drops_out(gain):
    (wave,) = _waves([4000])
    model = LogMel(_config()).eval()
    louder = (wave.float() * gain).round().to(torch.int16)
    torch.testing.assert_close(
        model(_batch([louder]))[0], model(_batch([wave]))[0], rtol=0.05, atol=0.05
    )


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize("loud_end", [False, True], ids=["even", "loud end"])
def test_padding_changes_nothing(augmentation, training, loud_end):
    model = LogMel(_config(**AUGMENTATIONS[augmentation])).train(training)
    # 1999 and 799 samples end just before the middle of a frame that padding would add.
    waves = _waves([3000, 1999, 799], loud_end)
    plain = _rows(*model(_batch(waves)))
    for padding in (1, 500, 777):
        padded = _rows(*model(_batch(waves, padding)))
        torch.testing.assert_close(padded, plain, rtol=1e-3, atol=1e-3)
    alone = [_rows(*model(_single(waves, b)))[0] for b in range(3)]
    torch.testing.assert_close(alone, plain, rtol=1e-3, atol=1e-3)


def _single(waves, b):
    batch = _batch(waves)
    wave_BS = waves[b][None]
    tensors = {"wave_BS": wave_BS, "length_B": batch["length_B"][b : b + 1],
               "key_B": batch["key_B"][b : b + 1]}  # fmt: skip
    return Batch(tensors, 1, 1.0)


@pytest.mark.parametrize("augmentation", [name for name in AUGMENTATIONS if name != "none"])
def test_augmentation_is_a_function_of_the_key(augmentation):
    model = LogMel(_config(**AUGMENTATIONS[augmentation]))
    waves = _waves([3000, 2000])
    one, frames = model(_batch(waves))
    torch.manual_seed(12)
    again, _ = model(_batch(waves))
    assert torch.equal(one, again)
    other = _rows(*model(_batch(waves, key=5)))
    assert any(
        a.shape != b.shape or not torch.equal(a, b)
        for a, b in zip(_rows(one, frames), other, strict=True)
    )
    clean, _ = model.eval()(_batch(waves))
    plain, _ = LogMel(_config()).eval()(_batch(waves))
    assert torch.equal(clean, plain)


def test_no_augmentation_is_no_change_in_training():
    waves = _waves([3000, 2000])
    model = LogMel(_config())
    trained, _ = model.train()(_batch(waves))
    assert torch.equal(trained, model.eval()(_batch(waves))[0])


def test_warping_by_nothing_is_the_identity():
    model = LogMel(_config())
    values_BMT = torch.randn(2, 40, 30)
    frames_B = torch.tensor([30, 17])
    warped, new_B = model._warped(values_BMT, frames_B, example_keys(0, 0, torch.arange(2)))
    assert new_B.tolist() == [30, 17]
    torch.testing.assert_close(warped[0], values_BMT[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(warped[1, :, :17], values_BMT[1, :, :17], rtol=1e-4, atol=1e-4)


def test_speed_stretches_time_by_what_it_draws():
    model = LogMel(_config(speed=0.5))
    ramp_BMT = torch.arange(31.0).expand(200, 40, 31)
    key_B = example_keys(0, 0, torch.arange(200))
    warped, new_B = model._warped(ramp_BMT, torch.full((200,), 31), key_B)
    assert int(new_B.min()) >= math.floor(31 * math.exp(-0.5))
    assert int(new_B.max()) <= math.ceil(31 * math.exp(0.5))
    assert len(new_B.unique()) > 20
    for row, frames in zip(warped[:5, 0], new_B[:5].tolist(), strict=True):
        # From the first frame to the last at an even pace.
        torch.testing.assert_close(
            row[:frames], torch.linspace(0, 30, frames), rtol=1e-3, atol=1e-3
        )


def test_shift_moves_bands():
    model = LogMel(_config(shift=5.0))
    ramp_BMT = torch.arange(40.0)[:, None].expand(100, 40, 3).contiguous()
    warped, _ = model._warped(
        ramp_BMT, torch.full((100,), 3), example_keys(0, 0, torch.arange(100))
    )
    moved_B = warped[:, 20, 0] - 20
    assert float(moved_B.abs().max()) <= 5
    assert float(moved_B.std()) == pytest.approx(5 / math.sqrt(3), rel=0.2)
    torch.testing.assert_close(warped[:, 25, 2] - 25, moved_B, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("frames", [50, 20])
def test_masks_hide_stripes_no_wider_than_asked(frames):
    config = _config(frequency_masks=1, frequency_width=8, time_masks=1, time_width=0.2)
    model = LogMel(config)
    values_BMT = torch.ones(500, 40, 50)
    masked = model._masked(
        values_BMT, torch.full((500,), frames), example_keys(0, 0, torch.arange(500))
    )
    hidden = masked == 0
    bands_B = hidden.all(2).sum(1)
    times_B = hidden.all(1).sum(1)
    assert int(bands_B.max()) in (7, 8)
    assert float(bands_B.double().mean()) == pytest.approx(4, abs=0.5)
    assert int(times_B.max()) <= math.ceil(0.2 * frames)
    assert int(times_B.max()) >= math.floor(0.2 * frames) - 1
    # Stretches of time lie within the recording, not in its padding.
    assert not hidden.all(1)[:, frames:].any()
    # A stripe is one piece: it starts once.
    starts = (hidden.all(2)[:, 1:] & ~hidden.all(2)[:, :-1]).sum(1) + hidden.all(2)[:, 0]
    assert int(starts.max()) == 1


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_noise_is_as_loud_and_as_frequent_as_asked(share):
    wave_BS = torch.randn(200, 2000)
    length_B = torch.full((200,), 1500)
    wave_BS[:, 1500:] = 0
    key_B = example_keys(0, 0, torch.arange(200))
    noisy = with_noise(wave_BS, length_B, key_B, share=share)
    noise = noisy - wave_BS
    power_B = noise[:, :1500].square().mean(1)
    assert float((power_B > 0).double().mean()) == pytest.approx(share, abs=0.12)
    assert float(noise[:, 1500:].abs().sum()) == 0
    if share:
        below = 10 * (wave_BS[:, :1500].square().mean(1) / power_B)[power_B > 0].log10()
        assert _LOUDEST_DB - 1 < float(below.min()) < _LOUDEST_DB + 4
        assert 35 < float(below.max()) < 41


@pytest.mark.parametrize(("samples", "frames"), [(0, 1), (99, 1), (100, 2), (4000, 41)])
def test_frame_count(samples, frames):
    assert int(frame_count(torch.tensor(samples), 100)) == frames


def test_frame_samples():
    assert frame_samples(_config()) == 256
    assert frame_samples(_config(sample_rate=16_000, window_seconds=0.025)) == 400


def test_spectrogram_stays_in_single_precision():
    model = LogMel(_config()).eval()
    batch = _batch(_waves([3000]))
    with torch.autocast("cpu", torch.bfloat16):
        values_BMT, _ = model(batch)
    assert torch.equal(values_BMT, model(batch)[0])


def test_silence_gives_finite_values():
    values_BMT, _ = LogMel(_config()).eval()(_batch([torch.zeros(3000, dtype=torch.int16)]))
    assert torch.isfinite(values_BMT).all()
