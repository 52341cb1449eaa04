"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): in Python's pickles, or in parquet as on the hub.

The pickles are read only where their MD5 is the published one, and then as plain data only.

Legend: N images, C channels, H height, W width.
"""

import hashlib
import io
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image

from suite import DataError, DataSet, Split, read_member
from tasks.image_recognition.data.assembly import About, Labelled, assemble
from tasks.image_recognition.data.encoded import Catalogue
from tasks.image_recognition.data.parquet import ImageParquet, split_files
from tasks.image_recognition.data.plain_pickle import load_plain
from tasks.image_recognition.data.published import PublishedFile, PublishedSet, differs

_SHAPE = (3, 32, 32)
_LARGEST = 200 * 2**20
"""Bytes of a file of the set; CIFAR-100's training images take 155 million."""
_LICENCE = "none stated; cite Krizhevsky 2009"


@dataclass(frozen=True)
class Batches:
    """How the pickles are published. md5: of each file, by its name; the labels' key in each."""

    archive: PublishedFile
    folder: str
    train: Mapping[str, str]
    test: Mapping[str, str]
    meta: Mapping[str, str]
    labels: str
    names: str


@dataclass(frozen=True, kw_only=True)
class _Cifar(PublishedSet):
    """The archive, its folder, the files in it, or parquet files: whichever is in the folder."""

    sizes: ClassVar[Mapping[Split, int]] = {Split.TRAIN: 50_000, Split.TEST: 10_000}
    about: ClassVar[About]
    batches: ClassVar[Batches]
    label_column: ClassVar[str]
    classes: ClassVar[Sequence[str] | None] = None
    """Names of numbered labels in parquet; None takes those that the hub keeps in the file."""

    def lacks(self, root: Path) -> Sequence[PublishedFile]:
        there = self._pickles(root) is not None or any(root.rglob("*.parquet"))
        return [] if there else [self.batches.archive]

    def read(self, root: Path, cache: Path) -> DataSet:
        pickles = self._pickles(root)
        if pickles is not None:
            return self._from_pickles(pickles)
        if root.is_dir() and any(root.rglob("*.parquet")) and Split.TEST in split_files(root):
            return self._from_parquet(root, cache)
        what = f"{self.batches.folder}, {self.batches.archive.name} or train-*.parquet and test-*"
        raise self.missing(root, what)

    def _pickles(self, root: Path) -> Path | None:
        """Return the folder of pickles or the archive that holds it."""
        for place in (root / self.batches.folder, root):
            if all((place / name).is_file() for name in self.batches.test):
                return place
        archive = root / self.batches.archive.name
        return archive if archive.is_file() else None

    def _from_pickles(self, place: Path) -> DataSet:
        batches = self.batches
        read = partial(_read, place, batches.folder)
        parts = {
            split: _labelled(
                [(name, load_plain(read(name, md5), name)) for name, md5 in files.items()],
                batches.labels,
            )
            for split, files in ((Split.TRAIN, batches.train), (Split.TEST, batches.test))
        }
        ((meta, md5),) = batches.meta.items()
        classes = load_plain(read(meta, md5), meta)[batches.names]
        note = differs(self.sizes, {split: len(part.label_N) for split, part in parts.items()})
        about = self.about.noting("read from pickles", note)
        return assemble(parts, classes, about, validation=self.validation)

    def _from_parquet(self, root: Path, cache: Path) -> DataSet:
        source = ImageParquet(
            path=str(root), name=self.name, size=None, channels=None, validation=self.validation,
            max_pixels=32 * 32, image_column=None, label_column=self.label_column,
            on_error=self.on_error,
        )  # fmt: skip
        catalogue = source.catalogue(root, cache, self.classes)
        sizes = {split: len(index_N) for split, index_N in catalogue.parts.items()}
        note = differs(self.sizes, sizes)
        about = self.about.noting(f"read from parquet ({_kind(catalogue)})", note)
        return source.open(catalogue, about, cache)


def _kind(catalogue: Catalogue) -> str:
    """Say how the images are encoded: JPEG does not give back the published pixels."""
    try:
        with Image.open(io.BytesIO(catalogue.images.read(0))) as first:
            kind = first.format or "of no known format"
    except OSError:
        return "of no known format"
    return f"{kind}, so not the published pixels" if kind == "JPEG" else kind


def _read(place: Path, folder: str, name: str, md5: str) -> bytes:
    """Return a published file from the folder, or from the archive that has it in its own."""
    file = place / name
    try:
        if place.is_dir():
            _refuse_huge(file.stat().st_size)
            content = file.read_bytes()
        else:
            _refuse_huge(place.stat().st_size)
            content = read_member(place, f"{folder}/{name}", most_bytes=_LARGEST)
    except (OSError, KeyError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != md5:
        raise DataError(
            f"{file}: has the MD5 {digest}, but {md5} is published; it is damaged or another file, "
            "fetch it again"
        )
    return content


def _refuse_huge(size: int) -> None:
    """Raise an `OSError` for more bytes than any of the published files has."""
    if size > _LARGEST:
        raise OSError(f"its {size} bytes are more than any published file has")


def _labelled(batches: Sequence[tuple[str, Any]], labels: str) -> Labelled:
    """Join batches: each has `data`, uint8 (N, C * H * W), and a list of labels."""
    for name, batch in batches:
        sound = (
            isinstance(batch, dict)
            and isinstance(batch.get("data"), np.ndarray)
            and batch["data"].dtype == np.uint8
            and batch["data"].shape == (len(batch.get(labels, ())), int(np.prod(_SHAPE)))
        )
        if not sound:
            raise DataError(f"{name}: is not a batch of images with {labels}; fetch it again")
    pixels = np.concatenate([batch["data"] for _, batch in batches]).reshape(-1, *_SHAPE)
    label_N = np.concatenate([np.array(batch[labels], np.int64) for _, batch in batches])
    return Labelled(torch.from_numpy(pixels), torch.from_numpy(label_N))


def _archive(name: str, md5: str) -> PublishedFile:
    return PublishedFile(name, md5, [f"https://www.cs.toronto.edu/~kriz/{name}"])


class Cifar10(_Cifar):
    """Ten classes of animals and vehicles."""

    name = "cifar10"
    about = About(
        name=name, version="2009", licence=_LICENCE, source="cs.toronto.edu/~kriz/cifar.html"
    )
    label_column = "label"
    classes = (
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    )  # fmt: skip
    batches = Batches(
        archive=_archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
        folder="cifar-10-batches-py",
        train={
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        },
        test={"test_batch": "40351d587109b95175f43aff81a1287e"},
        meta={"batches.meta": "5ff9c542aee3614f3951f8cda6e48888"},
        labels="labels",
        names="label_names",
    )


class Cifar100(_Cifar):
    """A hundred classes, by their fine labels."""

    name = "cifar100"
    about = replace(Cifar10.about, name=name)
    label_column = "fine_label"
    batches = Batches(
        archive=_archive("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
        folder="cifar-100-python",
        train={"train": "16019d7e3df5f24257cddd939b257f8d"},
        test={"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
        meta={"meta": "7973b15100ade9c7d40fb424638fde48"},
        labels="fine_labels",
        names="fine_label_names",
    )
