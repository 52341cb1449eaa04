import json

import pytest

from suite.record import RunRecord
from suite.tracking.journal import Journal
from suite.tracking.told import Told, difference


def _metrics(step, **values):
    return {"event": "metrics", "step": step, "values": values}


def _write(path, *events):
    path.write_text("".join(json.dumps({"time": 0, **event}) + "\n" for event in events))


def test_each_value_is_told_once_and_the_first_left_is_known(tmp_path):
    path = tmp_path / "journal.jsonl"
    events = [_metrics(1, a=1.0), _metrics(2, a=2.0), _metrics(2, b=3.0), _metrics(3, a=4.0)]
    _write(path, *events)
    starts = [0]
    for line in path.read_bytes().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    told = Told.of(path, starts[1])
    assert told.take(1, {"a": 1.0}) is None  # it lies before
    assert told.first() == starts[1]
    assert told.take(2, {"a": 7.0}) == {"a": 2.0}
    assert told.take(2, {"a": 7.0}) is None
    assert told.first() == starts[2]
    assert told.take(3, {"a": 4.0}) == {"a": 4.0}
    assert told.first() == starts[2]
    assert told.take(2, {"b": 3.0}) == {"b": 3.0}
    assert told.first() is None


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({"train/loss": 0.5}, {"train/loss": 0.5}, ""),
        ({"train/loss": float("nan")}, {"train/loss": float("nan")}, ""),
        ({"time/wall_seconds": 1.0}, {"time/wall_seconds": 2.0}, ""),
        ({"throughput/x": 1.0}, {"throughput/x": 3.0}, ""),
        ({"train/loss": 0.5}, {"train/loss": 1.0}, "train/loss at step 7 was 0.5, and is 1.0 now"),
    ],
)  # fmt: skip
def test_difference_leaves_clocks_out(before, now, words):
    assert difference(7, before, now) == words


def test_journal_of_a_resumed_run_tells_nothing_twice(tmp_path):
    seen = []
    first = Journal(tmp_path)
    first._append({"event": "start", "record": {}})
    first.metrics(1, {"train/loss": 1.0})
    first.metrics(1, {"validation/loss": 1.0, "validation/accuracy": 0.5})
    position = first.position()
    first.metrics(2, {"train/loss": 2.0, "time/wall_seconds": 5.0})
    first.artifact(tmp_path / "figure.png")
    first.close()
    with first.path.open("a") as file:
        file.write('{"event": "metr')
    second = Journal(tmp_path, (seen.append,), position)
    assert second.started
    second.resume(1, RunRecord(run_id="one", name="one", primary="accuracy"))
    second.metrics(2, {"train/loss": 2.0, "time/wall_seconds": 6.0})
    assert second.position() == second.path.stat().st_size
    second.metrics(3, {"train/loss": 3.0})
    second.artifact(tmp_path / "figure.png")
    second.close()
    told = [json.loads(line) for line in second.path.read_text().splitlines()]
    kinds = [(one["event"], one.get("step")) for one in told]
    assert kinds == [("start", None), ("metrics", 1), ("metrics", 1), ("metrics", 2),
                     ("artifact", None),
                     ("resume", 1), ("metrics", 3)]  # fmt: skip
    assert (told[5]["primary"], told[5]["validations"]) == ("accuracy", 1)
    assert told[3]["values"]["time/wall_seconds"] == 5.0
    assert second.differing == ""
    # Whoever watches sees all of what this process does.
    assert [(one["event"], one.get("step")) for one in seen] == [
        ("resume", 1), ("metrics", 2), ("metrics", 3),
    ]  # fmt: skip


def test_checkpoint_amid_steps_made_again_knows_what_is_still_told(tmp_path):
    first = Journal(tmp_path)
    for step in (1, 2, 3):
        first.metrics(step, {"train/loss": float(step)})
    first.close()
    second = Journal(tmp_path, position=0)
    second.resume(0, RunRecord(run_id="one", name="one"))
    second.metrics(1, {"train/loss": 1.0})
    line = len(second.path.read_bytes().splitlines(keepends=True)[0])
    assert second.position() == line
    second.metrics(2, {"train/loss": 2.5})
    assert second.differing == "train/loss at step 2 was 2.0, and is 2.5 now"
    second.close()
