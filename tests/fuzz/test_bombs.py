"""Small files that claim or hold more than memory: one line, within a gibibyte, at once."""

import subprocess
import sys

import pytest

_ROOM = 2**30
"""Bytes of address space beyond what the imports take; each bomb is of four times as many."""

_COMMON = """
import csv, gzip, io, json, resource, struct, sys, zlib
from pathlib import Path
import numpy as np, pyarrow as pa, pyarrow.parquet as pq, soundfile, torch
import scipy.io, torchaudio.functional
from PIL import Image
from suite import DataError, OnError, Sieve, Split
from tasks.image_recognition.data import Cifar10, Idx, ImageFolder, ImageParquet, Svhn
from tasks.image_recognition.data.idx import read_idx
from tasks.image_recognition.data.svhn import read_mat
from tasks.speech_recognition.reading import measure, read
from tasks.text_classification.data import IMDb, TextFiles
from suite.data.lines import csv_rows

root, huge = Path(sys.argv[1]), 2**32

def limit(room):
    "Allow so many more bytes of address space; any without a number."
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + room if room else -1
    resource.setrlimit(resource.RLIMIT_AS, (most, -1))

def texts(file):
    return TextFiles(path=str(file), name=None, text_column="text", label_column="label",
                     validation=0.2, test=0.2, on_error=OnError.stop).load(root / "cache")

def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(
        ">I", zlib.crc32(kind + content))

def png(width, height, data):
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head)
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))

def pack(wbits, head=b""):
    "Return four gibibytes of zeros, packed; a block that was flushed can be said again."
    squeeze = zlib.compressobj(9, wbits=wbits)
    first = squeeze.compress(head) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return first + (squeeze.compress(bytes(2**20)) + squeeze.flush(zlib.Z_FULL_FLUSH)) * 2**12

def sparse(name, size, head=b""):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        opened.write(head)
        opened.truncate(size)
    return file

def images(content=None, size=None):
    for label in ("cat", "dog"):
        for i in range(4):
            file = sparse(f"pets/{label}/{i}.png", 0)
            Image.fromarray(np.full((5, 4), i * 9, np.uint8)).save(file)
    file = root / "pets/cat/3.png"
    file.write_bytes(content) if content else sparse("pets/cat/3.png", size)
    return ImageFolder(path=str(root / "pets"), name=None, size=4, channels=None, validation=0.25,
                       test=0.25, max_pixels=50_000_000, on_error=OnError.stop)
"""

BOMBS = {
    "an image of many pixels": (
        "source = images(png(60_000, 60_000, b'?'))",
        "source.load(root / 'cache')",
        "3.png: cannot be read as an image",
    ),
    "an image whose data is a bomb": (
        "source = images(png(4, 5, pack(15)))",
        "source.load(root / 'cache')",
        "",  # Pillow stops where the pixels are there
    ),
    "an image file without end": (
        "source = images(size=huge)",
        "source.load(root / 'cache')",
        "3.png: cannot be read as an image (its 4294967296 bytes are above 536870912)",
    ),
    "an idx header": (
        "file = sparse('x-ubyte', 99, bytes([0, 0, 8, 3]) + b'\\xff' * 12)",
        "read_idx(file, axes=3)",
        "x-ubyte: holds 83 bytes",
    ),
    "gzip of more than the header says": (
        "file = root / 'x.gz'; file.write_bytes(pack(31, bytes([0, 0, 8, 1, 0, 0, 0, 9])))",
        "read_idx(file, axes=1)",
        "x.gz: holds more than 9 bytes",
    ),
    "an array in MATLAB's format": (
        "file = root / 'x.mat'; scipy.io.savemat(file, {'X': np.zeros((32, 32, 3, 1), np.uint8),"
        "'y': np.ones((1, 1), np.uint8)});"
        "content = file.read_bytes();"
        "file.write_bytes(content.replace(struct.pack('<4i', 32, 32, 3, 1),"
        "struct.pack('<4i', 32, 32, 3, 2**30), 1))",
        "read_mat(file)",
        "x.mat: cannot be read (above",
    ),
    "a wav header": (
        "file = root / 'x.wav'; soundfile.write(file, np.zeros(99), 8000);"
        "c = bytearray(file.read_bytes()); c[40:44] = c[4:8] = b'\\xff\\xff\\xff\\x7f';"
        "file.write_bytes(bytes(c))",
        "read(measure(file))",
        "x.wav: is truncated",
    ),
    "a flac header": (
        "file = root / 'x.flac'; soundfile.write(file, np.zeros(9999), 8000);"
        "c = bytearray(file.read_bytes()); c[22:26] = b'\\x7f\\xff\\xff\\xff';"
        "file.write_bytes(bytes(c))",
        "read(measure(file, max_seconds=3600))",
        "x.flac: ",
    ),
    "a rate that needs a filter of gigabytes": (
        "file = root / 'x.wav'; soundfile.write(file, np.zeros(99), 47_999)",
        "measure(file, sample_rate=16_001)",
        "x.wav: its sample rate of 47999 cannot be brought to 16001",
    ),
    "a cell of gigabytes": (
        "file = sparse('x.csv', huge, b'text,label\\na,')",
        "texts(file)",
        "x.csv: line 2 has more than 16777216 characters",
    ),
    "an open quote over gigabytes": (
        "file = root / 'x.csv'; block = b'text,label\\n' * 2**16;"
        "opened = file.open('wb'); opened.write(b'text,label\\n\"');"
        "[opened.write(block) for _ in range(40)]; opened.close()",
        "texts(file)",
        "x.csv: cannot be read behind row 1 (field larger than field limit (16777216))",
    ),
    "a line of json": (
        "file = sparse('x.jsonl', huge, b'{\"text\": \"')",
        "texts(file)",
        "x.jsonl: line 1 has more than 16777216 characters",
    ),
    "a list of json": (
        "file = sparse('x.json', huge, b'[\\n')",
        "texts(file)",
        "x.json: is a list of 4294967296 bytes",
    ),
    "deep json": (
        "file = root / 'x.jsonl'; file.write_bytes(b'{\"text\":' * 10**6)",
        "texts(file)",
        "x.jsonl row 1: is not JSON",
    ),
    "a text that parquet repeats": (
        "file = root / 'x.parquet'; pq.write_table(pa.table({'text':"
        " pa.array(['x' * 2**20]).take(pa.array([0] * 600)), 'label': [0, 1] * 300}), file)",
        "texts(file)",
        "no text is left for validation",  # equal ones stay together
    ),
    "pages of parquet": (
        "file = root / 'x.parquet'; pq.write_table(pa.table({'text': ['x' * 2**19] * 900,"
        " 'label': [0] * 900}), file, use_dictionary=False, compression='zstd')",
        "texts(file)",
        "x.parquet: cannot be read as parquet",
    ),
    "a review without end": (
        "[sparse(f'{s}/{k}/{i}.txt', 1, b'a') for s in ('train', 'test') for k in ('pos', 'neg')"
        " for i in range(9)]; sparse('train/neg/1.txt', huge, b'a')",
        "IMDb(path=str(root), download=False, id='', config=None, revision='', validation=0.2,"
        " on_error=OnError.stop).load(root / 'cache')",
        "1.txt: has 16777217 characters, above 16777216",
    ),
    "an archive": (
        "import tarfile; file = root / 'cifar-10-python.tar.gz';"
        "info = tarfile.TarInfo('cifar-10-batches-py/data_batch_1');"
        "info.size = huge; file.write_bytes(pack(31, info.tobuf()))",
        "Cifar10(path=str(root), download=False, validation=0.1).load(root / 'cache')",
        "data_batch_1 is no file of at most 209,715,200 bytes",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What each bomb came to: all in one process, as imports cost more than they do."""
    folder = tmp_path_factory.mktemp("bombs")
    parts = [_COMMON]
    for number, (make, read, _) in enumerate(BOMBS.values()):
        parts.append(
            f"root = Path(sys.argv[1], '{number}'); root.mkdir()\n{make}\n"
            f"pa.default_memory_pool().release_unused()\nlimit({_ROOM})\n"
            f"try:\n    {read}\n    print()\n"
            "except DataError as error:\n    print(error)\n"
            "except BaseException as error:\n    print('other:', type(error).__name__, error)\n"
            "limit(0)\n"
        )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "".join(parts), str(folder)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(BOMBS), done.stdout
    return dict(zip(BOMBS, lines, strict=True))


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(told, name):
    expected = BOMBS[name][2]
    assert expected in told[name]
    assert bool(told[name]) == bool(expected), told[name]
