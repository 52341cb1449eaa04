"""The input layer: each feature of a row becomes a position, so that every backbone reads rows.

Legend: B batch, N rows, F features, D width of an embedding.
"""

import torch
from torch import Tensor, nn

from suite import BackboneBuilder, Batch, Sequence, SequenceStem


class FeatureStem(SequenceStem):
    """Embeds feature f of value x as x w_f + b_f (Gorishniy et al. 2021, section 3.3).

    rows_NF: the training rows, which mean and deviation are taken from. width: D.
    """

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, backbone: BackboneBuilder, rows_NF: Tensor, *, width: int) -> None:
        count = rows_NF.shape[1]
        super().__init__(backbone, features=width, length=count)
        deviation_F = rows_NF.std(0)
        self.register_buffer("mean_F", rows_NF.mean(0))
        self.register_buffer("deviation_F", torch.where(deviation_F > 0, deviation_F, 1.0))
        self.weight_FD = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.bias_FD = nn.Parameter(torch.randn(count, width) * width**-0.5)

    def sequence(self, batch: Batch) -> Sequence:
        """Read `features_BF`; no row has padding, so there is no mask."""
        values_BF = (batch["features_BF"] - self.mean_F) / self.deviation_F
        return Sequence(values_BF[:, :, None] * self.weight_FD + self.bias_FD)
