"""What a set of recordings consists of, before any of it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite import DataError, Split, inside, printable


def placed(root: Path, name: str, listed: Path) -> tuple[Path, str]:
    """Return the file of a name that a list has, below `root`, and what is wrong with the name.

    Where something is, the file is the list.
    """
    try:
        return inside(root, name, "its file"), ""
    except DataError as error:
        return listed, str(error)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording that a set lists, or a stretch of one.

    text: its label or transcript. group: who speaks, where that is known.
    key: what splits are drawn by; recordings of one key stay together. Empty is the file's name.
    rate, endian: of a file without a header.
    fault: what is wrong with its row in the list, and its fix; `file` is the list then.
    """

    file: Path
    text: str
    group: str | None = None
    key: str = ""
    start_seconds: float = 0.0
    seconds: float | None = None
    rate: int = 0
    endian: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """How messages name it."""
        if self.fault:
            return printable(f"{self.file} {self.key}")
        at = f" at {self.start_seconds:g} s" if self.start_seconds else ""
        return printable(f"{self.file}{at}")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What a set consists of, before any of it is read; the rest is for its card.

    text_name: what the set calls the text, for messages.
    published_test: whether the test split is the published one.
    within_groups: splits that hold speakers of training on purpose.
    """

    clips: Mapping[Split, Sequence[Clip]]
    name: str
    version: str = "as found"
    licence: str = "as found"
    source: str = "files"
    notes: str = ""
    text_name: str = "text"
    published_test: bool = True
    within_groups: Sequence[Split] = ()
