import importlib.metadata

import numpy as np
import pytest

from suite import DataError, OnError, Split
from tasks.speech_recognition.data import SpokenDigits, SpokenWords
from tasks.speech_recognition.speaking import resample, speak, trim
from tasks.speech_recognition.synthesis import KEYWORDS, spoken_digits, spoken_words
from tasks.speech_recognition.voices import (
    assign_splits,
    espeak_version,
    family,
    voice_splits,
    voice_variants,
)

SMALL = {"voices": 10, "words": ("yes", "no"), "per_word": 1}


def test_two_fresh_generations_are_identical(tmp_path):
    one = spoken_words(cache=tmp_path / "one", **SMALL)
    two = spoken_words(cache=tmp_path / "two", **SMALL)
    assert np.array_equal(one.samples_S, two.samples_S)
    assert one.fingerprint == two.fingerprint
    assert len(one.utterances) == 20
    other = spoken_words(cache=tmp_path / "one", seed=1, **SMALL)
    assert other.fingerprint != one.fingerprint


def test_set_is_made_once(tmp_path, monkeypatch):
    made = spoken_words(cache=tmp_path, **SMALL)
    monkeypatch.setattr(
        "tasks.speech_recognition.synthesis.speak", lambda *_: pytest.fail("made again")
    )
    assert spoken_words(cache=tmp_path, **SMALL).fingerprint == made.fingerprint
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"\.npz is damaged: delete it"):
        spoken_words(cache=tmp_path, **SMALL)


@pytest.mark.parametrize("voices", [None, 10, 30])
def test_no_voice_and_no_version_of_it_is_in_two_splits(voices):
    assigned = voice_splits(voices, seed=0)
    assert len({voice for voice, _ in assigned}) == len(assigned)
    by_family = {}
    for voice, split in assigned:
        assert by_family.setdefault(family(voice), split) == split
    shares = [split for _, split in assigned]
    assert shares.count("train") / len(shares) == pytest.approx(0.7, abs=0.12)
    assert shares.count("test") >= 1
    assert shares.count("validation") >= 1


def test_voices_of_the_utterances_keep_to_their_split(tmp_path):
    made = spoken_words(cache=tmp_path, **SMALL)
    voices = {split: {u.voice for u in made.utterances if u.split == split.value}
              for split in Split}  # fmt: skip
    assert all(voices.values())
    assert not voices[Split.TRAIN] & (voices[Split.TEST] | voices[Split.VALIDATION])
    assert not voices[Split.TEST] & voices[Split.VALIDATION]


def test_families_are_versions_of_one_voice():
    assert family("steph3") == family("steph") == "steph"
    assert family("m1") != family("m2")
    names = [f"f{i}" for i in range(1, 6)] + ["steph", "steph2"]
    assert dict(assign_splits(names, 0)).keys() == set(names)
    assert dict(assign_splits(names, 0)) != dict(assign_splits(names, 3))


def test_voices_sound_like_persons():
    variants = voice_variants()
    assert len(variants) > 60
    assert not [name for name in variants if "whisper" in name.lower() or "robo" in name.lower()]


def test_too_few_voices_are_refused():
    with pytest.raises(DataError, match=r"need 3 to .* voices, not 2"):
        voice_splits(2, 0)


def test_missing_synthesizer_is_one_clear_line(monkeypatch, tmp_path):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    with pytest.raises(DataError, match=r"pip install 'triathlon\[synth\]'") as caught:
        SpokenWords(voices=10, per_word=1, on_error=OnError.stop).load(
            tmp_path, sample_rate=8000, shortest=256
        )
    assert "\n" not in str(caught.value)


def test_set_is_labelled_synthetic_and_sized(tmp_path):
    source = SpokenDigits(voices=10, per_voice=2, shortest=2, longest=3, on_error=OnError.stop)
    loaded = source.load(tmp_path, sample_rate=8000, shortest=256)
    assert loaded.card.synthetic
    assert espeak_version() in loaded.card.version
    assert sum(loaded.card.sizes.values()) == 20
    for split in Split:
        assert len(loaded.splits[split]) == loaded.card.sizes[split.value] > 0
        for wave in loaded.splits[split].waves:
            assert 800 < len(wave) < 40_000
    other = source.load(tmp_path, sample_rate=4000, shortest=128)
    for split in Split:
        for a, b in zip(loaded.splits[split].waves, other.splits[split].waves, strict=True):
            assert abs(len(a) / 2 - len(b)) <= 1


def test_strings_are_as_long_as_asked(tmp_path):
    made = spoken_digits(cache=tmp_path, voices=10, per_voice=10, shortest=3, longest=3)
    texts = [u.text for u in made.utterances]
    digits = [t for t in texts if t.split()[0] in KEYWORDS[:10]]
    assert {len(t.split()) for t in digits} == {3}
    assert 0.6 < len(digits) / len(texts) < 0.95


def test_refused_voice_is_named():
    with pytest.raises(DataError, match=r"stopped after 0 of 1: .*voice 'nobody'"):
        speak([("yes", "nobody", 150, 50)], 8000)


def test_trim_leaves_thirty_milliseconds():
    rate = 1000
    sound = np.zeros(1000, np.int16)
    sound[400:500] = 10_000
    trimmed = trim(sound, rate)
    assert len(trimmed) == 100 + 2 * 30
    assert (trimmed[30:130] == 10_000).all()
    assert len(trim(np.zeros(100, np.int16), rate)) == 0


def test_resample_removes_what_would_alias():
    time = np.arange(22_050) / 22_050
    low = (np.sin(2 * np.pi * 1000 * time) * 10_000).astype(np.int16)
    high = (np.sin(2 * np.pi * 6000 * time) * 10_000).astype(np.int16)
    assert len(resample(low, 8000)) == 8000
    assert resample(low, 8000).std() == pytest.approx(low.std(), rel=0.02)
    assert resample(high, 8000)[100:-100].std() < 0.01 * high.std()
