"""What of a run has reached its tracker, as `tracking.json` beside the journal tells."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from suite.data.cache import atomic_path
from suite.errors import DataError


@dataclass(frozen=True, kw_only=True)
class State:
    """What of a run has reached the tracker.

    run, model: MLflow's ids, once created. version: of the model in the registry.
    offset: bytes of the journal sent. done: all is sent.
    """

    uri: str
    experiment: str
    run: str | None = None
    model: str | None = None
    version: str | None = None
    offset: int = 0
    done: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.uri, str) and isinstance(self.experiment, str)):
            raise TypeError("uri and experiment are to be texts")
        if not isinstance(self.offset, int) or self.offset < 0:
            raise ValueError(f"offset={self.offset!r} is no number of bytes")

    def write(self, folder: Path) -> None:
        """Write `tracking.json`, whole or not at all."""
        # Else the file would bring back a run's folder that somebody is deleting.
        if not folder.is_dir():
            raise DataError(f"{folder}: is not there any more")
        with atomic_path(folder / "tracking.json") as path:
            path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "State | None":
        """Read `tracking.json`; None where there is none. What a later version adds is left out."""
        path = folder / "tracking.json"
        if not path.exists():
            return None
        known = {f.name for f in fields(cls)}
        try:
            plain = json.loads(path.read_text())
            return cls(**{k: v for k, v in plain.items() if k in known})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}: unreadable ({error}); name the tracker that has the run: "
                f"triathlon sync {folder.name} --uri URI"
            ) from error

    @classmethod
    def of(cls, folder: Path, uri: str) -> "State | None":
        """Return what is known of the run at this tracker; None where that is nothing.

        A file that cannot be read is nothing: all is sent again, which gives the same rows.
        """
        try:
            known = cls.read(folder)
        except DataError:
            return None
        return known if known is not None and known.uri == uri else None
