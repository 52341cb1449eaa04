"""What everybody trains: a tiny, a small and a medium model for each modality.

The model is the same module for all contenders. Data comes in two forms:

- *ours*: what the suite's task serves, batches cut from tensors in memory, buckets of like lengths,
  features computed in batches as part of the model;
- *plain*: what a user of the peers writes, a `Dataset` of examples that prepares each by itself
  (torchvision's transforms, tokens as they are, torchaudio's mel spectrogram), padded to the
  longest of the batch by the collate function of a `DataLoader`.

Nothing is augmented. Legend: N examples, B batch, C channels, H height, W width, S samples, M mel
bands, T positions or frames.
"""

import gzip
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, IterableDataset

from suite import Batch, Examples, Ragged, Split, Task
from suite.compose import compose
from suite.config import RunConfig
from suite.data.order import training_order
from suite.run import build_model, build_task

CPU = torch.device("cpu")
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.01
EVERY = 5
"""Steps from one note of the loss to the next."""
WARM_UP = 16
"""Steps left out: kernels are chosen, and the suite counts its FLOPs."""
SEEDS = 32
"""To choose from."""
BATCH_SIZE = {"medium": 32}
"""By size; others have 64."""

_COMMON = (
    "seed=0", "schedule=constant", "optimizer=adamw", f"optimizer.lr={LEARNING_RATE}",
    f"optimizer.weight_decay={WEIGHT_DECAY}", "trainer.clip_norm=null",
    f"trainer.log_every={EVERY}", "trainer.evaluate_every=1000000", "hardware=cpu_single",
    "tracking=none",
)  # fmt: skip
_IMAGES = ("task=image_recognition", "task.shift=0")
_TEXTS = ("task=text_classification",)
_SPEECH = (
    "task=speech_recognition", "task.noise=0", "task.warp=0", "task.shift=0", "task.speed=0",
    "task.frequency_masks=0", "task.time_masks=0",
)  # fmt: skip
_ENLARGED = ("data=idx", "data.path={digits}")
EMPTY = "image/empty"

WORKLOADS: dict[str, tuple[str, ...]] = {
    "image/tiny": (*_IMAGES, "backbone=mlp", "backbone.width=64", "backbone.depth=1"),
    "image/small": (*_IMAGES, *_ENLARGED, "backbone=convnet"),
    "image/medium": (*_IMAGES, *_ENLARGED, "backbone=resnet"),
    "text/tiny": (*_TEXTS, "task.embedding=64", "backbone=mlp", "backbone.width=64",
                  "backbone.depth=1"),
    "text/small": (*_TEXTS, "backbone=lstm", "backbone.width=96"),
    "text/medium": (*_TEXTS, "task.embedding=256", "backbone=transformer", "backbone.width=256"),
    "speech/tiny": (*_SPEECH, "backbone=mlp", "backbone.width=64", "backbone.depth=1"),
    "speech/small": (*_SPEECH, "backbone=convnet", "backbone.width=16", "backbone.wide=32"),
    "speech/medium": (*_SPEECH, "backbone=transformer", "backbone.width=256"),
    EMPTY: (*_IMAGES, "backbone=mlp"),
}  # fmt: skip
"""Overrides by modality and size; the empty model is one vector, whatever the backbone."""
MODELS = tuple(name for name in WORKLOADS if name != EMPTY)


@dataclass(frozen=True)
class Workload:
    """One model on one data set.

    folder: for data that is made here. steps: of each run. times: each training example is there so
    often.
    """

    name: str
    folder: Path
    steps: int
    times: int = 1

    @property
    def batch_size(self) -> int:
        return BATCH_SIZE.get(self.name.split("/")[1], 64)

    @cached_property
    def seed(self) -> int:
        """The seed whose measured batches are padded to lengths as in all of an epoch, on average.

        In buckets the lengths of a few batches are far from those of an epoch, for better or worse.
        """
        length_N = self.task.data.splits[Split.TRAIN].length_N
        if length_N is None:
            return 0

        def off(seed: int) -> float:
            order = training_order(len(length_N), self.batch_size, seed=seed, length_N=length_N)
            most = max(self.steps, len(length_N) // self.batch_size)
            lengths = np.array([int(length_N[index_B].max()) for _, index_B in islice(order, most)])
            return abs(float(lengths[WARM_UP : self.steps].mean() - lengths.mean()))

        return min(range(SEEDS), key=off)

    @cached_property
    def config(self) -> RunConfig:
        overrides = [one.format(digits=enlarged_digits(self.folder)) for one in
                     WORKLOADS[self.name]]  # fmt: skip
        length = [f"trainer.steps={self.steps}", f"trainer.batch_size={self.batch_size}"]
        return compose([*_COMMON, *overrides, *length])

    @cached_property
    def task(self) -> Task:
        task: Any = build_task(self.config, CPU)
        if self.times > 1:
            parts = {**task.data.splits, Split.TRAIN: repeated(task.data.splits, self.times)}
            task.__dict__["data"] = replace(task.data, splits=parts)
        return task

    def model(self) -> nn.Module:
        """Return the model with its first weights."""
        if self.name == EMPTY:
            return Empty()
        return build_model(self.config, self.task, CPU)

    def plain_model(self) -> nn.Module:
        """Return the model without what the plain data set does itself, laid out as it comes."""
        model = plain_layout(self.model())
        stem: Any = getattr(model, "stem", None)
        if hasattr(stem, "pixels"):
            stem.pixels = _Prepared("values_BCHW")
        elif hasattr(stem, "log_mel"):
            stem.log_mel = _Prepared("values_BMT", "frames_B")
        return model

    def learner(self, model: nn.Module) -> "Learner":
        return Learner(self.task, model)

    def our_batches(self) -> Iterator[dict[str, Tensor]]:
        """Yield the task's training batches without end."""
        for batch in self.task.train_batches(seed=self.seed):
            yield dict(batch)

    def our_loader(self) -> DataLoader:
        """Return the task's batches, as peers want them."""
        return DataLoader(_Endless(self.our_batches), batch_size=None)

    def plain_loader(self) -> DataLoader:
        """Return what a user would write: shuffled, padded to the longest of the batch."""
        kind = {"image": Pictures, "text": Texts, "speech": Sounds}[self.name.split("/")[0]]
        data = kind(self.task)
        return DataLoader(data, self.batch_size, shuffle=True, collate_fn=data.collate)

    def floor_batches(self) -> Iterator[dict[str, Tensor]]:
        """Yield batches as a bare loop would cut them: from tensors padded once, shuffled."""
        columns = self.task.data.splits[Split.TRAIN].columns
        whole: dict[str, Tensor] = {}
        for name, column in columns.items():
            if isinstance(column, Tensor):
                whole[name] = column
            else:
                whole[name], whole[column.length_name] = column.take(torch.arange(len(column)))
        size = len(whole["label_B"])
        long = [name for name in whole if name in ("tokens_BT", "wave_BS")]
        while True:
            for index_B in torch.randperm(size).split(self.batch_size):
                batch = {name: column[index_B] for name, column in whole.items()}
                for name in long:
                    batch[name] = batch[name][:, : int(batch["length_B"].max())]
                yield batch


def plain_layout(model: nn.Module) -> nn.Module:
    """Return the model with torch's own order of axes."""
    return model.to(memory_format=torch.contiguous_format)


class Learner(nn.Module):
    """From a batch's tensors to the mean loss, in a dictionary as transformers' models return it.

    examples: how many it has seen in training.
    """

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self.task = task
        self.model = model
        self.examples = 0

    def forward(self, **tensors: Tensor) -> dict[str, Tensor]:
        examples = len(tensors["label_B"])
        self.examples += examples
        loss = self.task.loss(self.model, Batch(tensors, examples, 0.0))
        return {"loss": loss.total / loss.count}


class Empty(nn.Module):
    """Ten numbers that are learned; of a step nothing is left but what surrounds the model."""

    def __init__(self) -> None:
        super().__init__()
        self.logit_K = nn.Parameter(torch.zeros(10))

    def forward(self, batch: Batch) -> Tensor:
        return self.logit_K.expand(len(batch["label_B"]), -1)


class _Prepared(nn.Module):
    """What the data set has prepared, by name. hop: read where a spectrogram's module is."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def forward(self, batch: Batch) -> Any:
        values = tuple(batch[name] for name in self.names)
        return values if len(values) > 1 else values[0]


class _Endless(IterableDataset):
    def __init__(self, batches: Callable[[], Iterator[dict[str, Tensor]]]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return self.batches()


class Pictures(Dataset):
    """Images, each normalised by torchvision's transforms as it is fetched."""

    def __init__(self, task: Task) -> None:
        from torchvision.transforms import v2

        columns = task.data.splits[Split.TRAIN].columns
        self.pixels_NCHW, self.label_N = columns["pixels_BCHW"], columns["label_B"]
        values = self.pixels_NCHW / 255
        axes = (0, 2, 3)
        self.transform = v2.Compose(
            [
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(values.mean(axes).tolist(), values.std(axes).tolist()),
            ]
        )

    def __len__(self) -> int:
        return len(self.label_N)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.pixels_NCHW[index]), self.label_N[index]

    @staticmethod
    def collate(rows: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        values, labels = zip(*rows, strict=True)
        return {"values_BCHW": torch.stack(values), "label_B": torch.stack(labels)}


class Texts(Dataset):
    """Texts as lists of tokens, padded as they are put together."""

    def __init__(self, task: Task) -> None:
        columns = task.data.splits[Split.TRAIN].columns
        tokens = columns["tokens_BT"]
        self.rows = [tokens.row(index).tolist() for index in range(len(tokens))]
        self.labels = columns["label_B"].tolist()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        return self.rows[index], self.labels[index]

    @staticmethod
    def collate(rows: list[tuple[list[int], int]]) -> dict[str, Tensor]:
        tokens, labels = zip(*rows, strict=True)
        padded = pad_sequence([torch.tensor(row) for row in tokens], batch_first=True)
        lengths = torch.tensor([len(row) for row in tokens])
        return {"tokens_BT": padded, "length_B": lengths, "label_B": torch.tensor(labels)}


class Sounds(Dataset):
    """Recordings, each made a log-mel spectrogram by torchaudio as it is fetched."""

    def __init__(self, task: Task) -> None:
        import torchaudio

        columns, config = task.data.splits[Split.TRAIN].columns, task.config
        self.waves, self.label_N = columns["wave_BS"], columns["label_B"]
        window = round(config.window_seconds * config.sample_rate)
        self.transform = torchaudio.transforms.MelSpectrogram(
            config.sample_rate,
            n_fft=2 ** (window - 1).bit_length(),
            win_length=window,
            hop_length=round(config.hop_seconds * config.sample_rate),
            f_min=60.0,
            n_mels=config.mels,
        )

    def __len__(self) -> int:
        return len(self.label_N)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        values_MT = (self.transform(self.waves.row(index) / 32768) + 1e-6).log()
        values_MT = (values_MT - values_MT.mean()) / (values_MT.std() + 1e-3)
        return values_MT, self.label_N[index]

    @staticmethod
    def collate(rows: list[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        values, labels = zip(*rows, strict=True)
        padded = pad_sequence([each.T for each in values], batch_first=True).transpose(1, 2)
        frames = torch.tensor([each.shape[1] for each in values])
        return {"values_BMT": padded, "frames_B": frames, "label_B": torch.stack(labels)}


def repeated(splits: Any, times: int) -> Examples:
    """Return the training split with each example `times` times."""
    part = splits[Split.TRAIN]
    columns: dict[str, Tensor | Ragged] = {}
    for name, column in part.columns.items():
        if isinstance(column, Ragged):
            flat, length_N = column.flat.repeat(times), column.length_N.repeat(times)
            columns[name] = Ragged(flat, length_N, column.length_name)
        else:
            columns[name] = column.repeat(times, *[1] * (column.ndim - 1))
    length_N = None if part.length_N is None else part.length_N.repeat(times)
    return Examples(columns, part.unit_N.repeat(times), length_N)


def enlarged_digits(folder: Path) -> Path:
    """Write the embedded digits four times as large, 32 by 32, as idx files; return the folder."""
    made = folder / "digits32"
    if made.exists():
        return made
    made.mkdir(parents=True)
    task = build_task(compose(["task=image_recognition", "backbone=mlp", *_COMMON]), CPU)
    for split, prefix in ((Split.TRAIN, "train"), (Split.TEST, "t10k")):
        columns = task.data.splits[split].columns
        pixels = columns["pixels_BCHW"].repeat_interleave(4, 2).repeat_interleave(4, 3)
        _write_idx(made / f"{prefix}-images-idx3-ubyte.gz", pixels[:, 0].numpy())
        _write_idx(made / f"{prefix}-labels-idx1-ubyte.gz", columns["label_B"].byte().numpy())
    return made


def _write_idx(path: Path, values: np.ndarray) -> None:
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(head + np.ascontiguousarray(values, np.uint8).tobytes())
