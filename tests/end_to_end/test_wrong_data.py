"""What files that cannot be used get: a line that names the file, the fault and the cure."""

import csv
import json
import struct

import numpy as np
import pytest
import soundfile
from PIL import Image

SHORT = ["trainer=smoke", "trainer.steps=2", "backbone=mlp", "backbone.width=8", "tracking=none"]
IMAGES = ["task=image_recognition", "data=imagefolder", "data.path=images", *SHORT]
TEXTS = ["task=text_classification", "data=text_files", "task.embedding=8", *SHORT]
WORDS = ["task=speech_recognition", "data=audiofolder", "data.path=words", *SHORT]
SPOKEN = [
    "task=speech_transcription", "data=audiofolder_transcribed", "data.path=words", *SHORT
]  # fmt: skip


@pytest.fixture
def images(tmp_path):
    """Twelve images of each of two classes."""
    noise = np.random.default_rng(0)
    for label in ("cat", "dog"):
        folder = tmp_path / "images" / label
        folder.mkdir(parents=True)
        for i in range(12):
            pixels = noise.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "images"


@pytest.fixture
def words(tmp_path):
    """Recordings of two words, half a second each, in folders of splits."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 16), ("validation", 4), ("test", 4)):
        folder = tmp_path / "words" / split
        folder.mkdir(parents=True)
        rows = [(f"{i}.wav", ("yes", "no")[i % 2]) for i in range(count)]
        for name, _ in rows:
            soundfile.write(folder / name, noise.normal(0, 0.1, 4000), 8000)
        write_table(folder / "metadata.csv", rows)
    return tmp_path / "words"


def write_table(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "transcription"])
        writer.writerows([name, label, label] for name, label in rows)


@pytest.mark.parametrize(
    "arguments",
    [IMAGES, [*TEXTS, "data.path=texts"], WORDS, SPOKEN],
    ids=["images", "texts", "words", "transcripts"],
)
def test_missing_path(inside, arguments):
    inside(*arguments).refused("data.path=")


def test_empty_folder(inside, tmp_path):
    for name in ("images", "texts", "words"):
        (tmp_path / name).mkdir()
    inside(*IMAGES).refused("images")
    inside(*TEXTS, "data.path=texts").refused("texts")
    inside(*WORDS).refused("words: has neither train/metadata.csv nor metadata.csv")


def test_corrupt_image_stops(inside, images):
    (images / "cat" / "5.png").write_bytes(b"\x89PNG\r\n\x1a\nnot an image")
    inside(*IMAGES).refused("cat/5.png", "data.on_error=skip")


def test_corrupt_image_is_skipped_and_named(inside, images):
    (images / "cat" / "5.png").write_bytes(b"\x89PNG\r\n\x1a\nnot an image")
    said = inside(*IMAGES, "data.on_error=skip", "data.max_skipped=0.1")
    assert said.code == 0, said
    assert "skipped 1 of train: see " in said.error
    ((split, name, label),) = skipped(images.parent)
    assert (split, name, label) == ("train", "cat/5.png", "cat")


def test_more_than_may_be_skipped_is_named_with_its_split(inside, images):
    (images / "cat" / "5.png").write_bytes(b"?")
    inside(*IMAGES, "data.on_error=skip").refused(
        "images: 1 of ", " samples of train cannot be used", "above data.max_skipped=0.01",
        "cat/5.png: cannot be read as an image",
    )  # fmt: skip
    assert [name for _, name, _ in skipped(images.parent)] == ["cat/5.png"]


def test_truncated_recording_stops(inside, words):
    file = words / "train" / "3.wav"
    file.write_bytes(file.read_bytes()[:2000])
    inside(*WORDS).refused("train/3.wav: is truncated", "data.on_error=skip")


def test_truncated_recording_is_skipped_and_named(inside, words):
    file = words / "train" / "3.wav"
    file.write_bytes(file.read_bytes()[:2000])
    said = inside(*WORDS, "data.on_error=skip", "data.max_skipped=0.1")
    assert said.code == 0, said
    assert skipped(words.parent) == [("train", "words/train/3.wav", "no")]


def test_recording_with_a_sample_rate_of_zero(inside, words):
    file = words / "train" / "3.wav"
    content = bytearray(file.read_bytes())
    content[24:28] = struct.pack("<I", 0)
    file.write_bytes(bytes(content))
    inside(*WORDS).refused("train/3.wav", "data.on_error=skip")


def test_recording_shorter_than_a_frame(inside, words):
    soundfile.write(words / "train" / "3.wav", np.zeros(100), 8000)
    inside(*WORDS).refused("train/3.wav", "shorter than one frame", "data.on_error=skip")


def test_label_of_speech_that_training_lacks(inside, words):
    write_table(words / "test" / "metadata.csv", [("0.wav", "yes"), ("1.wav", "maybe")])
    inside(*WORDS).refused("test/1.wav", "'maybe' does not occur in training", "on_error=skip")
    said = inside(*WORDS, "data.on_error=skip", "data.max_skipped=0.5")
    assert said.code == 0, said


def test_transcript_longer_than_its_frames(inside, words):
    rows = [(f"{i}.wav", "yes") for i in range(15)] + [("15.wav", "yes and no " * 20)]
    write_table(words / "train" / "metadata.csv", rows)
    inside(*SPOKEN).refused("train/15.wav", "data.on_error=skip")


def test_table_without_the_column(inside, tmp_path):
    (tmp_path / "texts.csv").write_text("text,lable\n" + "hello,en\nhallo,de\n" * 20)
    inside(*TEXTS, "data.path=texts.csv").refused(
        "texts.csv: has no column 'label'", "did you mean 'lable'?", "data.label_column="
    )


def test_label_of_a_text_that_training_lacks(inside, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    rows = "".join(f"hello {i},en\nhallo {i},de\n" for i in range(20))
    (folder / "train.csv").write_text("text,label\n" + rows)
    (folder / "test.csv").write_text("text,label\nbonjour,fr\n")
    inside(*TEXTS, "data.path=texts").refused("test.csv row 1: label 'fr'", "not occur in training")


def skipped(folder):
    """Return split, name and label of what the only run in `folder` has skipped.

    The list is kept with the run, the journal has its counts and the record too.
    """
    (path,) = folder.glob("results/runs/*/record.json")
    lines = (path.parent / "skipped.jsonl").read_text().splitlines()
    found = [(one["split"], one["name"], one["label"]) for one in map(json.loads, lines)]
    events = [json.loads(e) for e in (path.parent / "journal.jsonl").read_text().splitlines()]
    assert "skipped.jsonl" in [event.get("path") for event in events]
    expected = {s: [split for split, *_ in found].count(s) for s in ("train", "validation", "test")}
    metrics = next(e["values"] for e in events if "data/skipped_train" in e.get("values", {}))
    assert metrics == {f"data/skipped_{split}": count for split, count in expected.items()}
    assert json.loads(path.read_text())["data_card"]["skipped"] == expected
    return found
