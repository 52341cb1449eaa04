"""Where in a plugin something is."""

from functools import cached_property

import pytest

from suite.checking.place import place_of, raised_at
from suite.classification import DataSetTask
from suite.task import Task


class Own(DataSetTask):
    primary = "accuracy"

    @cached_property
    def target(self):
        return {}["threshold"]


def test_own_inherited_and_missing():
    assert place_of(Own, "target").startswith("Own.target (")
    assert "test_place.py:" in place_of(Own, "target")
    inherited = place_of(Own, "train_batches")
    assert inherited.startswith("Own.train_batches, inherited from DataSetTask (")
    assert "classification.py:" in inherited
    assert place_of(Own, "primary") == "Own.primary"
    assert place_of(Own, "unit") == "Own.unit"


def test_where_an_error_arose():
    with pytest.raises(KeyError) as raised:
        _ = Own(None, None).target
    assert raised_at(raised.value, Own).startswith("Own.target (")
    with pytest.raises(NotImplementedError) as missing:
        Task(None, None).card()
    assert raised_at(missing.value, Task).startswith("Task.card (")
