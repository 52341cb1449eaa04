"""Names of files that data brings along: in a list, a table, a record, an archive.

They come from whoever made the data. A name that led out of the data's folder would have the suite
read any file of the user's as a sample, and show it in reports; or write over one.
"""

import os
import re
from pathlib import Path, PurePosixPath

from suite.errors import DataError
from suite.trust.text import in_a_line

LONGEST_NAME, LONGEST_PATH = 255, 4096
"""Bytes that file systems allow in a name and in a path."""
_DRIVE = re.compile(r"[A-Za-z]:")


def inside(root: Path, name: str, where: str, fix: str = "mend the list") -> Path:
    """Return the file `name` below `root`, or raise a `DataError` where it lies elsewhere.

    An absolute name will do if it lies in `root`, and so does a link that stays there. Links that
    lead out are refused, as data is unpacked with the links that its makers put there: who has
    files elsewhere gives their folder as `root`. Nothing has to exist.

    where: the list and the line, for the message. fix: what to do.
    """
    wrong = _wrong_in(name)
    if not wrong:
        path = Path(os.path.normpath(root / name))
        if not path.is_relative_to(os.path.normpath(root)):
            wrong = f"lies outside of {root}"
        elif not _follows(path, root):
            wrong = f"is a link that leads out of {root}; copy the file there"
    if wrong:
        raise DataError(f"{where}: {_shown(name)} {wrong}; {fix}")
    return root / name


def plain_name(name: str) -> bool:
    """Return whether a text is the name of a file or folder, and no path or hidden file."""
    return not _wrong_in(name) and "/" not in name and not name.startswith(".")


def safe_member(name: str) -> str:
    """Return what is wrong with a name in an archive, which must be relative; empty if nothing."""
    wrong = _wrong_in(name)
    if wrong:
        return wrong
    if PurePosixPath(name).is_absolute() or _DRIVE.match(name) or "\\" in name:
        return "is no relative path"
    return "lies outside of the archive" if ".." in PurePosixPath(name).parts else ""


def _wrong_in(name: str) -> str:
    if not name or name.isspace():
        return "is no name of a file"
    if "\0" in name:
        return "has a NUL byte"
    # What no UTF-8 stands for comes back from the file system as lone surrogates.
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) > LONGEST_PATH or max(map(len, encoded.split(b"/"))) > LONGEST_NAME:
        return f"is too long ({len(encoded)} bytes)"
    return ""


def _follows(path: Path, root: Path) -> bool:
    """Return whether a path stays in the root when its links are followed."""
    place = Path(os.path.normpath(root))
    linked = False
    for part in path.relative_to(place).parts:
        place = place / part
        linked = linked or place.is_symlink()
    if not linked:
        return True
    home = Path(os.path.realpath(root))
    if "snapshots" in home.parts:  # the hub's cache links from there to its files
        home = Path(*home.parts[: home.parts.index("snapshots")])
    return Path(os.path.realpath(path)).is_relative_to(home)


def _shown(name: str) -> str:
    shown = in_a_line(name)
    return f"'{shown}'" if len(shown) <= 200 else f"'{shown[:199]}…'"
