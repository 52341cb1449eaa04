"""Paths that the user gives, and the splits that names of files and folders stand for."""

from pathlib import Path

from suite import DataError, Split

SPLIT_NAMES = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "validation": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
}
"""How data sets name their splits."""


def existing_folder(path: str) -> Path:
    """Return the folder at `data.path`, or raise a `DataError` that says what is there."""
    folder = Path(path).expanduser().resolve()
    if not folder.exists():
        raise DataError(f"data.path={path}: does not exist; mend data.path")
    if not folder.is_dir():
        raise DataError(f"data.path={path}: is a file; give the folder that it is in")
    return folder
