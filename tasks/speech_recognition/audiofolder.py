"""Recordings by path: wav or flac files with a metadata.csv (the Hugging Face audiofolder form)."""

from dataclasses import dataclass
from pathlib import Path

from suite import DataError, OnError, Split, csv_rows, nearest
from tasks.speech_recognition.holding_out import complete, drawn_within
from tasks.speech_recognition.listing import Clip, Listing, placed
from tasks.speech_recognition.loading import Loading, load
from tasks.speech_recognition.recordings import SpeechSet

_FOLDERS = {
    Split.TRAIN: ("train",),
    Split.VALIDATION: ("validation", "valid", "dev"),
    Split.TEST: ("test",),
}
_FILE_COLUMN = "file_name"


@dataclass(kw_only=True)
class AudioFolder:
    """A folder of recordings; see `AudioFolderConfig` for the fields."""

    path: str
    name: str | None
    text_column: str
    group_column: str
    validation: float
    test: float
    on_error: OnError
    stream: bool | str
    memory_gib: float
    max_seconds: float

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Read all files; raise a `DataError` that names file, row or column."""
        root = Path(self.path).expanduser()
        found = read_tables(
            split_folders(root), text_column=self.text_column, group_column=self.group_column
        )
        clips = complete(found, validation=self.validation, test=self.test)
        listing = Listing(
            clips=clips,
            name=self.name or root.name,
            text_name=self.text_column,
            within_groups=drawn_within(found, clips),
        )
        return load(
            listing,
            Loading(
                sample_rate=sample_rate,
                shortest=shortest,
                on_error=self.on_error,
                stream=self.stream,
                memory_gib=self.memory_gib,
                max_seconds=self.max_seconds,
                cache=cache,
            ),
        )


def split_folders(root: Path) -> dict[Split, Path]:
    """Return the folders of the splits that there are; raise a `DataError` without training."""
    if not root.is_dir():
        raise DataError(f"data.path={root}: is not a folder; give one with train/metadata.csv")
    found = {
        split: root / name
        for split, names in _FOLDERS.items()
        for name in names
        if (root / name).is_dir()
    }
    if Split.TRAIN in found:
        return found
    if (root / "metadata.csv").is_file():
        return {Split.TRAIN: root}
    raise DataError(f"data.path={root}: has neither train/metadata.csv nor metadata.csv")


def read_tables(
    folders: dict[Split, Path], *, text_column: str, group_column: str
) -> dict[Split, list[Clip]]:
    """Return the recordings that each folder's metadata.csv lists."""
    return {
        split: _read_table(folder, text_column, group_column) for split, folder in folders.items()
    }


def train_and_test(folders: dict[Split, Path], text_column: str) -> dict[Split, list[Clip]]:
    """Return the recordings of a set that publishes no validation split: one found is training."""
    tables = read_tables(folders, text_column=text_column, group_column="speaker")
    if Split.TEST not in tables:
        raise DataError(f"{folders[Split.TRAIN].parent}/test/metadata.csv: does not exist")
    train = [*tables[Split.TRAIN], *tables.get(Split.VALIDATION, [])]
    return {Split.TRAIN: train, Split.TEST: tables[Split.TEST]}


def _read_table(folder: Path, text_column: str, group_column: str) -> list[Clip]:
    table = folder / "metadata.csv"
    if not table.is_file():
        raise DataError(f"{table}: does not exist; it needs file_name and {text_column}")
    rows = csv_rows(table)
    columns = next(rows, [])
    for column in (_FILE_COLUMN, text_column):
        if column not in columns:
            hint = nearest(column, columns)
            fix = "" if column == _FILE_COLUMN else ": set data.text_column=…"
            raise DataError(
                f"{table}: has no column '{column}'{hint}; "
                f"its columns are {', '.join(columns)}{fix}"
            )
    clips = []
    for number, cells in enumerate(rows, 1):
        row = dict(zip(columns, cells, strict=False))  # too few cells have nothing in the rest
        file, fault = table, ""
        if len(cells) > len(columns):
            fault = f"has {len(cells)} cells for {len(columns)} columns; quote its text"
        elif not row[_FILE_COLUMN]:
            fault = f"has no {_FILE_COLUMN}; give one, or remove it"
        else:
            file, fault = placed(folder, row[_FILE_COLUMN], table)
        clips.append(
            Clip(
                file=file,
                text=row.get(text_column, ""),
                group=row.get(group_column),
                key=f"row {number}" if fault else "",
                fault=fault,
            )
        )
    if not clips:
        raise DataError(f"{table}: lists no file")
    return clips
