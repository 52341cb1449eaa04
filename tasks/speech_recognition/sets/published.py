"""What all published sets do: find their folder, list what it holds, load that."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataError, OnError, Split
from tasks.speech_recognition.listing import Listing
from tasks.speech_recognition.loading import Loading, load
from tasks.speech_recognition.recordings import SpeechSet


@dataclass(kw_only=True)
class PublishedSet(ABC):
    """A set in the folder `path`, or in `<cache>/data/<home>`; see `PublishedConfig`."""

    name: ClassVar[str]
    home: ClassVar[str]

    path: str | None
    download: bool
    on_error: OnError
    stream: bool | str
    memory_gib: float
    max_seconds: float

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Load the set; raise a `DataError` that says what is missing and where it belongs."""
        root = cache / "data" / self.home if self.path is None else Path(self.path).expanduser()
        if self.download:
            self.fetch(root)
        loading = Loading(
            sample_rate=sample_rate,
            shortest=shortest,
            on_error=self.on_error,
            stream=self.stream,
            memory_gib=self.memory_gib,
            max_seconds=self.max_seconds,
            cache=cache,
        )
        return load(self.listing(root), loading)

    @abstractmethod
    def listing(self, root: Path) -> Listing:
        """Return what the folder holds."""

    def fetch(self, root: Path) -> None:
        """Download what the folder lacks; only sets whose archives have checksums can."""
        raise DataError(f"data.download=true: data={self.name} cannot be downloaded")

    def missing(self, root: Path, what: str, *, can_download: bool = True) -> DataError:
        """Return the error for a folder that lacks something."""
        fix = "put it there or give data.path=…"
        if can_download:
            fix = "put it there, give data.path=…, or set data.download=true"
        return DataError(f"data={self.name}: {root} has no {what}; {fix}")


def differs(published: Mapping[Split, int], found: Mapping[Split, int]) -> str:
    """Return a note where the sizes are not the published ones, else an empty string."""
    wrong = [s for s, size in published.items() if found[s] != size]
    return "; ".join(f"{s.value} has {found[s]}, published are {published[s]}" for s in wrong)
