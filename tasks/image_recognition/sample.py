"""The training images that input layers take their statistics from.

Legend: N images.
"""

from typing import cast

import torch
from torch import Tensor

from suite import Examples, Served

_IMAGES = 4096
_BYTES = 2**26


def training_pixels(train: Served, batch_size: int) -> Tensor:
    """Return the training images, uint8 (N, C, H, W), on their device; of a stream, some of them.

    Those are at most 4,096 images and 64 MiB, spread evenly: enough for the mean and deviation of
    a channel, and for what patches have in common.
    """
    if isinstance(train, Examples):
        return cast(Tensor, train.columns["pixels_BCHW"])
    one = train.take(torch.tensor([0]))["pixels_BCHW"]
    count = min(len(train), _IMAGES, max(_BYTES // one.nbytes, 1))
    index_N = torch.arange(count) * len(train) // count
    batches = train.batches(index_N.split(batch_size))
    return torch.cat([batch["pixels_BCHW"] for batch in batches])
