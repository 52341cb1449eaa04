from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.errors import TrainingError, is_disk_full
from suite.record import RunRecord
from suite.tracking.journal import Journal, broken_lines, read_journal


def test_events_come_back_with_offsets(tmp_path: Path, record: Callable[..., RunRecord]) -> None:
    seen: list[dict[str, Any]] = []
    journal = Journal(tmp_path, (seen.append,))
    journal.start(record())
    journal.metrics(7, {"train/loss": 0.5})
    journal.artifact(tmp_path / "model")
    journal.end(record(status="finished"))
    read = list(read_journal(journal.path))
    assert [event for event, _ in read] == seen
    assert [event["event"] for event in seen] == ["start", "metrics", "artifact", "end"]
    assert read[-1][1] == journal.path.stat().st_size
    behind_first = read[0][1]
    assert next(read_journal(journal.path, behind_first)) == read[1]


def test_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event": "a"}\n{"event": ')
    assert [event["event"] for event, _ in read_journal(path)] == ["a"]


def kinds(path: Path) -> list[str]:
    return [event["event"] for event, _ in read_journal(path)]


def test_half_a_line_of_a_killed_process_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text('{"event": "a"}\n{"event": ')
    journal = Journal(tmp_path)
    journal.metrics(1, {})
    journal.close()
    assert kinds(path) == ["a", "metrics"]
    assert broken_lines(path) == 0


def test_lines_that_are_no_events_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    # What a power failure leaves: zeros, and bytes of other files.
    path.write_bytes(b'{"event": "a"}\n\x80\xff\n[1]\n\0\0\0{"event": "b"}\n{"event": "c"}\n')
    assert kinds(path) == ["a", "b", "c"]
    assert broken_lines(path) == 2
    assert [behind for _, behind in read_journal(path)][-1] == path.stat().st_size


class Full:
    """A file on a disk with room for a few bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        written: int = self.file.write(data[: self.room])
        self.room -= written
        return written


def test_a_full_disk_takes_no_half_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.metrics(1, {"train/loss": 0.5})
    whole = journal.path.read_bytes()
    journal._file = Full(journal._file, 10)  # type: ignore[assignment]
    with pytest.raises(TrainingError, match=r"journal.jsonl: cannot be written") as raised:
        journal.metrics(2, {"train/loss": 0.4})
    assert is_disk_full(raised.value)
    assert journal.path.read_bytes() == whole
    journal._file.room = 1000
    journal.metrics(3, {"train/loss": 0.3})
    journal.close()
    assert [event["step"] for event, _ in read_journal(journal.path)] == [1, 3]
