"""Multilayer perceptron: fully connected layers over a window of positions.

For an input of fixed length (an image as patches) the window is the whole input. For sequences it
slides: one position gives the deep averaging network (Iyyer et al. 2015), a few give the neural
language model of Bengio et al. (2003) and the acoustic model of Hinton et al. (2012).

Legend: B batch, T positions, D features, N window.
"""

import itertools
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from suite.features import Backbone, Form, Sequence, SequenceSpec


class MLP(Backbone):
    """`depth` hidden layers of `width`: linear, LayerNorm, GELU, dropout.

    context: positions in the window (odd), used where the input's length varies.
    residual: a layer's output is added to its input, where both are as wide. normalise: with the
        LayerNorm.
    """

    takes: ClassVar[Form] = Form.SEQUENCE

    def __init__(
        self,
        spec: SequenceSpec,
        *,
        width: int,
        depth: int,
        context: int,
        dropout: float,
        residual: bool = False,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.features = width
        self.whole = spec.length is not None
        self.context = spec.length if spec.length is not None else context
        sizes = [spec.features * self.context, *[width] * depth]
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Linear(i, o),
                *([nn.LayerNorm(o)] if normalise else []),
                nn.GELU(),
                nn.Dropout(dropout),
            )
            for i, o in itertools.pairwise(sizes)
        )

    def forward(self, inputs: Sequence) -> Sequence:
        """Map (B, T, D) to (B, T, width), or to (B, 1, width) where T is fixed."""
        if self.whole:
            hidden, mask = inputs.values_BTD.flatten(1).unsqueeze(1), None
        else:
            hidden, mask = _windows(inputs, self.context), inputs.mask_BT
        for layer in self.layers:
            output = layer(hidden)
            alike = self.residual and output.shape == hidden.shape
            hidden = hidden + output if alike else output
        return Sequence(hidden, mask)

    def hidden_layers(self) -> list[nn.Module]:
        return list(self.layers)


def _windows(inputs: Sequence, context: int) -> Tensor:
    """Stack each position with its neighbours: (B, T, D) -> (B, T, D * N). Outside is zero."""
    values_BTD = inputs.values_BTD
    if context == 1:
        return values_BTD
    if inputs.mask_BT is not None:
        values_BTD = values_BTD * inputs.mask_BT.unsqueeze(-1)
    side = context // 2
    padded = F.pad(values_BTD, (0, 0, side, side))
    return padded.unfold(1, context, 1).flatten(2)
