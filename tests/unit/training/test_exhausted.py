import numpy as np
import pytest
import torch

from suite import Batch
from suite.config import TrainerConfig
from suite.training.exhausted import described, in_training, memory_ran_out, size_of

TOLD = [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0"), "20 MiB"),
    (RuntimeError("CUDA error: out of memory"), ""),
    (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), ""),
    (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), ""),
    (MemoryError("Unable to allocate 1.50 GiB for an array with shape (1, 2)"), "1.5 GiB"),
    (MemoryError("std::bad_alloc"), ""),
    (RuntimeError("std::bad_alloc"), ""),
    (RuntimeError("could not create a primitive"), ""),
]


@pytest.mark.parametrize(("error", "size"), TOLD)
def test_every_form_is_known(error, size):
    assert memory_ran_out(error)
    assert size_of(error) == size


def test_what_torch_and_numpy_really_raise():
    """They refuse at once: more than any machine has, and no page of it is touched."""
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**55, dtype=torch.uint8)
    assert memory_ran_out(raised.value)
    assert size_of(raised.value) == "32 PiB"
    with pytest.raises(MemoryError) as raised:
        np.empty(2**55, dtype=np.uint8)
    assert memory_ran_out(raised.value)
    assert size_of(raised.value) == "32 PiB"


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2"), ValueError("std::bad_alloc")])
def test_others_are_not_taken_for_it(error):
    assert not memory_ran_out(error)


def test_the_largest_tensor_is_the_longest_length():
    short = Batch({"wave_BS": torch.zeros(4, 10), "label_B": torch.zeros(4)}, 4, 4.0)
    long = Batch({"wave_BS": torch.zeros(3, 700), "label_B": torch.zeros(3)}, 3, 3.0)
    assert described([short, long]) == "a batch of 3 examples (wave_BS is 3 x 700)"


def test_a_batch_of_one_cannot_be_halved():
    alone = TrainerConfig(batch_size=1, accumulate=4)
    assert in_training(alone) == "use a smaller backbone, or on CUDA precision=bf16"
    odd = in_training(TrainerConfig(batch_size=33))
    assert odd.startswith(
        "use trainer.batch_size=16 trainer.accumulate=2, trainer.micro_batch=auto"
    )
