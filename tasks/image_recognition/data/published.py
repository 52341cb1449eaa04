"""Standard sets: where their files belong, and how a missing one is fetched.

torchvision knows where they are published and under which checksums, and fetches them; it reads
some of them by unpickling, so that reading is done here.
"""

import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataError, DataSet, OnError, Split

_SECONDS = 10.0
"""Without an answer for so long, a server counts as out of reach."""


@dataclass(frozen=True)
class PublishedFile:
    """A file as published: its name, its MD5, and where it is to be had; the first that answers."""

    name: str
    md5: str
    urls: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class PublishedSet(ABC):
    """A set in the folder `path`, or in `<cache>/data/<name>`; see `PublishedImagesConfig`."""

    name: ClassVar[str]
    sizes: ClassVar[Mapping[Split, int]]
    """Images as published, for a note where there are others."""

    path: str | None
    download: bool
    validation: float
    on_error: OnError = OnError.stop

    def load(self, cache: Path) -> DataSet:
        """Return the data set; raise a `DataError` that says what is missing and where it goes."""
        root = cache / "data" / self.name if self.path is None else Path(self.path).expanduser()
        if self.download:
            for file in self.lacks(root):
                fetch(self.name, file, root)
        return self.read(root, cache)

    @abstractmethod
    def lacks(self, root: Path) -> Sequence[PublishedFile]:
        """Return the published files that the folder lacks."""

    @abstractmethod
    def read(self, root: Path, cache: Path) -> DataSet:
        """Return what the folder holds."""

    def missing(self, root: Path, what: str) -> DataError:
        """Return the error for a folder that lacks something."""
        return DataError(
            f"data={self.name}: {root} has no {what}; put it there, give data.path=…, or set "
            "data.download=true"
        )


def differs(published: Mapping[Split, int], found: Mapping[Split, int]) -> str:
    """Return a note where there are not as many images as published, else an empty string."""
    wrong = [split for split, size in published.items() if found[split] != size]
    return "; ".join(
        f"{s.value} has {found[s]} images, published are {published[s]}" for s in wrong
    )


def fetch(name: str, file: PublishedFile, root: Path) -> None:
    """Put a published file into a folder: all of it, with its checksum verified, or nothing.

    Raises a `DataError` where nobody answers, or what comes is not what was published.
    """
    from torchvision.datasets.utils import download_url

    reasons = []
    for url in file.urls:
        try:
            root.mkdir(parents=True, exist_ok=True)
            with _impatient(), tempfile.TemporaryDirectory(dir=root, prefix=".download-") as place:
                download_url(url, place, file.name, file.md5)
                Path(place, file.name).replace(root / file.name)
        except (OSError, RuntimeError) as error:
            reasons.append(f"{url}: {_reason(error)}")
        else:
            return
    raise DataError(
        f"data={name}: {file.name} cannot be downloaded ({'; '.join(reasons)}); "
        f"get it another way and put it into {root}"
    )


@contextmanager
def _impatient() -> Iterator[None]:
    """Torchvision waits for ever for a server that does not answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: Exception) -> str:
    if isinstance(error, RuntimeError):
        return "what came has another MD5 than published"
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)
