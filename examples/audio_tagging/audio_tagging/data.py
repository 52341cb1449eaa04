"""Tagged recordings: a folder of one's own, or a synthetic one written into the cache.

Legend: N recordings, S samples, K tags.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import soundfile
import torch
from torch import Tensor

from audio_tagging.synthesis import write_sounds
from suite import (
    DataCard,
    DataError,
    DataSet,
    Examples,
    OnError,
    Ragged,
    Sieve,
    Split,
    csv_rows,
    fingerprint,
    inside,
)


@dataclass(kw_only=True)
class TaggedFolder:
    """A folder of recordings; see `TaggedFolderConfig`."""

    path: str
    on_error: OnError

    def load(self, cache: Path, *, sample_rate: int) -> DataSet:
        """Read all recordings; raise a `DataError` that names the file, and what mends it."""
        root, sieve = Path(self.path).expanduser(), Sieve(self.on_error)
        rows = {split: _read(root / split.value, split, sample_rate, sieve) for split in Split}
        tags = tuple(sorted({tag for row in rows[Split.TRAIN] for tag in row.tags}))
        if not tags:
            raise DataError(f"{root / 'train' / 'metadata.csv'}: no recording has a tag; give some")
        splits = {
            split: _examples(_known(own, split, tags, sieve), tags, sample_rate)
            for split, own in rows.items()
        }
        card = DataCard(
            name=root.name,
            version="as found",
            licence="as found",
            source="files",
            fingerprint=fingerprint(splits),
            sizes={split.value: len(part) for split, part in splits.items()},
            skipped=sieve.skipped,
        )
        return DataSet(splits, card, tags)


@dataclass(kw_only=True)
class SyntheticSounds:
    """Mixtures of sounds that are computed; see `SyntheticSoundsConfig`."""

    clips: int
    on_error: OnError

    def load(self, cache: Path, *, sample_rate: int) -> DataSet:
        """Write the folder, where it is not there yet, and read it like any other."""
        folder = write_sounds(cache / "audio_tagging", clips=self.clips, sample_rate=sample_rate)
        found = TaggedFolder(path=str(folder), on_error=self.on_error).load(
            cache, sample_rate=sample_rate
        )
        card = replace(
            found.card,
            name="synthetic_sounds",
            version="1",
            licence="CC0-1.0",
            synthetic=True,
            source="audio_tagging.synthesis",
        )
        return replace(found, card=card)


class Row(NamedTuple):
    """A recording: its file, its samples (S,) int16, and its tags."""

    file: Path
    wave_S: Tensor
    tags: Sequence[str]


def _read(folder: Path, split: Split, sample_rate: int, sieve: Sieve) -> list[Row]:
    table = folder / "metadata.csv"
    lines = csv_rows(table)
    columns = next(lines, [])
    if not {"file_name", "tags"} <= set(columns):
        raise DataError(f"{table}: needs the columns file_name and tags, not {', '.join(columns)}")
    rows = []
    for cells in lines:
        told = dict(zip(columns, cells, strict=False))
        file = inside(folder, told["file_name"], str(table))
        try:
            wave_S = _wave(file, sample_rate)
        except (OSError, ValueError, soundfile.LibsndfileError) as error:
            sieve.leave_out(split, str(file), f"cannot be used ({error}); mend it or remove it")
            continue
        rows.append(Row(file, wave_S, [tag for tag in told.get("tags", "").split(";") if tag]))
    if not rows:
        raise DataError(f"{table}: lists no recording that can be used; give some")
    return rows


def _wave(file: Path, sample_rate: int) -> Tensor:
    samples, rate = soundfile.read(file, dtype="int16", always_2d=True)
    if rate != sample_rate:
        raise ValueError(f"it has {rate} samples per second, not task.sample_rate={sample_rate}")
    if not len(samples):
        raise ValueError("it has no samples")
    # Of several channels the first: a mean could silence what two hold in opposite phase.
    return torch.from_numpy(samples[:, 0].copy())


def _known(rows: Sequence[Row], split: Split, tags: Sequence[str], sieve: Sieve) -> list[Row]:
    """Return the recordings whose tags all occur in training; the others are bad samples."""
    known = []
    for row in rows:
        strange = sorted(set(row.tags) - set(tags))
        if strange:
            reason = f"tag '{strange[0]}' does not occur in training; mend it, or move recordings"
            sieve.leave_out(split, str(row.file), reason)
        else:
            known.append(row)
    return known


def _examples(rows: Sequence[Row], tags: Sequence[str], sample_rate: int) -> Examples:
    """Return a split with `wave_BS` int16, `length_B` in samples, and `label_BK` of 0 and 1."""
    waves = Ragged.from_rows([row.wave_S for row in rows])
    return Examples(
        {
            "wave_BS": waves,
            "label_BK": torch.tensor([[int(tag in row.tags) for tag in tags] for row in rows]),
        },
        unit_N=waves.length_N.double() / sample_rate,
        length_N=waves.length_N,
    )
