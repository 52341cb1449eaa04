"""A stream gives what memory gives, and holds little of it."""

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import time
import weakref
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from suite import DataError, Examples, Ragged, Split, StreamedExamples, fingerprint
from suite.data.streaming import AHEAD, worker_died

# Tests may use more workers than this machine has cores, and fork beside other tests' threads.
pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

CPU = torch.device("cpu")
LENGTHS = [3, 1, 2, 5, 4, 1, 2, 2, 6, 3, 1]


@dataclass(frozen=True)
class Rows:
    """Makes an example from its index alone, as if it were read from a disk."""

    bad: int | None = None
    fatal: bool = False

    def __call__(self, index_B: Tensor) -> dict[str, Tensor | Ragged]:
        if self.bad is not None and self.bad in index_B.tolist():
            if self.fatal:
                os._exit(1)
            raise DataError(f"row {self.bad}: cannot be read; mend it")
        rows = [torch.arange(1, LENGTHS[i] + 1) * 10 + i for i in index_B.tolist()]
        return {"tokens_BT": Ragged.from_rows(rows), "label_B": index_B}


def memory() -> Examples:
    length_N = torch.tensor(LENGTHS)
    return Examples(Rows()(torch.arange(len(LENGTHS))), length_N.double(), length_N)


def stream(workers: int = 0, **options: Any) -> StreamedExamples:
    length_N = torch.tensor(LENGTHS)
    streamed = StreamedExamples(Rows(**options), length_N.double(), length_N)
    return streamed.to(CPU, workers=workers)


def same(ones, others) -> None:
    ones, others = list(ones), list(others)
    assert len(ones) == len(others) > 0
    for one, other in zip(ones, others, strict=True):
        assert {k: v.tolist() for k, v in one.items()} == {k: v.tolist() for k, v in other.items()}
        assert {k: v.dtype for k, v in one.items()} == {k: v.dtype for k, v in other.items()}
        assert (one.examples, one.units) == (other.examples, other.units)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("skip", [0, 7])
def test_training_batches_are_those_of_memory(workers, skip):
    expected = islice(memory().training(2, seed=5, skip=skip), 8)
    same(islice(stream(workers).training(2, seed=5, skip=skip), 8), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_is_that_of_memory(workers):
    same(stream(workers).evaluation(4), memory().evaluation(4))
    same([stream(workers).typical(4)], [memory().typical(4)])
    assert stream().batches_per_epoch(4) == memory().batches_per_epoch(4) == 2
    assert len(stream()) == len(memory())


def test_what_others_draw_does_not_depend_on_the_stream():
    torch.manual_seed(3)
    expected = torch.rand(4).tolist()
    torch.manual_seed(3)
    next(stream(1).training(2, seed=0))
    assert torch.rand(4).tolist() == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_a_sample_that_cannot_be_read_is_one_line(workers):
    with pytest.raises(DataError) as told:
        list(stream(workers, bad=8).evaluation(2))
    assert str(told.value) == "row 8: cannot be read; mend it"


DYING = """
import os
import torch
from suite import DataError, StreamedExamples

def fetch(index_B):
    if 8 in index_B.tolist():
        os._exit(1)
    return {"label_B": index_B}

try:
    # However long a worker may take, its death is told at once.
    streamed = StreamedExamples(fetch, torch.ones(11))
    list(streamed.to(torch.device("cpu"), workers=1, worker_timeout=600).evaluation(2))
except DataError as error:
    print(error, flush=True)
    os._exit(0)
"""


def test_a_worker_that_dies_is_one_line():
    # In a process of its own: torch raises wherever the main process is, perhaps once more later.
    done = subprocess.run([sys.executable, "-c", DYING], capture_output=True, text=True, timeout=60)
    assert re.fullmatch("a worker process.*lower hardware.workers.*\n", done.stdout), done.stderr


@dataclass(frozen=True)
class Stuck:
    """Never comes back from one example, as from a disk that does not answer."""

    def name(self, index: int) -> str:
        return f"row-{index}.wav"

    def __call__(self, index_B: Tensor) -> dict[str, Tensor]:
        if 4 in index_B.tolist():
            time.sleep(600)
        return {"label_B": index_B}


def test_a_worker_that_hangs_is_told_from_one_that_died_and_names_what_it_read():
    # The timeout is far above what a batch takes, and far below what the worker would need.
    examples = StreamedExamples(Stuck(), torch.ones(8)).to(CPU, workers=1, worker_timeout=2)
    seen = []
    with pytest.raises(DataError) as told:
        seen.extend(batch["label_B"].tolist() for batch in examples.evaluation(4))
    assert seen == [[0, 1, 2, 3]]
    assert re.fullmatch(
        r"a worker process has read for 2 s without an end, at row-4\.wav, row-5\.wav, row-6\.wav "
        r"and 1 more: .* raise hardware\.worker_timeout",
        str(told.value),
    )


def test_torch_tells_of_a_dead_worker_anywhere():
    died = RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible")
    assert "/dev/shm is full" in str(worker_died(died))
    assert worker_died(RuntimeError("shapes differ")) is None
    assert worker_died(ConnectionResetError("the tracking server")) is None
    assert worker_died(EOFError("Caught EOFError in DataLoader worker"), reading=True) is None


@dataclass
class Watched:
    """Keeps a weak reference to each batch that it made."""

    made: list[weakref.ref] = field(default_factory=list)

    def __call__(self, index_B: Tensor) -> dict[str, Tensor]:
        values_BD = torch.ones(len(index_B), 4)
        self.made.append(weakref.ref(values_BD))
        return {"values_BD": values_BD}

    def alive(self) -> int:
        return sum(reference() is not None for reference in self.made)


def test_without_workers_no_batch_outlives_the_next():
    watched = Watched()
    examples = StreamedExamples(watched, torch.ones(100))
    for number, batch in enumerate(islice(examples.training(5, seed=0), 60)):
        assert len(watched.made) == number + 1
        assert watched.alive() <= 2
        assert batch.examples == 5


@dataclass(frozen=True)
class Counted:
    """Counts its calls in all processes."""

    calls: Any

    def __call__(self, index_B: Tensor) -> dict[str, Tensor]:
        with self.calls.get_lock():
            self.calls.value += 1
        return {"label_B": index_B}


def test_workers_read_only_a_few_batches_ahead():
    calls = multiprocessing.Value("i", 0)
    examples = StreamedExamples(Counted(calls), torch.ones(1000)).to(CPU, workers=2)
    batches = examples.training(4, seed=0)
    for taken in range(1, 21):
        next(batches)
        if taken % 10 == 0:
            time.sleep(0.2)  # as long as a runaway worker would need for all of them
        assert calls.value <= taken + AHEAD * 2
    assert calls.value >= 20


def test_fetch_is_picklable_and_splits_have_a_fingerprint():
    kept = pickle.loads(pickle.dumps(stream(2)))
    same(kept.evaluation(4), memory().evaluation(4))
    one = StreamedExamples(Rows(), torch.ones(3), content="a")
    other = StreamedExamples(Rows(), torch.ones(3), content="b")
    prints = {fingerprint({Split.TRAIN: part, Split.TEST: one}) for part in (one, other)}
    assert len(prints) == 2
    assert fingerprint({Split.TRAIN: one}) == fingerprint({Split.TRAIN: one})


def test_files_that_are_named_can_be_forgotten(tmp_path, monkeypatch):
    file = tmp_path / "examples"
    file.write_bytes(b"x" * 10)
    forgotten = []
    monkeypatch.setattr(
        os, "posix_fadvise", lambda handle, *rest: forgotten.append(rest), raising=False
    )
    monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
    examples = stream()
    assert not examples.forget()
    monkeypatch.setattr(type(examples.fetch), "files", lambda self: {file}, raising=False)
    assert examples.forget()
    assert forgotten == [(0, 0, 4)]
