"""Convolutions over the spectrogram that shorten it (Gulati et al. 2020, section 2, after Dong et
al. 2018): each 3 by 3, halving bands and frames.

Legend: B batch, C channels, M mel bands, T frames or positions, D features.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from suite import length_mask


class ConvolutionFrontEnd(nn.Module):
    """`halvings` convolutions of `channels` channels with ReLU.

    features: channels times what is left of the bands.

    Padding is zero before each, as the border's own is, so that it changes nothing.
    """

    def __init__(self, mels: int, *, channels: int, halvings: int) -> None:
        super().__init__()
        widths = [1, *[channels] * halvings]
        layers = [
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1) for i in range(halvings)
        ]
        self.layers = nn.ModuleList(layers)
        self.features = channels * -(-mels // 2**halvings)
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, values_BMT: Tensor, frames_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (B, T, D), zero in padding, and the number of positions (B,)."""
        values_BCMT = values_BMT.unsqueeze(1)
        for layer in self.layers:
            frames_B = (frames_B + 1) // 2
            values_BCMT = F.relu(layer(values_BCMT))
            real_BT = length_mask(frames_B, values_BCMT.shape[3])
            values_BCMT = values_BCMT * real_BT[:, None, None, :]
        return values_BCMT.flatten(1, 2).transpose(1, 2), frames_B
