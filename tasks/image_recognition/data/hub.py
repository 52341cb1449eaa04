"""Images of any data set on the Hugging Face hub, through the datasets library.

Legend: N images.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suite import DataError, DataSet, Split, inside, nearest
from tasks.image_recognition.data.assembly import About
from tasks.image_recognition.data.encoded import Catalogue, EncodedSource
from tasks.image_recognition.data.hub_cache import open_hub
from tasks.image_recognition.data.images import Images, RowNames, content_key
from tasks.image_recognition.data.labels import numbered
from tasks.image_recognition.data.paths import SPLIT_NAMES

_LABEL_COLUMNS = ("label", "labels")


@dataclass(frozen=True, kw_only=True)
class HubImages(EncodedSource):
    """A data set by its id, from the local cache of the hub, or downloaded into it."""

    id: str
    config: str | None
    revision: str | None
    download: bool
    train_split: str
    validation_split: str | None
    test_split: str | None
    image_column: str | None
    label_column: str | None
    name: str | None

    def load(self, cache: Path) -> DataSet:
        """Return the data set; splits that it has not are held out from the training images."""
        whole = open_hub(self.id, self.config, self.revision, download=self.download)
        names = self._split_names(list(whole))
        tables = {split: whole[name] for split, name in names.items()}
        train = tables[Split.TRAIN]
        image, label = self._image_column(train.features), self._label_column(train.features)
        values = {split: table.with_format(None)[label][:] for split, table in tables.items()}
        hidden = [names[split] for split in values if set(values[split]) == {-1}]
        if hidden:
            raise DataError(
                f"data.id={self.id}: split {hidden[0]} has no labels (all are -1); give another of "
                f"{list(whole)}, data.test_split=… or data.validation_split=…"
            )
        classes = getattr(train.features[label], "names", None) or []
        every = [value for split in values for value in values[split]]
        numbers, classes, faults = numbered(every, classes, f"data.id={self.id}")
        parts, start = {}, 0
        for split, table in tables.items():
            parts[split] = np.arange(start, start + len(table))
            start += len(table)
        rows = {names[split]: table for split, table in tables.items()}
        catalogue = Catalogue(
            TableImages(rows, image), np.array(numbers, np.int64), parts, classes, faults
        )
        return self.open(catalogue, self._about(train), cache)

    def _about(self, table: Any) -> About:
        # The library keeps what it prepared in a folder named by the commit.
        kept = [Path(file["filename"]).parent.name for file in table.cache_files]
        return About(
            name=self.name or "/".join(filter(None, (self.id, self.config))),
            version=self.revision or (kept[0] if kept else "as cached"),
            licence=table.info.license or "unknown",
            source=f"huggingface.co/datasets/{self.id}",
        )

    def _split_names(self, there: Sequence[str]) -> dict[Split, str]:
        """Return the data set's own name of each split that it has."""
        wanted = {
            "train_split": (Split.TRAIN, self.train_split),
            "validation_split": (Split.VALIDATION, self.validation_split),
            "test_split": (Split.TEST, self.test_split),
        }
        names: dict[Split, str] = {}
        free = [name for name in there if name not in [given for _, given in wanted.values()]]
        for option, (split, name) in wanted.items():
            if name is not None and name not in there:
                raise DataError(f"data.{option}={name}: is not in {there}{nearest(name, there)}")
            if name is None:
                name = next((n for n in free if SPLIT_NAMES.get(n.lower()) is split), None)
            if name is not None:
                names[split] = name
        if len(set(names.values())) < len(names):
            raise DataError(f"data.id={self.id}: one split is given twice: {list(names.values())}")
        return names

    def _image_column(self, features: Mapping[str, Any]) -> str:
        from datasets import Image

        held = [name for name, kind in features.items() if isinstance(kind, Image)]
        return self._column("image_column", self.image_column, held, features)

    def _label_column(self, features: Mapping[str, Any]) -> str:
        from datasets import ClassLabel

        held = [name for name, kind in features.items() if isinstance(kind, ClassLabel)]
        usual = [name for name in _LABEL_COLUMNS if name in features]
        return self._column("label_column", self.label_column, usual[:1] or held, features)

    def _column(
        self, option: str, wanted: str | None, held: list[str], features: Mapping[str, Any]
    ) -> str:
        if wanted is not None and wanted not in features:
            there = list(features)
            raise DataError(f"data.{option}={wanted}: is not in {there}{nearest(wanted, there)}")
        if wanted is None and len(held) != 1:
            raise DataError(
                f"data.id={self.id}: {len(held)} columns of {list(features)} suit; "
                f"give data.{option}=…"
            )
        return wanted or held[0]


class TableImages(Images):
    """Images in tables of the datasets library, which maps them from the disk."""

    def __init__(self, tables: Mapping[str, Any], column: str) -> None:
        from datasets import Image

        self.column = column
        try:
            self.tables = [
                table.select_columns([column]).cast_column(column, Image(decode=False))
                for table in tables.values()
            ]
        except (TypeError, ValueError) as error:
            raise DataError(
                f"data.image_column={column}: holds no images ({error}); give another"
            ) from error
        self.names = RowNames({name: len(table) for name, table in tables.items()})

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def name(self, index: int) -> str:
        return self.names[index]

    def read(self, index: int) -> bytes:
        for table in self.tables:
            if index < len(table):
                image = table[index][self.column]
                break
            index -= len(table)
        if image is None or (image["bytes"] is None and not image["path"]):
            raise OSError("it holds no bytes")
        content: bytes | None = image["bytes"]
        return _kept_beside(image["path"]) if content is None else content

    def key(self, index: int) -> bytes:
        content = self.read(index)
        return content_key(len(content), lambda start, size: content[start : start + size])

    def stamp(self) -> str | None:
        return " ".join(table._fingerprint for table in self.tables)


def _kept_beside(path: str) -> bytes:
    """Return the file that a table names, which must be one that came from the hub."""
    import datasets.config
    from huggingface_hub import constants

    for root in (constants.HF_HUB_CACHE, datasets.config.HF_DATASETS_CACHE):
        with suppress(DataError):
            return inside(Path(root), path, "table").read_bytes()
    raise OSError("it lies outside of the hub's caches")
