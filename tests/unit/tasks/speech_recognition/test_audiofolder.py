from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from suite import DataError, OnError, Split

RATE = {"sample_rate": 8000, "shortest": 256}


def _load(source, **options):
    return source.load(Path(), **{**RATE, **options})


def _texts(loaded):
    return sorted(text for split in Split for text in loaded.splits[split].texts)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_recordings_are_read_and_split_within_labels(recordings, source, suffix):
    loaded = _load(source(recordings(suffix=suffix)))
    assert loaded.card.sizes == {"train": 18, "validation": 2, "test": 4}
    assert sorted(loaded.splits[Split.TEST].texts) == ["no", "no", "yes", "yes"]
    assert _texts(loaded) == ["no"] * 12 + ["yes"] * 12
    for split in Split:
        for wave in loaded.splits[split].waves:
            assert (wave.dtype, len(wave)) == (torch.int16, 2400)
    assert (loaded.card.name, loaded.card.synthetic) == ("audio", False)


def test_wav_and_flac_of_the_same_sound_have_the_same_fingerprint(recordings, source, tmp_path):
    wav = _load(source(recordings()))
    for file in (tmp_path / "audio").glob("*.wav"):
        samples, rate = soundfile.read(file, dtype="int16")
        soundfile.write(file.with_suffix(".flac"), samples, rate)
        file.unlink()
    table = tmp_path / "audio" / "metadata.csv"
    table.write_text(table.read_text().replace(".wav", ".flac"))
    by_hash = {w.numpy().tobytes() for s in Split for w in wav.splits[s].waves}
    flac = _load(source(tmp_path / "audio"))
    assert {w.numpy().tobytes() for s in Split for w in flac.splits[s].waves} == by_hash


def test_channels_are_averaged(recordings, source):
    folder = recordings()
    file = folder / "yes00.wav"
    left = np.full(2400, 1000, np.int16)
    right = np.full(2400, 3001, np.int16)
    soundfile.write(file, np.stack([left, right], 1), 8000)
    loaded = _load(source(folder))
    waves = {n: w for s in Split for n, w in zip(loaded.splits[s].names, loaded.splits[s].waves,
                                                 strict=True)}  # fmt: skip
    assert waves[str(file)].unique().tolist() == [2000]  # 2000.5, rounded to even


@pytest.mark.parametrize("rate", [16_000, 11_025])
def test_other_rates_are_resampled(recordings, source, rate):
    loaded = _load(source(recordings(rate=rate)))
    wave = loaded.splits[Split.TRAIN].waves[0].float()
    assert len(wave) == pytest.approx(2400, abs=1)
    # The tone keeps its pitch: a multiple of 10 Hz from 300 up.
    spectrum = torch.fft.rfft(wave).abs()
    hertz = int(spectrum.argmax()) * 8000 / len(wave)
    peak = float(spectrum.max() / spectrum.sum())
    assert hertz >= 296
    assert peak > 0.2


def test_folders_of_splits_are_taken_as_they_are(recordings, source):
    recordings(split="train", count=10)
    recordings(split="dev", count=2)
    loaded = _load(source(recordings(split="test", count=3)))
    assert loaded.card.sizes == {"train": 20, "validation": 4, "test": 6}


def test_nobody_is_in_two_splits(recordings, source):
    loaded = _load(source(recordings(count=40, speakers=10)))

    def speakers(split):
        return {int(Path(name).stem[-2:]) % 10 for name in loaded.splits[split].names}

    train, validation, test = map(speakers, (Split.TRAIN, Split.VALIDATION, Split.TEST))
    assert not train & validation | train & test | validation & test
    assert len(test) == 2
    assert validation


@pytest.mark.parametrize(
    "damage", ["truncated", "garbage", "empty", "missing", "no samples", "rate of zero"]
)
def test_damaged_recording_is_named_and_stops_or_is_skipped(recordings, source, damage):
    folder = recordings()
    file = folder / "no03.wav"
    content = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(content[:1000])
    elif damage == "garbage":
        file.write_bytes(b"not a recording" * 100)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "missing":
        file.unlink()
    elif damage == "no samples":
        soundfile.write(file, np.zeros(0, np.int16), 8000)
    else:
        # The sample rate lies at byte 24 of the header.
        file.write_bytes(content[:24] + bytes(4) + content[28:])
    with pytest.raises(DataError, match=r"no03\.wav: .*, or set data\.on_error=skip") as caught:
        _load(source(folder))
    assert "\n" not in str(caught.value)
    if damage == "truncated":
        assert "is truncated" in str(caught.value)
    if damage == "rate of zero":
        assert "rate" in str(caught.value)
    loaded = _load(source(folder, on_error=OnError.skip))
    assert sum(loaded.card.sizes.values()) == 23
    (skipped,) = loaded.card.skipped
    assert skipped.name == str(file)


def test_truncated_flac_is_named(recordings, source):
    folder = recordings(suffix=".flac")
    file = folder / "no03.flac"
    file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"no03\.flac: "):
        _load(source(folder))


def test_recording_shorter_than_a_frame_is_named(recordings, source):
    folder = recordings()
    soundfile.write(folder / "no03.wav", np.ones(255, np.int16), 8000)
    with pytest.raises(
        DataError,
        match=r"no03\.wav: 255 samples are shorter than one frame \(256\); lower task\.window_sec",
    ):
        _load(source(folder))


def test_recording_without_text_is_named(recordings, source):
    folder = recordings(texts=("yes", ""))
    with pytest.raises(DataError, match=r"none00\.wav: has no label.*, or set data\.on_error=skip"):
        _load(source(folder))


def test_missing_column_is_named_with_the_nearest(recordings, source):
    folder = recordings(column="labels")
    with pytest.raises(
        DataError, match=r"metadata\.csv: has no column 'label'; did you mean 'labels'\?.*text_colu"
    ):
        _load(source(folder))
    assert len(_texts(_load(source(folder, text_column="labels")))) == 24
    table = folder / "metadata.csv"
    table.write_text(table.read_text().replace("file_name", "file"))
    with pytest.raises(DataError, match="has no column 'file_name'"):
        _load(source(folder, text_column="labels"))


def test_wrong_places_are_named(tmp_path, source):
    with pytest.raises(DataError, match=r"data\.path=.*nowhere: is not a folder"):
        _load(source(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"has neither train/metadata\.csv nor metadata\.csv"):
        _load(source(tmp_path))
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=r"train/metadata\.csv: does not exist"):
        _load(source(tmp_path))
    (tmp_path / "train" / "metadata.csv").write_text("file_name,label\n")
    with pytest.raises(DataError, match="lists no file"):
        _load(source(tmp_path))


def test_nothing_readable_is_named(recordings, source):
    folder = recordings(count=3)
    for file in folder.glob("*.wav"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match="no recording is left for train"):
        _load(source(folder, on_error=OnError.skip))


def test_table_from_a_spreadsheet_with_a_byte_order_mark_is_read(recordings, source):
    table = recordings() / "metadata.csv"
    table.write_text(table.read_text(), encoding="utf-8-sig")
    assert len(_texts(_load(source(table.parent)))) == 24


def test_row_with_too_few_cells_is_named(recordings, source):
    table = recordings() / "metadata.csv"
    table.write_text(table.read_text().replace("no03.wav,no", "no03.wav"))
    with pytest.raises(DataError, match=r"no03\.wav: has no label"):
        _load(source(table.parent))
