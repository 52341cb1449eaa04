"""Images in a folder for each class."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suite import DataError, DataSet, Split, unwritable
from tasks.image_recognition.data.assembly import About
from tasks.image_recognition.data.encoded import Catalogue, EncodedSource
from tasks.image_recognition.data.images import FileImages
from tasks.image_recognition.data.paths import SPLIT_NAMES, existing_folder

_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, kw_only=True)
class ImageFolder(EncodedSource):
    """`path/<split>/<class>/*.png` with the splits there are, or `path/<class>/*.png`."""

    path: str
    name: str | None

    def load(self, cache: Path) -> DataSet:
        """Return the data set; splits that have no folder are held out from the training images."""
        root = existing_folder(self.path)
        about = About(name=self.name or root.name, source="image folder")
        return self.open(catalogue(root, split_folders(root)), about, cache)


def split_folders(root: Path) -> dict[Split, Path]:
    """Return the folder of each split, by its name; a folder of classes alone is training."""
    found: dict[Split, Path] = {}
    for folder in _class_folders(root):
        split = SPLIT_NAMES.get(folder.name.lower())
        if split in found:
            raise DataError(f"{folder}: a second {split.value} folder; keep one")
        if split is not None:
            found[split] = folder
    if not found:
        return {Split.TRAIN: root}
    if Split.TRAIN not in found:
        raise DataError(f"{root}: has {sorted(f.name for f in found.values())} but no train folder")
    return found


def catalogue(root: Path, folders: Mapping[Split, Path]) -> Catalogue:
    """Return the images below the folders of splits; their classes are named by the folders."""
    classes = sorted({f.name for folder in folders.values() for f in _class_folders(folder)})
    strange = next((name for name in classes if unwritable(name)), None)
    if strange is not None:
        raise DataError(f"{root}: the name of the class {strange} is not UTF-8; rename its folder")
    number = {name: label for label, name in enumerate(classes)}
    names: list[str] = []
    labels: list[int] = []
    parts = {}
    for split, folder in folders.items():
        start = len(names)
        for child in _class_folders(folder):
            names += [os.path.relpath(file, root) for file in _images(child)]
            labels += [number[child.name]] * (len(names) - len(labels))
        parts[split] = np.arange(start, len(names))
    if not len(parts[Split.TRAIN]):
        raise DataError(
            f"{folders[Split.TRAIN]}: has no images; put them in a folder for each class "
            f"(<class>/*.png), or mend data.path"
        )
    return Catalogue(FileImages(root, names), np.array(labels, np.int64), parts, classes)


def _class_folders(folder: Path) -> list[Path]:
    children = sorted(folder.iterdir())
    return [child for child in children if child.is_dir() and not child.name.startswith(".")]


def _images(folder: Path) -> list[str]:
    """Return the images anywhere below a folder, sorted by the parts of their paths."""
    found = [
        os.path.join(place, name)
        for place, _, names in os.walk(folder)
        for name in names
        if os.path.splitext(name)[1].lower() in _ENDINGS and not name.startswith(".")
    ]
    return sorted(found, key=lambda file: file.split(os.sep))
