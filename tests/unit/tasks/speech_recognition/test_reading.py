import hashlib

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.functional import resample as sinc_resample

from suite import DataError
from tasks.speech_recognition.reading import at_rate, digest, kept_digest, measure, read

RAMP = np.arange(-4000, 4000, dtype=np.int16)


@pytest.fixture
def files(tmp_path):
    """The same sound in every form, by its ending."""
    made = {}
    for suffix, how in (
        ("wav", {}),
        ("flac", {}),
        ("sph", {"format": "NIST", "endian": "BIG"}),
    ):
        made[suffix] = tmp_path / f"ramp.{suffix}"
        soundfile.write(made[suffix], RAMP, 8000, subtype="PCM_16", **how)
    made["raw"] = tmp_path / "ramp.raw"
    made["raw"].write_bytes(RAMP.astype(">i2").tobytes())
    return made


def how(suffix):
    return {"rate": 8000, "endian": "big"} if suffix == "raw" else {}


@pytest.mark.parametrize("suffix", ["wav", "flac", "sph", "raw"])
def test_every_form_is_measured_and_read(files, suffix):
    stretch = measure(files[suffix], **how(suffix))
    assert (stretch.first, stretch.frames, stretch.rate, stretch.whole) == (0, 8000, 8000, True)
    assert np.array_equal(read(stretch)[:, 0], RAMP)


@pytest.mark.parametrize("suffix", ["wav", "flac", "sph", "raw"])
def test_stretch_is_cut_to_the_sample(files, suffix):
    stretch = measure(files[suffix], start_seconds=0.25, seconds=0.125, **how(suffix))
    assert (stretch.frames, stretch.whole) == (1000, False)
    assert np.array_equal(read(stretch)[:, 0], RAMP[2000:3000])


def test_digest_is_what_flac_keeps_and_the_same_in_every_form(files):
    kept = kept_digest(measure(files["flac"]))
    assert kept == hashlib.md5(RAMP.astype("<i2").tobytes()).digest()
    for suffix, file in files.items():
        assert digest(read(measure(file, **how(suffix)))) == kept
    assert kept_digest(measure(files["wav"])) is None
    assert kept_digest(measure(files["flac"], seconds=0.5)) is None


def test_digest_of_two_channels_and_of_more_bits(tmp_path):
    both = np.stack([RAMP, RAMP[::-1]], 1)
    soundfile.write(tmp_path / "both.flac", both, 8000)
    stretch = measure(tmp_path / "both.flac")
    assert kept_digest(stretch) == digest(read(stretch))
    # What FLAC keeps of 24 bits is not the digest of the 16 that are read.
    soundfile.write(tmp_path / "deep.flac", RAMP, 8000, subtype="PCM_24")
    assert kept_digest(measure(tmp_path / "deep.flac")) is None


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 44_100])
def test_length_is_known_before_resampling(tmp_path, rate):
    for frames in (rate // 10, rate // 10 + 1, rate // 10 + 7):
        soundfile.write(tmp_path / "a.wav", np.ones(frames, np.int16), rate)
        stretch = measure(tmp_path / "a.wav")
        wave_S = at_rate(read(stretch), stretch, 8000)
        assert len(wave_S) == stretch.length(8000)
        expected = sinc_resample(torch.ones(frames), rate, 8000)
        assert len(expected) == len(wave_S)


def test_stretch_beyond_the_end_is_named(files):
    with pytest.raises(DataError, match=r"ramp\.wav: lasts 1 s, but is listed to 1\.5 s"):
        measure(files["wav"], start_seconds=1.0, seconds=0.5)
    assert measure(files["wav"], start_seconds=0.5, seconds=0.5049).frames == 4000


def test_flac_that_ends_early_is_named_when_it_is_read(files):
    content = files["flac"].read_bytes()
    files["flac"].write_bytes(content[: len(content) // 2])
    stretch = measure(files["flac"])
    with pytest.raises(DataError, match=r"ramp\.flac: (is truncated|cannot be read)"):
        read(stretch)
