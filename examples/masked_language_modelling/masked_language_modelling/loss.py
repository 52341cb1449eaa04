"""The loss of hidden tokens.

Legend: B batch, T positions, V vocabulary.
"""

import torch.nn.functional as F
from torch import Tensor

from masked_language_modelling.masking import PADDING
from suite import Batch, Loss, Sequence


def nats(logits: Sequence, label_BT: Tensor) -> Tensor:
    """Return the cross-entropy of each token that is to be told, (B, T), and 0 elsewhere."""
    logits_BVT = logits.values_BTD.float().transpose(1, 2)
    return F.cross_entropy(logits_BVT, label_BT, ignore_index=PADDING, reduction="none")


class MaskedCrossEntropy:
    """Cross-entropy of logits (B, T, V) at the places where `label_BT` has a token."""

    def __call__(self, logits: Sequence, batch: Batch) -> Loss:
        """Return the loss summed over hidden tokens, and their number."""
        label_BT = batch["label_BT"]
        # The host has to know the number, so on an accelerator it waits here once a step.
        return Loss(nats(logits, label_BT).sum(), int((label_BT != PADDING).sum()))
