"""The input layer: each feature of a row becomes a position, so that every backbone reads rows.

Legend: B batch, N rows, F features, D width of an embedding.
"""

import torch
from torch import Tensor, nn

from suite import Batch, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem


class FeatureStem(Stem):
    """Embeds feature f of value x as x w_f + b_f (Gorishniy et al. 2021, section 3.3).

    features_NF: the training rows, which mean and deviation are taken from.
    A grid has the embeddings as channels and a height of one.
    """

    mean_F: Tensor
    deviation_F: Tensor

    def __init__(self, features_NF: Tensor, *, width: int, form: Form) -> None:
        super().__init__()
        count = features_NF.shape[1]
        deviation_F = features_NF.std(0)
        self.register_buffer("mean_F", features_NF.mean(0))
        self.register_buffer("deviation_F", torch.where(deviation_F > 0, deviation_F, 1.0))
        self.weight_FD = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.bias_FD = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.spec = (
            SequenceSpec(features=width, length=count)
            if form is Form.SEQUENCE
            else GridSpec(channels=width, height=1, width=count)
        )

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `features_BF`; no row has padding, so there is no mask."""
        values_BF = (batch["features_BF"] - self.mean_F) / self.deviation_F
        embedded_BFD = values_BF[:, :, None] * self.weight_FD + self.bias_FD
        if isinstance(self.spec, SequenceSpec):
            return Sequence(embedded_BFD)
        return Grid(embedded_BFD.transpose(1, 2).unsqueeze(2))
