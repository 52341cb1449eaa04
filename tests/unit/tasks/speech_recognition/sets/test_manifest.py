import json

import numpy as np
import pytest
import soundfile

from suite import DataError, Split

TRANSCRIBED = ("task=speech_transcription", "data=manifest")
LABELLED = ("task=speech_recognition", "data=manifest_labelled")


@pytest.fixture
def manifest(tmp_path, write):
    """Write recordings and a manifest of them; paths in it are relative to it."""

    def make(name="train.json", texts=("yes", "no"), count=10, speakers=0, field="text", **more):
        lines = []
        for text in texts:
            for number in range(count):
                file = f"audio/{name[:-5]}-{text}-{number}.wav"
                write(tmp_path / file, 0.3)
                row = {"audio_filepath": file, "duration": 0.3, field: text, **more}
                if speakers:
                    row["speaker"] = number % speakers
                lines.append(json.dumps(row))
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return make


def names(task, split):
    return {name.rsplit("/", 1)[1] for name in task.recordings.splits[split].names}


def test_transcripts_are_read_and_split(open_set, manifest):
    task = open_set(*TRANSCRIBED, f"data.train={manifest()}")
    assert task.card().sizes == {"train": 14, "validation": 2, "test": 4}
    assert task.card().name == "train"
    assert set(task.recordings.splits[Split.TRAIN].texts) == {"yes", "no"}


def test_labels_are_read_from_the_field_that_is_asked_for(open_set, manifest):
    path = f"data.train={manifest(field='command')}"
    task = open_set(*LABELLED, path, "data.text_field=command")
    assert task.data.classes == ("no", "yes")
    with pytest.raises(
        DataError, match=r"train\.json line 1: has no 'label'.*; set data\.text_field=…"
    ):
        open_set(*LABELLED, path).card()


def test_manifests_of_splits_are_taken_as_they_are(open_set, manifest):
    train, validation, test = (
        manifest(f"{name}.json", count=count)
        for name, count in (("one", 4), ("two", 2), ("three", 3))
    )
    task = open_set(*TRANSCRIBED, f"data.train={train}", f"data.validation={validation}",
                    f"data.test={test}", "data.name=mine")  # fmt: skip
    assert task.card().sizes == {"train": 8, "validation": 4, "test": 6}
    assert task.card().name == "mine"
    assert all(name.startswith("two-") for name in names(task, Split.VALIDATION))


def test_nobody_is_in_two_splits(open_set, manifest):
    task = open_set(*LABELLED, f"data.train={manifest(field='label', speakers=5)}")
    speakers = [{int(name[-5]) % 5 for name in names(task, split)} for split in Split]
    assert all(speakers)
    assert sum(map(len, speakers)) == 5


def test_offset_and_duration_are_cut(open_set, tmp_path, write):
    ramp = np.arange(8000, dtype=np.int16)
    soundfile.write(tmp_path / "long.wav", ramp, 8000)
    rows = [
        {"audio_filepath": "long.wav", "offset": i / 10, "duration": 0.1, "text": str(i)}
        for i in range(10)
    ]
    path = tmp_path / "cuts.json"
    path.write_text("\n".join(map(json.dumps, rows)))
    options = ("task.window_seconds=0.01", f"data.train={path}", f"data.validation={path}",
               f"data.test={path}")  # fmt: skip
    for stream in ("true", "false"):
        task = open_set(*TRANSCRIBED, *options, f"data.stream={stream}")
        held = task.recordings.splits[Split.TRAIN]
        for wave, text in zip(held.waves, held.texts, strict=True):
            assert wave.tolist() == list(range(800 * int(text), 800 * int(text) + 800))
    assert held.names[3].endswith("long.wav at 0.3 s")


def test_stretches_of_one_file_stay_together(open_set, tmp_path):
    lines = []
    for number in range(8):
        wave = np.random.default_rng(number).normal(0, 3000, 4000).astype(np.int16)
        soundfile.write(tmp_path / f"{number}.wav", wave, 8000)
        lines += [
            json.dumps(
                {"audio_filepath": f"{number}.wav", "offset": at, "duration": 0.25, "text": text}
            )
            for at, text in ((0, "one"), (0.25, "two"))
        ]
    path = tmp_path / "cuts.json"
    path.write_text("\n".join(lines))
    task = open_set(*TRANSCRIBED, f"data.train={path}")
    files = [{name.split(".wav")[0] for name in names(task, split)} for split in Split]
    assert sum(map(len, files)) == 8


def test_seconds_may_be_rounded_but_not_wrong(open_set, manifest, write, tmp_path):
    path = manifest(duration=0.305)
    assert sum(open_set(*TRANSCRIBED, f"data.train={path}").card().sizes.values()) == 20
    path = manifest(duration=0.4)
    with pytest.raises(
        DataError, match=r"train-yes-1\.wav: lasts 0\.3 s, but is listed to 0\.4 s; mend the list"
    ):
        open_set(*TRANSCRIBED, f"data.train={path}").card()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: is not an object"),
        ('{"text": "a"}', "line 2: has no 'audio_filepath'"),
        ('{"audio_filepath": "a.wav"}', "line 2: has no 'text'"),
        ('{"audio_filepath": "a.wav", "text": "a", "offset": "1"}', "line 2: offset='1' is not a"),
        ('{"audio_filepath": "a.wav", "text": "a", "duration": 0}', "line 2: duration=0 must be"),
        ('{"audio_filepath": "a.wav", "text": "a", "duration": NaN}', "line 2: duration=nan must"),
    ],
)
def test_wrong_line_is_named(open_set, manifest, line, told):
    path = manifest()
    first, *rest = path.read_text().splitlines()
    path.write_text("\n".join([first, line, *rest]))
    with pytest.raises(DataError) as caught:
        open_set(*TRANSCRIBED, f"data.train={path}").card()
    assert f"{path} {told}" in str(caught.value)


def test_missing_or_empty_manifest_is_named(open_set, tmp_path):
    with pytest.raises(DataError, match=r"data\.train=.*none\.json: is not a file"):
        open_set(*TRANSCRIBED, f"data.train={tmp_path / 'none.json'}").card()
    (tmp_path / "empty.json").write_text("\n")
    with pytest.raises(DataError, match=r"empty\.json: lists no recording"):
        open_set(*TRANSCRIBED, f"data.train={tmp_path / 'empty.json'}").card()
