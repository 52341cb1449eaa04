import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from suite import DataError, OnError, Split
from suite.compose import compose
from suite.run import build_task
from tasks.speech_recognition.waves import InMemory, OnDisk

RATE = {"sample_rate": 8000, "shortest": 256}


def load(source, path, **options):
    return source(path, **options).load(path, **RATE)


@pytest.fixture
def folder(recordings):
    recordings(split="train", suffix=".flac")
    recordings(split="validation", count=2)
    return recordings(split="test", count=3, rate=16_000)


def test_on_disk_equals_in_memory(source, folder):
    held, stored = load(source, folder, stream=False), load(source, folder, stream=True)
    assert held.card == stored.card
    for split in Split:
        one, other = held.splits[split], stored.splits[split]
        assert (type(one.waves), type(other.waves)) == (InMemory, OnDisk)
        assert (one.names, one.texts) == (other.names, other.texts)
        assert torch.equal(one.waves.length_N, other.waves.length_N)
        for wave, again in zip(one.waves, other.waves, strict=True):
            assert torch.equal(wave, again)


def test_auto_streams_what_does_not_fit(source, folder):
    # 24 + 4 + 6 recordings of 2,400 samples, two bytes each.
    needed = 34 * 2400 * 2 / 2**30
    for gib, kind in ((needed, InMemory), (needed * 0.999, OnDisk)):
        loaded = load(source, folder, stream="auto", memory_gib=gib)
        assert {type(loaded.splits[split].waves) for split in Split} == {kind}


def test_fingerprint_does_not_depend_on_the_rate_but_on_sound_and_text(source, folder):
    at_8 = load(source, folder)
    at_16 = source(folder).load(folder, sample_rate=16_000, shortest=256)
    assert at_16.card.fingerprint == at_8.card.fingerprint
    table = folder / "test" / "metadata.csv"
    table.write_text(table.read_text().replace("no00.wav,no", "no00.wav,yes"))
    other_text = load(source, folder).card.fingerprint
    file = folder / "train" / "yes00.flac"
    samples, rate = soundfile.read(file, dtype="int16")
    samples[100] += 1
    soundfile.write(file, samples, rate)
    other_sound = load(source, folder, stream=True).card.fingerprint
    assert len({at_8.card.fingerprint, other_text, other_sound}) == 3


def test_some_of_what_is_on_disk(source, folder):
    waves = load(source, folder, stream=True).splits[Split.TEST].waves
    some = waves.only([4, 1])
    assert [torch.equal(a, b) for a, b in zip(some, (waves[4], waves[1]), strict=True)] == [
        True
    ] * 2
    assert some.content != waves.content
    again = pickle.loads(pickle.dumps(some))  # as to a process that reads ahead
    assert torch.equal(again[0], waves[4])


@pytest.mark.parametrize("stream", [True, False])
def test_what_headers_show_is_skipped_and_named(source, folder, stream):
    damaged = folder / "train" / "no03.flac"
    damaged.write_bytes(b"not a recording")
    soundfile.write(folder / "test" / "no00.wav", np.ones(511, np.int16), 16_000)
    with pytest.raises(
        DataError, match=r"no03\.flac: cannot be read .*, or set data\.on_error=skip"
    ):
        load(source, folder, stream=stream)
    loaded = load(source, folder, stream=stream, on_error=OnError.skip)
    assert loaded.card.sizes == {"train": 23, "validation": 4, "test": 6}
    assert [one.name for one in loaded.card.skipped] == [str(damaged)]
    # 256 samples at half the rate are just enough; one fewer is not.
    soundfile.write(folder / "test" / "no00.wav", np.ones(510, np.int16), 16_000)
    loaded = load(source, folder, stream=stream, on_error=OnError.skip)
    assert loaded.card.sizes["test"] == 5


def test_damage_behind_the_header_names_the_file_when_it_is_read(source, folder):
    file = folder / "train" / "no03.flac"
    file.write_bytes(file.read_bytes()[:-300])
    stored = load(source, folder, stream=True).splits[Split.TRAIN]
    with pytest.raises(DataError, match=r"no03\.flac: .*, or set data\.on_error=skip"):
        _ = stored.waves[stored.names.index(str(file))]
    with pytest.raises(DataError, match=r"no03\.flac: .*, or set data\.on_error=skip"):
        load(source, folder, stream=False)
    kept = load(source, folder, stream=False, on_error=OnError.skip).splits[Split.TRAIN]
    assert len(kept) == 23
    assert int(kept.waves.length_N.sum()) == len(kept.waves.rows.flat)


def test_skipping_in_a_stream_is_skipping_in_memory(source, folder, monkeypatch):
    for name in ("no03.flac", "yes05.flac"):
        file = folder / "train" / name
        content = bytearray(file.read_bytes())
        content[-100] ^= 8  # behind a sound header
        file.write_bytes(bytes(content))
    held, stored = (
        load(source, folder, stream=stream, on_error=OnError.skip) for stream in (False, True)
    )
    assert held.card == stored.card
    assert [Path(one.name).name for one in stored.card.skipped] == ["yes05.flac", "no03.flac"]
    assert [one.label for one in stored.card.skipped] == ["yes", "no"]
    for wave, again in zip(
        held.splits[Split.TRAIN].waves, stored.splits[Split.TRAIN].waves, strict=True
    ):
        assert torch.equal(wave, again)
    # What was found is kept until a file changes.
    monkeypatch.setattr("tasks.speech_recognition.checking.read_whole", lambda stretch: 1 / 0)
    assert load(source, folder, stream=True, on_error=OnError.skip).card == stored.card


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_same_streamed_or_not(folder, workers):
    (folder / "train" / "no03.flac").write_bytes(b"not a recording")
    overrides = ["task=speech_recognition", "data=audiofolder", f"data.path={folder}",
                 f"cache={folder}", "data.on_error=skip", "trainer.batch_size=5",
                 "trainer.eval_batch_size=4", f"hardware.workers={workers}"]  # fmt: skip
    held, stored = (
        build_task(compose([*overrides, f"data.stream={stream}"]), torch.device("cpu"))
        for stream in ("false", "true")
    )
    for make in (
        lambda task: islice(task.train_batches(seed=3, skip=2), 7),
        lambda task: task.eval_batches(Split.TEST),
    ):
        for one, other in zip(make(held), make(stored), strict=True):
            assert (one.examples, one.units) == (other.examples, other.units)
            assert set(one) == set(other) >= {"wave_BS", "length_B", "label_B"}
            for name in one:
                assert torch.equal(one[name], other[name])
