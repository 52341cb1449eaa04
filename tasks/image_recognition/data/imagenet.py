"""ImageNet (ILSVRC 2012; Russakovsky et al. 2015), in folders of classes named by WordNet ids."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataError, DataSet, Split
from tasks.image_recognition.data.assembly import About
from tasks.image_recognition.data.encoded import EncodedSource
from tasks.image_recognition.data.imagefolder import catalogue
from tasks.image_recognition.data.published import differs


@dataclass(frozen=True, kw_only=True)
class ImageNet(EncodedSource):
    """`train/<wnid>/*.JPEG` and `val/<wnid>/*.JPEG`. There are no labels of the test images, so the
    validation images are the test, and validation is held out from training.
    """

    name: ClassVar[str] = "imagenet"
    sizes: ClassVar[Mapping[Split, int]] = {Split.TRAIN: 1_281_167, Split.TEST: 50_000}

    path: str | None

    def load(self, cache: Path) -> DataSet:
        """Return the data set; raise a `DataError` that says what is missing and where it goes."""
        root = cache / "data" / self.name if self.path is None else Path(self.path).expanduser()
        folders = {Split.TRAIN: root / "train", Split.TEST: root / "val"}
        for folder in folders.values():
            if not any(child.is_dir() for child in folder.glob("n*")):
                raise DataError(
                    f"data={self.name}: {folder} has no folder for each class (n01440764, …); ask "
                    "for the archives at image-net.org, let torchvision.datasets.ImageNet unpack "
                    "them, and give data.path=…"
                )
        found = catalogue(root, folders)
        sizes = {split: len(index_N) for split, index_N in found.parts.items()}
        about = About(
            name=self.name,
            version="ILSVRC2012",
            licence="non-commercial research and education",
            source="image-net.org",
        )
        about = about.noting("tested on val", differs(self.sizes, sizes))
        return self.open(found, about, cache)
