from dataclasses import replace
from pathlib import Path

import torch

from suite import Setup, Split, StreamedExamples
from tasks.image_recognition.data import ImageFolder
from tasks.image_recognition.data.subset import part_of

SETUP = Setup(
    data=None, loss=None, batch_size=1, eval_batch_size=1, seed=0,
    device=torch.device("cpu"), cache=Path(),
)  # fmt: skip


def test_a_stream_has_the_same_part_as_memory(folder, tmp_path):
    options = {
        "path": str(folder()), "name": None, "size": None, "channels": None, "validation": 0.2,
        "test": 0.2, "max_pixels": 10_000,
    }  # fmt: skip
    setup = replace(SETUP, train_examples=5)
    held, streamed = (
        part_of(ImageFolder(**options, stream=stream).load(tmp_path), setup)
        for stream in (False, True)
    )
    assert held.card == streamed.card
    assert held.card.name == "pets, 5 examples"
    train = streamed.splits[Split.TRAIN]
    assert isinstance(train, StreamedExamples)
    assert len(train) == 5
    assert train.fetch.name(4).endswith(".png")
    for split in Split:
        one, other = (
            data.splits[split].take(torch.arange(len(data.splits[split])))
            for data in (held, streamed)
        )
        assert torch.equal(one["pixels_BCHW"], other["pixels_BCHW"])
        assert torch.equal(one["label_B"], other["label_B"])
    # Through workers too: what fetches a part can be sent to them.
    batch = next(train.to(torch.device("cpu"), workers=1).training(5, seed=0))
    label_B = train.take(torch.arange(5))["label_B"]
    assert sorted(batch["label_B"].tolist()) == sorted(label_B.tolist())
