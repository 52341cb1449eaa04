"""Small sets of tones, in the very forms that the standard sets are published in."""

import csv
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from suite.compose import compose
from suite.run import build_task
from suite.task import Task

Builder = Callable[..., Path]


def sound(name: str, seconds: float = 0.1, rate: int = 8000) -> np.ndarray:
    """Return a tone with noise that no other name has, int16."""
    seed = zlib.crc32(name.encode())
    draw = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    wave = 9_000 * np.sin(2 * np.pi * (200 + seed % 1000) * time) + draw.normal(0, 300, len(time))
    return wave.astype(np.int16)


@pytest.fixture
def write() -> Callable[..., Path]:
    def write_(file: Path, seconds: float = 0.1, rate: int = 8000, **how: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(file, sound(file.stem, seconds, rate), rate, subtype="PCM_16", **how)
        return file

    return write_


@pytest.fixture
def open_set(cache: Path) -> Callable[..., Task]:
    """Return the task of a set, opened as a run would open it."""

    def open_(*overrides: str) -> Task:
        return build_task(compose([*overrides, f"cache={cache}"]), torch.device("cpu"))

    return open_


SPEAKERS = ("george", "jackson", "theo")


def digits() -> Iterator[tuple[str, str, int]]:
    """Three digits of three speakers, fifteen times each."""
    for digit in "012":
        for speaker in SPEAKERS:
            for index in range(15):
                yield digit, speaker, index


@pytest.fixture
def fsdd(tmp_path: Path, write: Builder) -> Path:
    """The repository's form."""
    root = tmp_path / "free-spoken-digit-dataset"
    for digit, speaker, index in digits():
        write(root / "recordings" / f"{digit}_{speaker}_{index}.wav")
    return root


def audiofolder(
    root: Path, write: Builder, split: str, rows: list[dict[str, str]], **how: float
) -> None:
    for row in rows:
        write(root / split / row["file_name"], **how)
    with (root / split / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def fsdd_audiofolder(tmp_path: Path, write: Builder) -> Path:
    root = tmp_path / "fsdd"
    rows = [
        {"file_name": f"{d}_{s}_{i}.flac", "label": d, "speaker": s, "index": str(i)}
        for d, s, i in digits()
    ]
    for split, part in (
        ("test", [row for row in rows if int(row["index"]) < 5]),
        ("train", [row for row in rows if int(row["index"]) >= 5]),
    ):
        audiofolder(root, write, split, part)
    return root


SPELLED = {
    "train": [
        (f"an{n}-{speaker}-b", text, speaker)
        for speaker in ("fash", "fbbh", "mblb", "mcel")
        for n, text in enumerate(("YES", "G O", "B A O Z FIVE"), 251)
    ],
    "test": [("an406-fcaw-b", "RUBOUT G M", "fcaw"), ("an407-mjwl-b", "ERASE C", "mjwl")],
}


@pytest.fixture
def an4(tmp_path: Path) -> Builder:
    """The tree of the archives: sphere files, or samples without a header."""

    def make(suffix: str = ".sph", endian: str = "big", seconds: float = 0.5) -> Path:
        root = tmp_path / "an4"
        (root / "etc").mkdir(parents=True)
        for part, folder in (("train", "an4_clstk"), ("test", "an4test_clstk")):
            ids, lines = [], []
            for name, text, speaker in SPELLED[part]:
                ids.append(f"{folder}/{speaker}/{name}")
                file = root / "wav" / f"{ids[-1]}{suffix}"
                file.parent.mkdir(parents=True, exist_ok=True)
                samples = sound(name, seconds, 16_000)
                if suffix == ".raw":
                    file.write_bytes(samples.astype(">i2" if endian == "big" else "<i2").tobytes())
                else:
                    soundfile.write(file, samples, 16_000, "PCM_16", "BIG", "NIST")
                # The archive marks the ends of sentences in training only.
                lines.append(f"<s> {text} </s> ({name})" if part == "train" else f"{text} ({name})")
            (root / "etc" / f"an4_{part}.fileids").write_text("\n".join(ids) + "\n")
            (root / "etc" / f"an4_{part}.transcription").write_text("\n".join(lines) + "\n")
        return tmp_path

    return make


@pytest.fixture
def an4_audiofolder(tmp_path: Path, write: Builder) -> Path:
    root = tmp_path / "an4_audiofolder"
    for split, spelled in SPELLED.items():
        rows = [{"file_name": f"{n}.flac", "transcription": t, "speaker": s} for n, t, s in spelled]
        audiofolder(root, write, split, rows, seconds=0.5, rate=16_000)
    return root


@pytest.fixture
def librispeech(tmp_path: Path, write: Builder) -> Builder:
    """The tree that openslr.org's archives unpack to."""

    def make(*subsets: str, speakers: int = 2, seconds: float = 0.6) -> Path:
        for number, subset in enumerate(subsets):
            for speaker in range(speakers):
                chapter = f"{100 * (number + 1) + speaker}", f"{1000 + speaker}"
                folder = tmp_path.joinpath("LibriSpeech", subset, *chapter)
                lines = []
                for index, text in enumerate(("A TALE", "OF TWO", "IT'S I")):
                    name = f"{'-'.join(chapter)}-{index:04}"
                    write(folder / f"{name}.flac", seconds, 16_000)
                    lines.append(f"{name} {text}")
                (folder / f"{'-'.join(chapter)}.trans.txt").write_text("\n".join(lines) + "\n")
        return tmp_path

    return make


@pytest.fixture
def speech_commands(tmp_path: Path, write: Builder) -> Path:
    """The main archive: words, lists, noise; six speakers, two of them in the lists."""
    root = tmp_path / "speech_commands_v0.02"
    words = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "bed", "tree")
    listed: dict[str, list[str]] = {"validation": [], "testing": []}
    for word in words:
        for number in range(6):
            name = f"{word}/{number:08x}_nohash_0.wav"
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, sound(name), 8000)
            if number < 2:
                listed["testing" if number else "validation"].append(name)
    for split, names in listed.items():
        (root / f"{split}_list.txt").write_text("\n".join(names) + "\n")
    for noise in ("pink_noise", "running_tap"):
        write(root / "_background_noise_" / f"{noise}.wav", 15.0)
    return root


@pytest.fixture
def published_test(speech_commands: Path, write: Builder) -> Path:
    """The archive of the published test of twelve classes, beside the main one."""
    root = speech_commands.parent / "speech_commands_test_set_v0.02"
    labels = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
    for label in (*labels, "_unknown_", "_silence_"):
        # Some files of the archive end in .wav.wav.
        write(
            root / label / f"{label}_{1}.wav.wav"
            if label == "go"
            else root / label / f"{label}.wav"
        )
    return root
