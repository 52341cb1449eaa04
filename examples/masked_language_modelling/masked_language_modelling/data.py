"""Lines of text as numbers of characters.

Legend: N lines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from platform import python_version

import torch

from masked_language_modelling.masking import FIRST
from suite import (
    DataCard,
    DataError,
    Examples,
    OnError,
    Ragged,
    Split,
    fingerprint,
    lines_of,
    split_of,
)

CHARACTERS = "".join(map(chr, range(32, 127)))
"""What can be read: the printable characters of ASCII."""
VOCABULARY = FIRST + len(CHARACTERS)
_SHORTEST, _LONGEST = 20, 80


@dataclass(frozen=True)
class Lines:
    """Lines by split, as numbers of characters from `FIRST` on, and what they are."""

    splits: Mapping[Split, Ragged]
    card: DataCard


class PythonReference:
    """What `help()` tells of Python's keywords and topics; see `PythonReferenceConfig`."""

    def __init__(self, on_error: OnError = OnError.stop) -> None:
        """Nothing to choose: the text has no lines that cannot be read."""

    def load(self, cache: Path) -> Lines:
        """Return its lines."""
        from pydoc_data.topics import topics

        return lines_by_split(
            (line for topic in topics.values() for line in topic.splitlines()),
            name="python_reference",
            version=f"Python {python_version()}",
            licence="PSF-2.0",
            source="The Python Language Reference, pydoc_data.topics of the standard library",
        )


@dataclass(kw_only=True)
class TextLines:
    """Lines of a file; see `TextLinesConfig`."""

    path: str
    on_error: OnError

    def load(self, cache: Path) -> Lines:
        """Return its lines; raise a `DataError` where no split would have any."""
        file = Path(self.path).expanduser()
        return lines_by_split(lines_of(file), name=file.stem)


def lines_by_split(
    lines: Iterable[str],
    *,
    name: str,
    version: str = "as found",
    licence: str = "as found",
    source: str = "files",
) -> Lines:
    """Return each line that is text once, in the split that its hash says.

    Text has 20 to 80 characters, all in ASCII, of which more than half are letters.
    name, version, licence, source: as in `DataCard`.
    """
    rows: dict[Split, list[torch.Tensor]] = {split: [] for split in Split}
    for line in dict.fromkeys(line.strip() for line in lines):
        if not _SHORTEST <= len(line) <= _LONGEST or not line.isascii() or not line.isprintable():
            continue
        if sum(character.isalpha() for character in line) > len(line) / 2:
            numbers = [FIRST + CHARACTERS.index(character) for character in line]
            rows[split_of(line, validation=0.1, test=0.1)].append(torch.tensor(numbers))
    if not all(rows.values()):
        raise DataError(
            f"{name}: has {sum(map(len, rows.values()))} lines of {_SHORTEST} to "
            f"{_LONGEST} characters in ASCII, too few for three splits; give more text"
        )
    splits = {split: Ragged.from_rows(own) for split, own in rows.items()}
    served = {
        split: Examples({"tokens_BT": tokens}, unit_N=tokens.length_N.double())
        for split, tokens in splits.items()
    }
    card = DataCard(
        name=name,
        version=version,
        licence=licence,
        source=source,
        fingerprint=fingerprint(served),
        sizes={split.value: len(own) for split, own in rows.items()},
    )
    return Lines(splits, card)
