"""MNIST and Fashion-MNIST, in the idx files that they are published as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataSet, Sieve, Split
from tasks.image_recognition.data.assembly import About, assemble
from tasks.image_recognition.data.idx import read_parts
from tasks.image_recognition.data.published import PublishedFile, PublishedSet, differs

_FILES = (
    "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _IdxSet(PublishedSet):
    """The four files, in the folder or in `<torchvision>/raw` below it, as torchvision has it."""

    sizes: ClassVar[Mapping[Split, int]] = {Split.TRAIN: 60_000, Split.TEST: 10_000}
    classes: ClassVar[Sequence[str]]
    about: ClassVar[About]
    torchvision: ClassVar[str]
    mirrors: ClassVar[Sequence[str]]
    md5: ClassVar[Sequence[str]]

    def lacks(self, root: Path) -> Sequence[PublishedFile]:
        if self._folder(root) != root:
            return []
        return [
            PublishedFile(name, md5, [mirror + name for mirror in self.mirrors])
            for name, md5 in zip(_FILES, self.md5, strict=True)
            if not (root / name).is_file() and not (root / name).with_suffix("").is_file()
        ]

    def _folder(self, root: Path) -> Path:
        raw = root / self.torchvision / "raw"
        return raw if raw.is_dir() else root

    def read(self, root: Path, cache: Path) -> DataSet:
        folder = self._folder(root)
        parts = read_parts(folder, lambda name: self.missing(folder, name))
        sieve = Sieve(self.on_error)
        for split, part in parts.items():
            where = f"{folder}: {split.value}"
            parts[split] = part.labelled_below(len(self.classes), split, where, sieve)
        note = differs(self.sizes, {split: len(part.label_N) for split, part in parts.items()})
        return assemble(
            parts, self.classes, self.about.noting(note), validation=self.validation, sieve=sieve
        )


class Mnist(_IdxSet):
    """Handwritten digits (LeCun, Bottou, Bengio and Haffner 1998)."""

    name = "mnist"
    classes = tuple("0123456789")
    about = About(
        name=name,
        version="1998",
        licence="CC BY-SA 3.0",
        source="yann.lecun.com/exdb/mnist",
    )
    torchvision = "MNIST"
    mirrors = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    md5 = (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c",
    )  # fmt: skip


class FashionMnist(_IdxSet):
    """Articles of clothing (Xiao, Rasul and Vollgraf 2017)."""

    name = "fashion_mnist"
    classes = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    about = About(
        name=name,
        version="2017",
        licence="MIT",
        source="github.com/zalandoresearch/fashion-mnist",
    )
    torchvision = "FashionMNIST"
    mirrors = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
    md5 = (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310",
    )  # fmt: skip
