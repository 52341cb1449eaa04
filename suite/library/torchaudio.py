"""Conformer and wav2vec 2.0 of torchaudio, with random weights.

Legend: B batch, S samples, T positions, D features.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torchaudio.models import Conformer, wav2vec2_model

from suite.features import Form, Intake, Sequence, SequenceSpec, Wave, WaveSpec, length_mask
from suite.library.frozen import LibraryBackbone, layer_list
from suite.library.padding import PaddedBatchNorm, PaddedGroupNorm, Padding, ZeroPadding
from suite.library.waves import at_least, normalised, shortened, shortest_input

_STEPS = [(10, 5), *[(3, 2)] * 4, *[(2, 2)] * 2]
"""Kernel and stride of the convolutions over the wave (Baevski et al. 2020, section 4.2)."""
_POSITION_KERNEL, _POSITION_GROUPS = 128, 16
_DEPTHWISE, _NORM = 2, 3
"""Places in torchaudio's convolution module."""


class TorchaudioConformer(LibraryBackbone):
    """Conformer (Gulati et al. 2020) without positional encoding, as torchaudio has it.

    kernel: positions that a convolution sees, odd. expansion: hidden width of the feed-forward
    layers as a multiple of `width`. Its convolutions and batch normalisation leave padding out.
    """

    def __init__(
        self,
        spec: SequenceSpec,
        *,
        width: int,
        depth: int,
        heads: int,
        kernel: int,
        expansion: int,
        dropout: float,
        trainable: str,
    ) -> None:
        super().__init__()
        self.features = width
        self.entry = nn.Linear(spec.features, width) if spec.features != width else nn.Identity()
        self.model = Conformer(width, heads, expansion * width, depth, kernel, dropout=dropout)
        self.padding = Padding()
        for layer in self.model.conformer_layers:
            steps = layer.conv_module.sequential
            steps[_DEPTHWISE] = nn.Sequential(ZeroPadding(self.padding), steps[_DEPTHWISE])
            steps[_NORM] = PaddedBatchNorm(steps[_NORM], self.padding)
        self.freeze(trainable)

    @classmethod
    def intake(cls, options: Mapping[str, Any]) -> Intake:
        return Intake(forms=(Form.SEQUENCE,), width=int(options["width"]))

    def forward(self, inputs: Sequence) -> Sequence:
        """Map (B, T, D) to (B, T, width)."""
        mask_BT = inputs.mask_BT
        self.padding.mask_BT = mask_BT
        values_TBD = self.entry(inputs.values_BTD).transpose(0, 1)
        # Layer by layer: the model itself looks at the lengths, which waits for the device.
        for layer in self.model.conformer_layers:
            values_TBD = layer(values_TBD, None if mask_BT is None else ~mask_BT)
        return Sequence(values_TBD.transpose(0, 1), mask_BT)

    def hidden_layers(self) -> list[nn.Module]:
        return layer_list(self.model)


class TorchaudioWav2Vec2(LibraryBackbone):
    """The encoder of wav2vec 2.0 (Baevski et al. 2020) over waves at mean 0 and variance 1.

    convolution: channels of the convolutions, which make a position of 320 samples.
    heads, expansion: as of a transformer. Its normalisation over time leaves padding out.
    """

    def __init__(
        self,
        spec: WaveSpec,
        *,
        width: int,
        depth: int,
        heads: int,
        expansion: int,
        convolution: int,
        dropout: float,
        sample_rate: int,
        trainable: str,
    ) -> None:
        super().__init__()
        self.features = width
        self.shortest = shortest_input(_STEPS)
        self.model = wav2vec2_model(
            extractor_mode="group_norm",
            extractor_conv_layer_config=[(convolution, *step) for step in _STEPS],
            extractor_conv_bias=False,
            encoder_embed_dim=width,
            encoder_projection_dropout=dropout,
            encoder_pos_conv_kernel=_POSITION_KERNEL,
            encoder_pos_conv_groups=_POSITION_GROUPS,
            encoder_num_layers=depth,
            encoder_num_heads=heads,
            encoder_attention_dropout=dropout,
            encoder_ff_interm_features=expansion * width,
            encoder_ff_interm_dropout=dropout,
            encoder_dropout=dropout,
            encoder_layer_norm_first=False,
            encoder_layer_drop=0.0,
            aux_num_out=None,
        )
        self.padding = Padding()
        first = self.model.feature_extractor.conv_layers[0]
        first.layer_norm = PaddedGroupNorm(first.layer_norm, self.padding)
        self.freeze(trainable)

    @classmethod
    def intake(cls, options: Mapping[str, Any]) -> Intake:
        return Intake(forms=(Form.WAVE,), sample_rate=int(options["sample_rate"]))

    def forward(self, inputs: Wave) -> Sequence:
        """Map (B, S) to (B, T, width)."""
        values_BS, length_B = at_least(inputs, self.shortest)
        values_BS = normalised(values_BS, length_mask(length_B, values_BS.shape[1]))
        first_B, first = (shortened(n, _STEPS[:1]) for n in (length_B, values_BS.shape[1]))
        self.padding.mask_BT = length_mask(first_B, first)
        values_BTD: Tensor
        values_BTD, positions_B = self.model(values_BS, length_B)
        return Sequence(values_BTD, length_mask(positions_B, values_BTD.shape[1]))

    def hidden_layers(self) -> list[nn.Module]:
        return layer_list(self.model)

    def positions(self, length: int) -> int:
        return int(shortened(max(length, self.shortest), _STEPS))
