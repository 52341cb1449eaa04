from collections.abc import Callable
from typing import Any

import pytest

from suite.errors import ConfigError
from suite.inference.batches import batch_of
from suite.task import Split


def test_batches_have_the_size_asked_for(open_task: Callable[[str], Any]) -> None:
    task = open_task("language_names")
    before = task.setup.eval_batch_size
    examples = task.card().sizes[Split.VALIDATION.value]
    # In the last case the middle of the two batches is not full.
    for size in (1, 8, examples, examples // 2 + 1):
        assert batch_of(task, size).examples == size
    assert task.setup.eval_batch_size == before


def test_a_batch_is_of_typical_length(open_task: Callable[[str], Any]) -> None:
    task = open_task("language_names")
    length_N = task.data.splits[Split.VALIDATION].length_N.sort().values
    assert batch_of(task, 1)["tokens_BT"].shape[1] == length_N[len(length_N) // 2]


def test_more_examples_than_there_are(open_task: Callable[[str], Any]) -> None:
    task = open_task("digits")
    examples = task.card().sizes[Split.VALIDATION.value]
    with pytest.raises(ConfigError, match=f"--batch-sizes 100000: .* only {examples} examples"):
        batch_of(task, 100_000)
