"""Encoders of sound: wav2vec 2.0 and its kin, Whisper, and the Audio Spectrogram Transformer.

All take waves; spectrograms are computed on the device.

Legend: B batch, S samples, T positions, C channels.
"""

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from suite.features import Form, Intake, Spec, Wave, length_mask
from suite.library.mel import SAMPLE_RATE, KaldiMel, WhisperMel
from suite.library.padding import PaddedGroupNorm, Padding
from suite.library.reading import Reading
from suite.library.source import Source
from suite.library.waves import at_least, normalised, shortened, shortest_input

WAVEFORM_MODELS = ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat")
"""Models that convolve the waveform and mask its padding from there on."""
_WHISPER_STRIDE = 320
_AUDIOSET_MEAN, _AUDIOSET_DEVIATION = -4.2677393, 4.5689974
_SUMMARIES = 2
"""Positions in front of the Audio Spectrogram Transformer's patches: [CLS] and distillation."""


class Waveforms(Reading):
    """Reads the wave itself, at mean 0 and variance 1 (Baevski et al. 2020, section 2).

    The model's own masking in training (SpecAugment) is left out: the library draws it from a
    generator that no seed of a run governs.
    """

    @classmethod
    def intake(cls, source: Source) -> Intake:
        rate = int(source.extractor.get("sampling_rate", SAMPLE_RATE))
        return Intake(forms=(Form.WAVE,), sample_rate=rate)

    @classmethod
    def prepare(cls, source: Source, spec: Spec) -> PreTrainedConfig:
        config = super().prepare(source, spec)
        config.mask_time_prob = config.mask_feature_prob = 0.0
        return config

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Spec) -> None:
        super().__init__(source, config, spec)
        self.steps = list(zip(config.conv_kernel, config.conv_stride, strict=True))
        self.shortest = shortest_input(self.steps)
        self.normalise = bool(source.extractor.get("do_normalize", True))
        self.padding = Padding()

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        convolutions: Any = model.feature_extractor
        for layer in convolutions.conv_layers:
            if isinstance(getattr(layer, "layer_norm", None), nn.GroupNorm):
                layer.layer_norm = PaddedGroupNorm(layer.layer_norm, self.padding)
        if isinstance(unused := getattr(model, "masked_spec_embed", None), nn.Parameter):
            unused.requires_grad_(False)
        if model.config.model_type == "wavlm":
            # It mixes a mask of bool with a bias of float, at each layer of each step.
            warnings.filterwarnings("ignore", message="Support for mismatched key_padding_mask")
        return model

    def forward(self, inputs: Wave) -> tuple[dict[str, Any], Tensor | None]:
        values_BS, length_B = at_least(inputs, self.shortest)
        mask_BS = length_mask(length_B, values_BS.shape[1])
        if self.normalise:
            values_BS = normalised(values_BS, mask_BS)
        # The one normalisation over time follows the first convolution.
        first_B, first = (shortened(n, self.steps[:1]) for n in (length_B, values_BS.shape[1]))
        self.padding.mask_BT = length_mask(first_B, first)
        positions = shortened(values_BS.shape[1], self.steps)
        mask_BT = length_mask(shortened(length_B, self.steps), positions)
        return {"input_values": values_BS, "attention_mask": mask_BS.long()}, mask_BT

    def positions(self, length: int) -> int:
        return int(shortened(max(length, self.shortest), self.steps))


class Whisper(Reading):
    """Reads the log-mel spectrogram, padded with silence to the seconds that the model hears.

    The encoder attends to the silence too, as it was trained to. What is longer is cut.
    """

    @classmethod
    def intake(cls, source: Source) -> Intake:
        return Intake(forms=(Form.WAVE,), sample_rate=SAMPLE_RATE)

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Spec) -> None:
        super().__init__(source, config, spec)
        self.held = config.max_source_positions
        self.mel = WhisperMel(config.num_mel_bins, 2 * self.held)
        self.longest = self.held * _WHISPER_STRIDE

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        encoder: PreTrainedModel = model.get_encoder()
        return encoder

    def forward(self, inputs: Wave) -> tuple[dict[str, Any], Tensor | None]:
        with torch.autocast(inputs.values_BS.device.type, enabled=False):
            features = self.mel(inputs.values_BS.float())
        count_B = (inputs.length_B + _WHISPER_STRIDE - 1) // _WHISPER_STRIDE
        return {"input_features": features}, length_mask(count_B.clamp(1, self.held), self.held)

    def positions(self, length: int) -> int:
        return int(min(max(-(-length // _WHISPER_STRIDE), 1), self.held))


class SpectrogramPatches(Reading):
    """Reads patches of the spectrogram; what the model makes of them is in its first two positions.

    Padded with zeros, or cut, to the frames that the model holds, as it was trained to.
    """

    @classmethod
    def intake(cls, source: Source) -> Intake:
        return Intake(forms=(Form.WAVE,), sample_rate=SAMPLE_RATE, positions=False)

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Spec) -> None:
        super().__init__(source, config, spec)
        options = source.extractor
        self.mel = KaldiMel(
            config.num_mel_bins,
            config.max_length,
            mean=options.get("mean", _AUDIOSET_MEAN),
            deviation=options.get("std", _AUDIOSET_DEVIATION)
            if options.get("do_normalize", True)
            else None,
        )

    def forward(self, inputs: Wave) -> tuple[dict[str, Any], Tensor | None]:
        with torch.autocast(inputs.values_BS.device.type, enabled=False):
            features = self.mel(inputs.values_BS.float(), inputs.length_B)
        return {"input_values": features}, None

    def select(self, output: ModelOutput) -> Tensor:
        return super().select(output)[:, :_SUMMARIES]
