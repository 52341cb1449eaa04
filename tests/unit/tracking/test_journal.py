from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.record import RunRecord
from suite.tracking.journal import Journal, read_journal


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
