"""What is trained: a small, a medium and a large model of each kind, and in which forms.

Images are the embedded digits, enlarged; texts and speech are the embedded sets. What is learned
does not matter here, only that each kind's own operations run.
"""

import gzip
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from suite import Split
from suite.compose import compose
from suite.run import build_task

SIDE = 64
"""Of the enlarged digits."""
SPEECH = ("data.voices=24", "data.per_word=2")
TRANSCRIPTS = ("data.voices=12", "data.per_voice=18")

_IMAGE = ("task=image_recognition", "data=idx", "data.path={digits}")
_TEXT = ("task=text_classification",)
_SPEECH = ("task=speech_recognition", *SPEECH)
_CTC = ("task=speech_transcription", *TRANSCRIPTS)


def _attention(kind: str, width: int, depth: int, heads: int) -> tuple[str, ...]:
    return (
        f"backbone={kind}", f"backbone.width={width}", f"backbone.depth={depth}",
        f"backbone.heads={heads}",
    )  # fmt: skip


def _resnet(width: int, depth: int) -> tuple[str, ...]:
    return (
        "backbone=resnet", f"backbone.width={width}", f"backbone.depth={depth}",
        "backbone.stages=4",
    )  # fmt: skip


MODELS: dict[str, tuple[str, ...]] = {
    "image/small": (*_IMAGE, "backbone=convnet", "trainer.batch_size=64"),
    "image/medium": (*_IMAGE, *_resnet(64, 2), "trainer.batch_size=256"),
    "image/large": (*_IMAGE, *_resnet(128, 3), "trainer.batch_size=256"),
    "text/small": (*_TEXT, *_attention("transformer", 128, 4, 4), "trainer.batch_size=64"),
    "text/medium": (
        *_TEXT, "task.embedding=512", *_attention("transformer", 512, 6, 8),
        "trainer.batch_size=512",
    ),
    "text/large": (
        *_TEXT, "task.embedding=768", *_attention("transformer", 768, 12, 12),
        "trainer.batch_size=1024",
    ),
    "speech/small": (*_SPEECH, *_attention("conformer", 144, 4, 4), "trainer.batch_size=32"),
    "speech/medium": (*_SPEECH, *_attention("conformer", 256, 8, 4), "trainer.batch_size=128"),
    "speech/large": (*_SPEECH, *_attention("conformer", 512, 12, 8), "trainer.batch_size=256"),
    "transcription/medium": (*_CTC, *_attention("conformer", 256, 8, 4), "trainer.batch_size=32"),
}  # fmt: skip
"""Overrides by kind and size."""

NUMBERS: dict[str, tuple[str, ...]] = {
    "fp32": ("precision=fp32",),
    "tf32": ("precision=fp32", "precision.tf32=true"),
    "bf16": ("precision=bf16",),
    "fp16": ("precision=fp16",),
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A model in one form. number: a key of `NUMBERS`."""

    model: str
    number: str
    compiled: bool = False
    deterministic: bool = True

    @property
    def name(self) -> str:
        more = (" compiled" if self.compiled else "") + ("" if self.deterministic else " free")
        return f"{self.model} {self.number}{more}"

    def overrides(self, digits: Path) -> list[str]:
        return [
            *(one.format(digits=digits) for one in MODELS[self.model]),
            *NUMBERS[self.number],
            f"hardware.compile={str(self.compiled).lower()}",
            f"hardware.deterministic={str(self.deterministic).lower()}",
        ]


def cells(kind: str, *, every: bool = False) -> list[Cell]:
    """Return what is measured of a kind of model, the most telling first, compiling last.

    every: each size in each form; that takes half an hour instead of six minutes.
    """
    numbers = {"small": ["fp32", "bf16"], "medium": list(NUMBERS), "large": ["tf32", "bf16"]}
    names = [name for name in ("medium", "small", "large") if f"{kind}/{name}" in MODELS]
    made = [
        Cell(model=f"{kind}/{size}", number=number)
        for size in names
        for number in (NUMBERS if every else numbers[size])
    ]
    for size in names if every else names[:1]:
        model = f"{kind}/{size}"
        made.append(Cell(model=model, number="bf16", deterministic=False))
        numbers_compiled = NUMBERS if every else ("bf16", "fp32")
        made += [Cell(model=model, number=one, compiled=True) for one in numbers_compiled]
    return made


KINDS = tuple(dict.fromkeys(name.split("/")[0] for name in MODELS))


def enlarged_digits(folder: Path) -> Path:
    """Write the embedded digits, `SIDE` by `SIDE`, as idx files; return the folder."""
    made = folder / f"digits{SIDE}"
    if made.exists():
        return made
    made.mkdir(parents=True)
    task = build_task(compose(["task=image_recognition"]), torch.device("cpu"))
    for split, prefix in ((Split.TRAIN, "train"), (Split.TEST, "t10k")):
        columns = task.data.splits[split].columns
        times = SIDE // columns["pixels_BCHW"].shape[2]
        pixels = columns["pixels_BCHW"].repeat_interleave(times, 2).repeat_interleave(times, 3)
        _write_idx(made / f"{prefix}-images-idx3-ubyte.gz", pixels[:, 0].numpy())
        _write_idx(made / f"{prefix}-labels-idx1-ubyte.gz", columns["label_B"].byte().numpy())
    return made


def _write_idx(path: Path, values: np.ndarray) -> None:
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head + np.ascontiguousarray(values, np.uint8).tobytes())
