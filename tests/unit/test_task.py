import math
from dataclasses import replace

import pytest
import torch

from suite import Batch, DataCard, Direction, Known, Reference, Split, Target, Task


def _card(name, test):
    return DataCard(
        name=name, version="1", licence="", source="", fingerprint="", sizes={"test": test}
    )


def test_batch_is_a_mapping_with_counts():
    label_B = torch.tensor([1, 2])
    batch = Batch({"label_B": label_B, "tokens_BT": torch.zeros(2, 3)}, 2, 5.0)
    assert list(batch) == ["label_B", "tokens_BT"]
    assert len(batch) == 2
    assert batch["label_B"] is label_B
    moved = batch.to(torch.device("meta"))
    assert moved["tokens_BT"].device.type == "meta"
    assert (moved.examples, moved.units) == (2, 5.0)


@pytest.mark.parametrize(
    ("direction", "better", "worse"), [(Direction.MAXIMIZE, 2, 1), (Direction.MINIMIZE, 1, 2)]
)
def test_direction(direction, better, worse):
    assert direction.better(better, worse)
    assert not direction.better(worse, better)
    assert not direction.better(1, 1)
    assert direction.better(1e30 if direction is Direction.MAXIMIZE else -1e30, worse)
    assert direction.better(worse, direction.worst)
    assert not direction.better(math.nan, worse)


def test_target_is_reached_at_the_threshold_or_better():
    up = Target(metric="accuracy", threshold=0.9, direction=Direction.MAXIMIZE)
    down = Target(metric="error", threshold=0.1, direction=Direction.MINIMIZE)
    assert [up.reached(v) for v in (0.89, 0.9, 0.95)] == [False, True, True]
    assert [down.reached(v) for v in (0.11, 0.1, 0.05)] == [False, True, True]
    assert not up.reached(math.nan)


def test_references_are_of_one_test_split():
    reference = Reference(name="r", metric="accuracy", value=0.9, source="s")
    known = Known(references=(reference,), test_examples=10)
    assert known.of(_card("digits", 10)) == (reference,)
    assert known.of(_card("digits", 11)) == ()
    assert Known(references=(reference,)).of(_card("digits", 11)) == (reference,)
    part = replace(_card("digits, 5 examples", 10), whole="digits")
    assert [r.uses for r in known.of(part)] == ["all training examples"]


def test_a_task_says_what_it_leaves_open():
    task = Task(None, None)
    for method in (task.card, task.metrics):
        with pytest.raises(NotImplementedError):
            method()
    with pytest.raises(NotImplementedError):
        task.eval_batches(Split.TEST)
    assert task.batches_per_epoch() is None
    assert tuple(task.figures(None)) == ()
    assert task.intervals(None) == {}
    assert task.calibrate(None) == {}
