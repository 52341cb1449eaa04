"""Peak memory and throughput of one epoch, with images in memory and streamed.

    python benchmarks/streaming.py --limit-gib 0.25 --format folder

Makes image sets whose decoded pixels are above a limit by a fifth, once and twice as many images,
and trains an epoch on each in a process of its own. What a stream holds must not grow with the set.
"""

import argparse
import contextlib
import io
import json
import math
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

SIDE = 128
CLASSES = 10
ABOVE = 1.2
"""Decoded pixels, as a multiple of the limit."""
GIB, MIB = 2**30, 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--limit-gib", type=float, default=0.25, help="data.memory_gib")
    parser.add_argument("--format", choices=("folder", "parquet"), default="folder")
    parser.add_argument("--workers", type=int, default=1, help="hardware.workers")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(train(json.loads(arguments.child))))
        return
    images = math.ceil(ABOVE * arguments.limit_gib * GIB / (SIDE * SIDE * 3))
    columns = ("images", "decoded", "held", "start", "peak", "workers", "images/s", "seconds")
    print("".join(f"{column:>10}" for column in columns), " (sizes in MiB)")
    with tempfile.TemporaryDirectory(prefix="streaming-") as temporary:
        for times in (1, 2):
            data = Path(temporary, f"set-{times}")
            write(data, times * images, arguments.format)
            for stream in (False, True):
                options = vars(arguments) | {
                    "path": str(data),
                    "stream": stream,
                    "cache": f"{temporary}/cache-{times}-{stream}",
                    "results": temporary,
                }
                row = {
                    "images": f"{times * images:,}",
                    "decoded": f"{times * images * SIDE * SIDE * 3 / MIB:.0f}",
                    "held": "streamed" if stream else "memory",
                    **in_child(options),
                }
                print("".join(f"{row[column]:>10}" for column in columns), flush=True)


def write(folder: Path, count: int, form: str) -> None:
    """Write noisy JPEGs, a sixth of them to test on, in folders of classes or in one table."""
    folder.mkdir()
    test = count // 6
    for split, images in (("train", count - test), ("test", test)):
        if form == "folder":
            for number, content in enumerate(jpegs(images, split)):
                place = folder / split / str(number % CLASSES)
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{number}.jpg").write_bytes(content)
        else:
            write_table(folder / f"{split}.parquet", images, split)


def write_table(file: Path, images: int, split: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("image", pa.binary()), ("label", pa.int64())])
    with pq.ParquetWriter(file, schema) as writer:
        contents = jpegs(images, split)
        for start in range(0, images, 1000):
            rows = [next(contents) for _ in range(min(1000, images - start))]
            labels = [(start + number) % CLASSES for number in range(len(rows))]
            writer.write_table(pa.table([rows, labels], schema=schema))


def jpegs(count: int, split: str) -> Iterator[bytes]:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(len(split))
    for _ in range(count):
        coarse = Image.fromarray(noise.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(buffer, "JPEG")
        yield buffer.getvalue()


def in_child(options: dict[str, object]) -> dict[str, str]:
    command = [sys.executable, __file__, "--child", json.dumps(options)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def train(options: dict[str, object]) -> dict[str, str]:
    import torchmetrics  # noqa: F401  (what a run imports anyway belongs to the start)

    from suite.compose import compose
    from suite.run import run

    kind = "imagefolder" if options["format"] == "folder" else "image_parquet"
    config = compose(
        [
            "task=image_recognition", f"data={kind}", f"data.path={options['path']}",
            f"data.stream={str(options['stream']).lower()}",
            f"data.memory_gib={options['limit_gib']}", f"hardware.workers={options['workers']}",
            "backbone=mlp", "backbone.width=16", "backbone.depth=1", "trainer.epochs=1",
            f"trainer.batch_size={options['batch_size']}", "tracking=none", "hardware.threads=1",
            f"cache={options['cache']}", f"results={options['results']}",
        ]
    )  # fmt: skip
    start_mib = peak_mib()
    start = time.perf_counter()
    with Watched() as workers:
        record = run(config)
    return {
        "start": f"{start_mib:.0f}",
        "peak": f"{peak_mib():.0f}",
        "workers": f"{workers.most / MIB:.0f}",
        "images/s": f"{record.throughput['examples_per_second']:,.0f}",
        "seconds": f"{time.perf_counter() - start:.1f}",
    }


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


class Watched:
    """Samples what child processes hold of their own; what they share with the parent is not."""

    def __enter__(self) -> "Watched":
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            held = 0
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    held += child.memory_full_info().uss
            self.most = max(self.most, held)


if __name__ == "__main__":
    main()
