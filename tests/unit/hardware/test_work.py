import torch

from suite import Batch
from suite.hardware.work import COUNTED, Work


def _batch(examples, length):
    return Batch({"tokens_BT": torch.zeros(examples, length)}, examples, examples * length)


class Counter:
    """What a transformer costs: layers by the position, attention by its square."""

    def __init__(self):
        self.calls = 0

    def __call__(self, batch):
        self.calls += 1
        return self.of(*batch["tokens_BT"].shape)

    @staticmethod
    def of(examples, length):
        return examples * (7 + 1000 * length + 64 * length**2)


def test_a_shape_is_counted_once_and_only_when_settled():
    counter = Counter()
    work = Work(counter)
    keys = [work.note(_batch(4, 10)), work.note(_batch(4, 10)), work.note(_batch(3, 10))]
    assert counter.calls == 0
    work.settle()
    work.settle()
    assert counter.calls == 2
    assert [work.flops(key) for key in keys] == [Counter.of(4, 10)] * 2 + [Counter.of(3, 10)]
    assert work.basis == "counted for every shape of batch (2)"


def test_beyond_the_first_shapes_the_rest_follows_from_them():
    counter = Counter()
    work = Work(counter)
    lengths = range(5, 5 + 7 * (COUNTED + 8), 7)
    keys = {length: work.note(_batch(8, length)) for length in lengths}
    work.settle()
    assert counter.calls == COUNTED
    for length, key in keys.items():
        assert abs(work.flops(key) / Counter.of(8, length) - 1) < 1e-9
    smaller = work.note(_batch(2, 300))
    assert abs(work.flops(smaller) / Counter.of(2, 300) - 1) < 1e-9
    assert "fitted to them for 9 others" in work.basis


def test_one_length_alone_scales_with_the_examples():
    work = Work(Counter())
    for examples in range(1, COUNTED + 1):
        work.note(_batch(examples, 6))
    work.settle()
    assert abs(work.flops(work.note(_batch(100, 6))) / Counter.of(100, 6) - 1) < 1e-9
