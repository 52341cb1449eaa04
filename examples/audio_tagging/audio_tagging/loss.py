"""The loss of a task whose labels do not exclude each other.

Legend: B batch, K tags.
"""

import torch.nn.functional as F
from torch import Tensor

from suite import Batch, Loss


class BinaryCrossEntropy:
    """Cross-entropy of the sigmoid of logits (B, K) with `label_BK` of 0 and 1, mean over tags."""

    def __call__(self, logits_BK: Tensor, batch: Batch) -> Loss:
        """Return the loss summed over recordings."""
        label_BK = batch["label_BK"].float()
        loss_BK = F.binary_cross_entropy_with_logits(logits_BK.float(), label_BK, reduction="none")
        return Loss(loss_BK.mean(1).sum(), batch.examples)
