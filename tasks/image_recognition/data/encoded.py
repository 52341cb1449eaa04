"""From encoded images by split to a data set: decoded in memory, or streamed.

Both are the same data set: splits are held out, and the fingerprint is taken, by the content keys
of the encoded images, so that neither needs all of them decoded. The fingerprint is over these
keys, the labels and the shape of the decoded images; see `content_key` for what a key is over.

Legend: N images, B batch, C channels, H height, W width, K bytes of a key.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite import (
    DataError,
    DataSet,
    Examples,
    OnError,
    Sieve,
    Split,
    StreamedExamples,
    fingerprint,
)
from tasks.image_recognition.data.assembly import About, card_of
from tasks.image_recognition.data.decoding import Decoding, Look
from tasks.image_recognition.data.images import Images
from tasks.image_recognition.data.labels import UNUSABLE
from tasks.image_recognition.data.scanning import content_keys, unreadable
from tasks.image_recognition.data.splitting import carve, describe_splits, shares, usable
from tasks.image_recognition.data_config import Channels

_GIB = 2**30

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Catalogue:
    """What a source of encoded images consists of, before any of it is decoded.

    label_N: of each image. parts: indices of the images of each split that came with the data.
    faults: what is wrong with images whose label cannot be used, by their index.
    """

    images: Images
    label_N: Indices
    parts: Mapping[Split, Indices]
    classes: Sequence[str]
    faults: Mapping[int, str] = field(default_factory=dict)

    def report(self, faults: Mapping[int, str], sieve: Sieve) -> None:
        """Hand images that cannot be used to the sieve, in their order."""
        for split, index_N in self.parts.items():
            for index in np.intersect1d(index_N, np.array(list(faults), np.int64)).tolist():
                label = int(self.label_N[index])
                known = self.classes[label] if label != UNUSABLE else None
                sieve.leave_out(split, self.images.name(index), faults[index], label=known)


@dataclass(frozen=True, kw_only=True)
class EncodedSource:
    """Options of a source of encoded images; see `EncodedImagesConfig`."""

    size: int | None
    channels: Channels | None
    validation: float
    test: float = 0.0
    max_pixels: int
    stream: bool | str = "auto"
    memory_gib: float = 4.0
    on_error: OnError = OnError.stop

    def open(self, catalogue: Catalogue, about: About, cache: Path) -> DataSet:
        """Return the data set; splits that did not come with the data are held out."""
        images, label_N = catalogue.images, catalogue.label_N
        sieve = Sieve(self.on_error)
        held, faults = self._hold(images, cache)
        faults = {**faults, **catalogue.faults}
        catalogue.report(faults, sieve)
        kept_N = np.setdiff1d(np.arange(len(images)), np.array(list(faults), np.int64))
        if not len(kept_N):
            raise DataError(
                f"{about.name}: none of {len(images)} images can be read; first: {images.name(0)}"
            )
        key_NK = content_keys(images, kept_N, cache)
        parts, notes = self._divide(catalogue, kept_N, key_NK, about.name, sieve)
        splits: dict[Split, Examples | StreamedExamples] = {}
        for split in Split:
            index_N = parts[split]
            digest = hashlib.sha256(f"{held.shape}".encode())
            digest.update(key_NK[index_N].tobytes() + label_N[index_N].tobytes())
            splits[split] = held.serve(index_N, label_N[index_N], digest.hexdigest())
        parted = int((key_NK[kept_N, -1] == 0).sum())
        known = (
            f"fingerprint over size and 48 KiB of {parted} images, all of the others"
            if parted
            else ""
        )
        card = card_of(
            about.noting(known),
            fingerprint=fingerprint(splits),
            sizes={split: len(part) for split, part in splits.items()},
            notes=notes,
            published_test=Split.TEST in catalogue.parts,
            skipped=sieve.skipped,
        )
        return DataSet(splits, card, tuple(catalogue.classes))

    def _hold(self, images: Images, cache: Path) -> tuple["_InMemory | _OnDisk", Mapping[int, str]]:
        """Return what serves the images, decoded or not, and what is wrong with those it cannot."""
        decoding = Decoding(self.size, self.channels, self.max_pixels, self.on_error)
        look = None if self.stream is False else decoding.look(images)
        if look is not None and self._streams(look, len(images)):
            skips = self.on_error is OnError.skip
            faults = unreadable(images, decoding, look, cache) if skips else {}
            return _OnDisk(images, decoding, look), faults
        decoded = decoding.all(images, cache)
        row_N = np.full(len(images), -1)
        row_N[decoded.kept_N] = np.arange(len(decoded.kept_N))
        return _InMemory(decoded.pixels_NCHW, row_N), decoded.faults

    def _streams(self, look: Look, count: int) -> bool:
        if self.stream == "auto":
            return look.bytes * count > self.memory_gib * _GIB
        return bool(self.stream)

    def _divide(
        self,
        catalogue: Catalogue,
        kept_N: Indices,
        key_NK: NDArray[np.uint8],
        name: str,
        sieve: Sieve,
    ) -> tuple[dict[Split, Indices], str]:
        """Return the indices of each split, complete and checked, and notes for the card."""
        parts = {s: np.intersect1d(index_N, kept_N) for s, index_N in catalogue.parts.items()}
        wanted = shares(parts, validation=self.validation, test=self.test)
        if wanted:
            train_N = parts[Split.TRAIN]
            labels = catalogue.label_N[train_N].tolist()
            carved = carve(_hex(key_NK[train_N]), labels, wanted)
            parts |= {split: train_N[indices] for split, indices in carved.items()}
        labels_of = {s: catalogue.label_N[index_N].tolist() for s, index_N in parts.items()}

        def name_of(split: Split, place: int) -> str:
            return catalogue.images.name(int(parts[split][place]))

        kept = usable(labels_of, catalogue.classes, name, name_of, sieve)
        parts = {split: index_N[kept[split]] for split, index_N in parts.items()}
        keys_of = {s: _hex(key_NK[index_N]) for s, index_N in parts.items()}
        return parts, describe_splits(keys_of, wanted)


@dataclass(frozen=True)
class _InMemory:
    """Decoded images. row_N: row of each image of the catalogue; -1 where it was skipped."""

    pixels_NCHW: Tensor
    row_N: Indices

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.pixels_NCHW.shape[1:])

    def serve(self, index_N: Indices, label_N: Indices, content: str) -> Examples:
        pixels = self.pixels_NCHW[torch.from_numpy(self.row_N[index_N])]
        columns = {"pixels_BCHW": pixels, "label_B": torch.from_numpy(label_N)}
        return Examples(columns, torch.ones(len(index_N), dtype=torch.float64), content=content)


@dataclass(frozen=True)
class _OnDisk:
    """Images that are decoded when their batch is due."""

    images: Images
    decoding: Decoding
    look: Look

    @property
    def shape(self) -> tuple[int, ...]:
        return self.look.channels, self.look.height, self.look.width

    def serve(self, index_N: Indices, label_N: Indices, content: str) -> StreamedExamples:
        fetch = Fetch(self.images, self.decoding, self.look, index_N, label_N)
        unit_N = torch.ones(len(index_N), dtype=torch.float64)
        return StreamedExamples(fetch, unit_N, content=content)


@dataclass(frozen=True)
class Fetch:
    """Reads and decodes images of one split by their place in it.

    index_N: place of each in the catalogue.
    """

    images: Images
    decoding: Decoding
    look: Look
    index_N: Indices
    label_N: Indices

    def name(self, index: int) -> str:
        """Return how messages name an image."""
        return self.images.name(int(self.index_N[index]))

    def files(self) -> set[Path]:
        """Return what is read from."""
        return self.images.files(self.index_N.tolist())

    def __call__(self, index_B: Tensor) -> dict[str, Tensor]:
        chosen = index_B.numpy()
        pixels_BCHW = self.decoding.batch(self.images, self.index_N[chosen].tolist(), self.look)
        return {"pixels_BCHW": pixels_BCHW, "label_B": torch.from_numpy(self.label_N[chosen])}


def _hex(key_NK: NDArray[np.uint8]) -> list[str]:
    return [key.tobytes().hex() for key in key_NK]
