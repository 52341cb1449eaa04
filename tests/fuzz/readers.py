"""Small valid sets of every format that is read, and how each is read: what the fuzzers spoil.

A set is bytes by file name, one of them to be spoiled. Reading it gives samples that are checked
against what any sample must be, or one `TriathlonError` of one line.
"""

import csv
import io
import json
import resource
import signal
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
import torch
from PIL import Image

from suite import DataSet, OnError, Sieve, Split, TriathlonError
from tasks.image_recognition.data import Idx, ImageFolder, ImageParquet, Svhn
from tasks.image_recognition.data.plain_pickle import load_plain
from tasks.speech_recognition.audiofolder import AudioFolder
from tasks.speech_recognition.labelled import labelled
from tasks.speech_recognition.recordings import SpeechSet
from tasks.speech_recognition.sets import AN4, LibriSpeech, Manifest, SpeechCommands
from tasks.text_classification.data import SST2GLUE, TREC, AGNews, IMDb, TextFiles, TextSet

SECONDS = 20
"""After which reading a spoiled file of a few kilobytes hangs, on the slowest machine."""
_ROOM = 3 * 2**30
"""Bytes of address space that reading may take beyond what the process has."""

_PLACE = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""In memory where there is such a place: readers wait for the disk with all that they keep."""

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Format:
    """A set to spoil. files: of the whole set; spoiled: which of them; read: checks it too."""

    files: Callable[[], Files]
    spoiled: tuple[str, ...]
    read: Callable[[Path, Path, OnError, bool], None]


class Hangs(BaseException):
    """Reading took too long. Not an `Exception`: readers turn those into errors of theirs."""


def try_reading(
    form: Format, name: str, content: bytes, *, on_error: OnError, stream: bool
) -> TriathlonError | None:
    """Read a set with one file spoiled; return the error that is told, None where there is none.

    Any other error, a wrong message or a wrong sample is raised.
    """
    with tempfile.TemporaryDirectory(dir=_PLACE) as place:
        root = Path(place, "set")
        for path, held in {**form.files(), name: content}.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(held)
        with _limits():
            try:
                form.read(root, Path(place, "cache"), on_error, stream)
            except TriathlonError as error:
                told = str(error)
                assert told, "an empty message"
                assert "\n" not in told, f"more than one line: {told!r}"
                assert len(told) < 10_000, f"{len(told)} characters: {told[:300]!r}…"
                told.encode()
                return error
    return None


@contextmanager
def _limits() -> Iterator[None]:
    def hang(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"no end after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * resource.getpagesize() + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room if hard < 0 else min(room, hard), hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)


# Images.


def _check_images(data: DataSet) -> None:
    for split in Split:
        held = 0
        for batch in data.splits[split].evaluation(8):
            pixels_BCHW, label_B = batch["pixels_BCHW"], batch["label_B"]
            assert pixels_BCHW.dtype == torch.uint8
            assert pixels_BCHW.shape[0] == len(label_B) == batch.examples
            assert pixels_BCHW.numel() < 2**28
            assert 0 <= int(label_B.min()) <= int(label_B.max()) < len(data.classes)
            held += batch.examples
        assert held == data.card.sizes[split.value] > 0
    _check_skipped(data.card.skipped)


def _check_skipped(skipped: Any) -> None:
    for one in skipped:
        assert one.name
        assert one.reason
        assert "\n" not in one.reason, one.reason


@cache
def _pictures(kind: str, **options: Any) -> Files:
    draw = np.random.default_rng(0)
    files = {}
    for split, count in (("train", 3), ("val", 1), ("test", 1)):
        for label in ("cat", "dog"):
            for number in range(count):
                stream = io.BytesIO()
                pixels = draw.integers(0, 256, (9, 7, 3), dtype=np.uint8)
                image = Image.fromarray(pixels)
                image = image.convert("P") if kind == "gif" else image
                image.save(stream, {"jpg": "jpeg"}.get(kind, kind), **options)
                files[f"{split}/{label}/{number}.{kind}"] = stream.getvalue()
    return files


_ENCODED: dict[str, Any] = {
    "size": None, "channels": None, "validation": 0.25, "test": 0.25, "max_pixels": 10_000,
}  # fmt: skip


def _read_folder(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    # One image in another size would say nothing about its bytes.
    options = {**_ENCODED, "size": 6}
    source = ImageFolder(path=str(root), name=None, on_error=on_error, stream=stream, **options)
    _check_images(source.load(kept))


def _pictures_of(kind: str, **options: Any) -> Format:
    return Format(
        lambda: _pictures(kind, **options),
        (f"train/dog/1.{kind}", f"test/cat/0.{kind}"),
        _read_folder,
    )


def _table_of(columns: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    table = pa.table(dict(columns))
    pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, stream)
    return stream.getvalue()


@cache
def _image_tables() -> Files:
    pictures = list(_pictures("png").values())
    features = {"label": {"_type": "ClassLabel", "names": ["cat", "dog"]}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return {
        f"{split}-0.parquet": _table_of(
            {
                "image": [{"bytes": one, "path": None} for one in pictures[:count]],
                "label": [i % 2 for i in range(count)],
            },
            metadata,
        )
        for split, count in (("train", 8), ("test", 2))
    }


def _read_image_tables(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    source = ImageParquet(
        path=str(root), name=None, image_column=None, label_column=None, on_error=on_error,
        stream=stream, **{**_ENCODED, "size": 6},
    )  # fmt: skip
    _check_images(source.load(kept))


def _idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@cache
def _idx_files(packed: bool) -> Files:
    draw = np.random.default_rng(0)
    files = {}
    for prefix, count in (("train", 30), ("t10k", 4)):
        images = _idx(draw.integers(0, 256, (count, 5, 4), dtype=np.uint8))
        labels = _idx(np.arange(count, dtype=np.uint8) % 2)
        for name, content in (("images-idx3", images), ("labels-idx1", labels)):
            if packed:
                deflate = zlib.compressobj(wbits=31)
                content = deflate.compress(content) + deflate.flush()
            files[f"{prefix}-{name}-ubyte{'.gz' if packed else ''}"] = content
    return files


def _read_idx(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    _check_images(Idx(path=str(root), name=None, validation=0.1, on_error=on_error).load(kept))


@cache
def _mat_files() -> Files:
    from scipy.io import savemat

    draw = np.random.default_rng(0)
    files = {}
    for part, count in (("train", 30), ("test", 10)):
        stream = io.BytesIO()
        pixels = draw.integers(0, 4, (32, 32, 3, count), dtype=np.uint8)
        labels = (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None]
        savemat(stream, {"X": pixels, "y": labels}, do_compression=True)
        files[f"{part}_32x32.mat"] = stream.getvalue()
    return files


def _read_mat(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    source = Svhn(path=str(root), download=False, validation=0.2, on_error=on_error)
    _check_images(source.load(kept))


@cache
def _pickles() -> Files:
    import pickle

    pixels = np.zeros((2, 12), np.uint8)
    held = {"data": pixels, "labels": [0, 1], "names": ["cat", "dog"]}
    return {"batch": pickle.dumps(held, protocol=4)}


def _read_pickle(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    load_plain((root / "batch").read_bytes(), "batch")


# Speech.


def _check_speech(speech: SpeechSet) -> None:
    for split in Split:
        recordings = speech.splits[split]
        assert len(recordings) == speech.card.sizes[split.value] > 0
        lengths = recordings.waves.length_N.tolist()
        for wave, length, text in zip(recordings.waves, lengths, recordings.texts, strict=True):
            assert (wave.dtype, len(wave)) == (torch.int16, length)
            assert length >= 32
            assert text.strip() == text != ""
            text.encode()
    _check_skipped(speech.card.skipped)


_HELD: dict[str, Any] = {"memory_gib": 0.1, "max_seconds": 60.0}
_HEARD: dict[str, Any] = {"sample_rate": 8000, "shortest": 32}


def _sound(number: int, kind: str, subtype: str) -> bytes:
    draw = np.random.default_rng(number)
    stream = io.BytesIO()
    soundfile.write(stream, draw.normal(0, 0.1, 400), 8000, format=kind, subtype=subtype)
    return stream.getvalue()


def _rows(header: list[str], rows: list[list[str]], **dialect: Any) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, **dialect).writerows([header, *rows] if header else rows)
    return stream.getvalue().encode()


@cache
def _recordings(suffix: str, kind: str, subtype: str) -> Files:
    files: dict[str, bytes] = {}
    for split, count in (("train", 6), ("validation", 2), ("test", 2)):
        names = [f"{number}.{suffix}" for number in range(count)]
        for number, name in enumerate(names):
            files[f"{split}/{name}"] = _sound(number, kind, subtype)
        rows = [[name, ("yes", "no")[i % 2], f"s{i % 3}"] for i, name in enumerate(names)]
        files[f"{split}/metadata.csv"] = _rows(["file_name", "label", "speaker"], rows)
    return files


def _read_audiofolder(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    source = AudioFolder(
        path=str(root), name=None, text_column="label", group_column="speaker", validation=0.2,
        test=0.2, on_error=on_error, stream=stream, **_HELD,
    )  # fmt: skip
    _check_speech(labelled(source.load(kept, **_HEARD), Sieve(on_error)))


def _recordings_of(suffix: str, kind: str, subtype: str) -> Format:
    return Format(
        lambda: _recordings(suffix, kind, subtype),
        (f"train/3.{suffix}", f"test/0.{suffix}"),
        _read_audiofolder,
    )


@cache
def _manifests() -> Files:
    files = dict(_recordings("wav", "WAV", "PCM_16"))
    for split in ("train", "test"):
        rows = [
            {"audio_filepath": name, "text": "yes no", "duration": 0.04, "offset": 0.005}
            for name in files
            if name.startswith(split) and name.endswith("wav")
        ]
        files[f"{split}.json"] = "".join(json.dumps(row) + "\n" for row in rows).encode()
    return files


def _read_manifests(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    source = Manifest(
        train=str(root / "train.json"), validation=None, test=str(root / "test.json"), name=None,
        root=None, text_field="text", group_field="speaker", validation_share=0.2, test_share=0.2,
        on_error=on_error, stream=stream, **_HELD,
    )  # fmt: skip
    _check_speech(source.load(kept, **_HEARD))


@cache
def _an4() -> Files:
    files = {}
    for part, count in (("train", 4), ("test", 2)):
        ids = [f"an4_clstk/{part}{i}/{part}{i}" for i in range(count)]
        for number, one in enumerate(ids):
            files[f"wav/{one}.sph"] = _sound(number, "NIST", "PCM_16")
        lines = [f"<s> yes no </s> ({Path(one).name})" for one in ids]
        files[f"etc/an4_{part}.fileids"] = "\n".join(ids).encode()
        files[f"etc/an4_{part}.transcription"] = "\n".join(lines).encode()
    return files


def _published(**more: Any) -> dict[str, Any]:
    return {"download": False, **_HELD, **more}


def _read_an4(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    options = _published(validation=0.4, stream=stream, on_error=on_error)
    _check_speech(AN4(path=str(root), **options).load(kept, **_HEARD))


@cache
def _libri() -> Files:
    files = {}
    for subset in ("train-clean-100", "dev-clean", "test-clean"):
        names = [f"1-2-{number:04}" for number in range(3)]
        for number, name in enumerate(names):
            files[f"{subset}/1/2/{name}.flac"] = _sound(number, "FLAC", "PCM_16")
        lines = [f"{name} HOW ARE YOU" for name in names]
        files[f"{subset}/1/2/1-2.trans.txt"] = "\n".join(lines).encode()
    return files


def _read_libri(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    options = _published(
        train=["train-clean-100"], validation="dev-clean", test="test-clean", stream=stream,
        on_error=on_error,
    )  # fmt: skip
    _check_speech(LibriSpeech(path=str(root), **options).load(kept, **_HEARD))


@cache
def _commands() -> Files:
    files: dict[str, bytes] = {}
    for word in ("yes", "no"):
        for number in range(4):
            files[f"{word}/{number}_nohash_0.wav"] = _sound(number, "WAV", "PCM_16")
    for name, number in (("validation_list.txt", 1), ("testing_list.txt", 2)):
        files[name] = "".join(f"{w}/{number}_nohash_0.wav\n" for w in ("yes", "no")).encode()
    return files


def _read_commands(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
    options = _published(stream=stream, on_error=on_error)
    speech = SpeechCommands(path=str(root), **options).load(kept, **_HEARD)
    _check_speech(labelled(speech, Sieve(on_error)))


# Texts.


def _check_texts(texts: TextSet) -> None:
    for split in Split:
        part = texts.splits[split]
        assert len(part.texts) == len(part.labels) == texts.card.sizes[split.value] > 0
        assert all(0 <= label < len(texts.classes) for label in part.labels)
        for text in part.texts:
            assert text.strip()
            text.encode()
    for name in texts.classes:
        assert name.strip()
        assert name != "nan"
        name.encode()
    _check_skipped(texts.card.skipped)


_PAIRS = [(f"a film, number {i}", ("good", "bad")[i % 2]) for i in range(30)]


@cache
def _texts(suffix: str) -> Files:
    rows = [list(pair) for pair in _PAIRS]
    objects = [{"text": text, "label": label} for text, label in _PAIRS]
    content = {
        "csv": lambda: _rows(["text", "label"], rows),
        "tsv": lambda: _rows(["text", "label"], rows, delimiter="\t"),
        "json": lambda: json.dumps(objects).encode(),
        "jsonl": lambda: "\n".join(map(json.dumps, objects)).encode(),
        "parquet": lambda: _table_of({"text": [t for t, _ in _PAIRS], "label": [0, 1] * 15}),
    }[suffix]()
    return {f"films.{suffix}": content}


def _texts_of(suffix: str) -> Format:
    def read(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
        source = TextFiles(
            path=str(root / f"films.{suffix}"), name=None, text_column="text",
            label_column="label", validation=0.2, test=0.2, on_error=on_error,
        )  # fmt: skip
        _check_texts(source.load(kept))

    return Format(lambda: _texts(suffix), (f"films.{suffix}",), read)


@cache
def _standard_texts() -> Files:
    news = [[str(i % 4 + 1), f"title {i}", "the lead"] for i in range(30)]
    glue = [[f"a film {i}", str(i % 2)] for i in range(30)]
    questions = "\n".join(f"{('HUM', 'LOC')[i % 2]}:x Who is {i} ?" for i in range(30))
    files = {
        "ag/train.csv": _rows([], news, quoting=csv.QUOTE_ALL),
        "ag/test.csv": _rows([], news[:8], quoting=csv.QUOTE_ALL),
        "glue/train.tsv": _rows(["sentence", "label"], glue, delimiter="\t"),
        "glue/dev.tsv": _rows(["sentence", "label"], glue[:4], delimiter="\t"),
        "trec/train_5500.label": questions.encode(),
        "trec/TREC_10.label": questions.encode(),
    }
    for split in ("train", "test"):
        for label in ("pos", "neg"):
            for number in range(6):
                files[f"imdb/{split}/{label}/{number}.txt"] = f"{label} {number}".encode()
    return files


def _standard(kind: Any, folder: str, *spoiled: str) -> Format:
    def read(root: Path, kept: Path, on_error: OnError, stream: bool) -> None:
        source = kind(
            path=str(root / folder), download=False, id="", config=None, revision="",
            validation=0.2, on_error=on_error,
        )  # fmt: skip
        _check_texts(source.load(kept))

    return Format(_standard_texts, tuple(f"{folder}/{name}" for name in spoiled), read)


_WAV = ("wav", "WAV", "PCM_16")
FORMATS: dict[str, Format] = {
    "png": _pictures_of("png"),
    "jpeg": _pictures_of("jpg"),
    "gif": _pictures_of("gif"),
    "bmp": _pictures_of("bmp"),
    "tiff": _pictures_of("tiff", compression="tiff_lzw"),
    "webp": _pictures_of("webp"),
    "ppm": _pictures_of("ppm"),
    "image_parquet": Format(_image_tables, ("train-0.parquet",), _read_image_tables),
    "idx": Format(lambda: _idx_files(False), tuple(_idx_files(False)), _read_idx),
    "idx_gz": Format(lambda: _idx_files(True), tuple(_idx_files(True)), _read_idx),
    "mat": Format(_mat_files, ("train_32x32.mat", "test_32x32.mat"), _read_mat),
    "pickle": Format(_pickles, ("batch",), _read_pickle),
    "wav": _recordings_of(*_WAV),
    "wav_float": _recordings_of("wav", "WAV", "FLOAT"),
    "wav_24": _recordings_of("wav", "WAVEX", "PCM_24"),
    "flac": _recordings_of("flac", "FLAC", "PCM_16"),
    "ogg": _recordings_of("ogg", "OGG", "VORBIS"),
    "aiff": _recordings_of("aiff", "AIFF", "PCM_16"),
    "audiofolder": Format(
        lambda: _recordings(*_WAV), ("train/metadata.csv", "test/metadata.csv"), _read_audiofolder
    ),
    "manifest": Format(_manifests, ("train.json", "test.json"), _read_manifests),
    "sphere": Format(_an4, ("wav/an4_clstk/train1/train1.sph",), _read_an4),
    "an4": Format(_an4, ("etc/an4_train.fileids", "etc/an4_train.transcription"), _read_an4),
    "librispeech": Format(_libri, ("train-clean-100/1/2/1-2.trans.txt",), _read_libri),
    "speech_commands": Format(_commands, ("testing_list.txt",), _read_commands),
    **{suffix: _texts_of(suffix) for suffix in ("csv", "tsv", "json", "jsonl", "parquet")},
    "ag_news": _standard(AGNews, "ag", "train.csv", "test.csv"),
    "sst2_glue": _standard(SST2GLUE, "glue", "train.tsv", "dev.tsv"),
    "trec": _standard(TREC, "trec", "train_5500.label", "TREC_10.label"),
    "imdb": _standard(IMDb, "imdb", "train/pos/3.txt"),
}
"""By name."""

SELF_CONTAINED = {
    "png", "jpeg", "gif", "bmp", "tiff", "webp", "ppm", "wav", "wav_float", "wav_24", "flac",
    "ogg", "aiff", "sphere", "imdb",
}  # fmt: skip
"""Formats with a file for each sample: a bad one can always be skipped."""
