"""Images in a folder for each class."""

from dataclasses import dataclass
from pathlib import Path

from suite import DataError, DataSet, OnError, Split
from tasks.image_recognition.config import Channels
from tasks.image_recognition.data.decoding import Decoding, Encoded
from tasks.image_recognition.data.encoded import load_encoded
from tasks.image_recognition.data.paths import SPLIT_NAMES, existing_folder

_ENDINGS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """`path/<split>/<class>/*.png` with the splits there are, or `path/<class>/*.png`."""

    path: str
    name: str | None
    size: int | None
    channels: Channels | None
    validation: float
    test: float
    max_pixels: int
    on_error: OnError = OnError.stop

    def load(self, cache: Path) -> DataSet:
        """Return the data set; splits that have no folder are held out from the training images."""
        root = existing_folder(self.path)
        folders = _split_folders(root)
        names = sorted({f.name for folder in folders.values() for f in _class_folders(folder)})
        parts = {split: _images(folder, names, root) for split, folder in folders.items()}
        if not parts[Split.TRAIN]:
            raise DataError(
                f"{folders[Split.TRAIN]}: has no images; put them in a folder for each class "
                f"(<class>/*.png), or mend data.path"
            )
        return load_encoded(
            parts,
            names,
            Decoding(self.size, self.channels, self.max_pixels, self.on_error),
            cache,
            name=self.name or root.name,
            source="image folder",
            validation=self.validation,
            test=self.test,
        )


def _split_folders(root: Path) -> dict[Split, Path]:
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


def _class_folders(folder: Path) -> list[Path]:
    children = sorted(folder.iterdir())
    return [child for child in children if child.is_dir() and not child.name.startswith(".")]


def _images(folder: Path, names: list[str], root: Path) -> list[Encoded]:
    number = {name: label for label, name in enumerate(names)}
    return [
        Encoded(str(file.relative_to(root)), file, number[child.name])
        for child in _class_folders(folder)
        for file in sorted(child.rglob("*"))
        if file.suffix.lower() in _ENDINGS and not file.name.startswith(".")
    ]
