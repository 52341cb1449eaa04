from dataclasses import dataclass

import torch
from torch import Tensor, nn

from suite.inference.portable import Portable, names_read, tensors_of
from suite.task import Batch


def test_takes_only_what_the_model_reads(model: nn.Module, batches: dict[int, Batch]) -> None:
    batch = batches[2]
    assert names_read(model, batch) == ["values_BTD"]
    values, mask = Portable(model, batch)(batch["values_BTD"])
    expected = model(batch)
    assert torch.equal(values, expected.values_BTD)
    assert torch.equal(mask, expected.mask_BT)


def test_takes_outputs_apart() -> None:
    @dataclass
    class Output:
        logits: Tensor
        mask: Tensor | None

    one, two, three = torch.zeros(1), torch.zeros(2), torch.zeros(3)
    nested = {"first": Output(one, None), "rest": (two, [three, "name", 4])}
    assert [len(tensor) for tensor in tensors_of(nested)] == [1, 2, 3]
