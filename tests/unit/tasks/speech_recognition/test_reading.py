import hashlib

import numpy as np
import pytest
import soundfile
import torch
from torchaudio.functional import resample as sinc_resample

from suite import DataError
from tasks.speech_recognition.reading import at_rate, digest, kept_digest, measure, read, read_whole

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


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_are_the_sound_and_not_its_rounding(files, subtype):
    file = files["wav"].with_name("float.wav")
    soundfile.write(file, RAMP / 32768, 8000, subtype=subtype)
    assert np.array_equal(read(measure(file))[:, 0], RAMP)
    assert digest(read(measure(file))) == kept_digest(measure(files["flac"]))
    wild = np.array([2.0, -3e38, 0.5] * 100, np.float32)
    soundfile.write(file, wild, 8000, subtype=subtype)
    assert read(measure(file))[:3, 0].tolist() == [32767, -32768, 16384]
    wild[7] = np.nan
    soundfile.write(file, wild, 8000, subtype=subtype)
    with pytest.raises(DataError, match=r"float\.wav: holds samples that are no numbers"):
        read(measure(file))


def test_a_flac_that_holds_another_sound_than_it_tells(files):
    content = bytearray(files["flac"].read_bytes())
    content[26] ^= 1  # the first byte of the MD5
    files["flac"].write_bytes(bytes(content))
    stretch = measure(files["flac"])
    with pytest.raises(DataError, match=r"ramp\.flac: has another MD5 than its header says"):
        read_whole(stretch)


def test_half_a_sample_without_a_header(files):
    files["raw"].write_bytes(files["raw"].read_bytes()[:-1])
    with pytest.raises(DataError, match=r"ramp\.raw: is truncated"):
        measure(files["raw"], **how("raw"))


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (999, "has a sample rate of 999"),
        (2**31 - 1, "has a sample rate of 2147483647"),
        (44_101, "its sample rate of 44101 cannot be brought to 16000"),
    ],
)
def test_rates_of_damaged_headers(files, rate, told):
    content = bytearray(files["wav"].read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    files["wav"].write_bytes(bytes(content))
    with pytest.raises(DataError, match=told):
        measure(files["wav"], sample_rate=16_000)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000])
def test_usual_rates_are_brought_to_each_other(files, rate):
    soundfile.write(files["wav"], RAMP, rate)
    for wanted in (8000, 16_000, 22_050, 44_100):
        assert measure(files["wav"], sample_rate=wanted).rate == rate


def test_a_recording_may_last_so_long_and_a_list_may_take_pieces_of_a_longer_one(files):
    with pytest.raises(DataError, match=r"lasts 1 s in 1 channels, above data\.max_seconds=0\.9"):
        measure(files["wav"], max_seconds=0.9)
    assert measure(files["wav"], max_seconds=0.9, seconds=0.5).frames == 4000


def test_a_flac_header_that_claims_what_cannot_be_there(files):
    content = bytearray(files["flac"].read_bytes())
    content[21] |= 0x0F  # the upper bits of the number of samples
    content[22:26] = b"\xff" * 4
    files["flac"].write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"claims 68719476735 samples in \d+ bytes"):
        measure(files["flac"])
