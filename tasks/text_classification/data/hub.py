"""Data sets of the Hugging Face hub as parquet files: in its local cache, in a folder, or fetched.

Only parquet, which every public data set has at the revision `refs/convert/parquet`: it needs no
script, names its classes, and can be found without asking the network.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataError

PARQUET = "refs/convert/parquet"
"""Where the hub keeps every public data set as `<config>/<split>/0000.parquet`."""
_SECONDS = 10.0
"""Without an answer for so long, the hub counts as out of reach."""
Files = Mapping[str, Sequence[Path]]
"""The files of each split, by the data set's own names."""


@dataclass(frozen=True)
class Hub:
    """A data set of the hub. config: one of its parts; None where it has one only."""

    id: str
    config: str | None
    revision: str

    def cached(self, *, any_revision: bool) -> Path | None:
        """Return the folder in the hub's local cache, without asking the network.

        any_revision: the newest of another one will do, such as `load_dataset` leaves there.
        """
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
        from huggingface_hub.file_download import repo_folder_name

        try:
            return Path(
                snapshot_download(
                    self.id, repo_type="dataset", revision=self.revision, local_files_only=True
                )
            )
        except HFValidationError as error:
            raise DataError(f"data.id={self.id}: is not <owner>/<name> ({error})") from error
        except LocalEntryNotFoundError:
            place = Path(
                constants.HF_HUB_CACHE, repo_folder_name(repo_id=self.id, repo_type="dataset")
            )
        newest = sorted(place.glob("snapshots/*"), key=lambda one: one.stat().st_mtime)[::-1]
        return next((one for one in newest if any_revision and self.files(one)), None)

    def fetch(self, folder: Path | None) -> None:
        """Download the files into a folder, or into the hub's local cache, and verify checksums.

        Raises a `DataError` where that cannot be done.
        """
        try:
            self._fetch(folder)
        except DataError:
            raise
        except Exception as error:  # the library passes on what its HTTP client raises
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise DataError(
                f"data.id={self.id}: cannot be downloaded from the Hugging Face hub at "
                f"{self.revision} ({reason}); try again with a network, or get its files another "
                f"way{f' and put them into {folder}' if folder else ''}"
            ) from error

    def _fetch(self, folder: Path | None) -> None:
        from huggingface_hub import HfApi, hf_hub_download

        # This asks once and fails fast, where the downloads would try for half a minute.
        about = HfApi().dataset_info(
            self.id, revision=self.revision, timeout=_SECONDS, files_metadata=True
        )
        wanted = [one for one in about.siblings or () if self._is_part(Path(one.rfilename))]
        if not wanted:
            raise DataError(
                f"data.id={self.id}: has no parquet files at {self.revision}"
                + (f" of config {self.config}" if self.config else "")
                + "; mend data.config or data.revision"
            )
        for one in wanted:
            file = hf_hub_download(
                self.id, one.rfilename, repo_type="dataset", revision=self.revision,
                local_dir=folder,
            )  # fmt: skip
            _verify(Path(file), one.lfs)

    def files(self, folder: Path) -> Files:
        """Return the splits in a folder; empty where it has none.

        Raises a `DataError` where there are several configs and none was chosen.
        """
        found: dict[str, dict[str, list[Path]]] = {}
        for file in sorted(folder.rglob("*.parquet")):
            part = file.relative_to(folder)
            if self._is_part(part):
                splits = found.setdefault(_config(part) or "", {})
                splits.setdefault(_split(part), []).append(file)
        if self.config in found:
            return found[self.config]
        if len(found) > 1:
            raise DataError(
                f"data.id={self.id}: has several configs; give data.config=… of {sorted(found)}"
            )
        return next(iter(found.values()), {})

    def _is_part(self, file: Path) -> bool:
        config = _config(file)
        return file.suffix == ".parquet" and (
            None in (config, self.config) or config == self.config
        )


def _config(file: Path) -> str | None:
    """Return the config of `<config>/<split>/0000.parquet` or `<config>/<split>-….parquet`."""
    return file.parts[0] if len(file.parts) > 1 and file.parts[0] != "data" else None


def _split(file: Path) -> str:
    """Return `train` for `train/0000.parquet`, `train-00000-of-00001.parquet`, `train.parquet`."""
    return file.parent.name if file.stem.isdigit() else file.stem.split("-")[0]


def _verify(file: Path, lfs: Any) -> None:
    """Raise a `DataError` and delete the file where it is not what the hub says that it is."""
    if lfs is None:
        return
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != lfs.sha256:
        file.resolve().unlink()  # the cache links to what it holds
        file.unlink(missing_ok=True)
        raise DataError(
            f"{file.name} has sha256 {digest}, but {lfs.sha256} is published; try again"
        )
