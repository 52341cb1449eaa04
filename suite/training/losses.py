"""Losses: each maps the model's output and the batch to a sum and a count.

Legend: B batch, T positions, K classes, L symbols of a transcript.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from suite.features import Sequence
from suite.task import Batch, Loss


class CrossEntropy:
    """Cross-entropy of logits (B, K) and `label_B`; smoothing as in Szegedy et al. 2016."""

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def __call__(self, logits_BK: Tensor, batch: Batch) -> Loss:
        """Return the loss summed over examples."""
        total = F.cross_entropy(
            logits_BK.float(), batch["label_B"], reduction="sum", label_smoothing=self.smoothing
        )
        return Loss(total, batch.examples)


class MeanSquaredError:
    """Squared distance of outputs (B, K) to `target_BK`, averaged over K.

    Where a batch has no `target_BK`, the targets are `label_B`, one-hot.
    """

    def __call__(self, outputs_BK: Tensor, batch: Batch) -> Loss:
        """Return the loss summed over examples."""
        if "target_BK" in batch:
            target_BK = batch["target_BK"]
        else:
            target_BK = F.one_hot(batch["label_B"], outputs_BK.shape[1]).float()
        error_B = (outputs_BK.float() - target_BK).square().mean(1)
        return Loss(error_B.sum(), batch.examples)


class CTC:
    """Connectionist temporal classification (Graves et al. 2006, section 4); class 0 is the blank.

    Reads `symbols_BL` and `symbol_length_B`. The loss of an utterance is divided by its symbols, so
    that long ones do not outweigh the rest.
    """

    def __call__(self, logits: Sequence, batch: Batch) -> Loss:
        """Return the loss summed over utterances, of logits (B, T, K)."""
        log_probability_TBK = logits.values_BTD.float().log_softmax(-1).transpose(0, 1)
        length_B = batch["symbol_length_B"]
        loss_B = F.ctc_loss(
            log_probability_TBK,
            batch["symbols_BL"],
            logits.lengths_B(),
            length_B,
            reduction="none",
        )
        return Loss(torch.sum(loss_B / length_B.clamp(min=1)), batch.examples)
