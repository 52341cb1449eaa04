"""Encoders of the transformers library, from a configuration or with pretrained weights.

Legend: B batch, T positions, D features.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_MAPPING

from suite.config import Positions
from suite.errors import ConfigError
from suite.features import Intake, Sequence, Spec
from suite.library.frozen import LibraryBackbone, layer_list
from suite.library.reading import Reading
from suite.library.sound import WAVEFORM_MODELS, SpectrogramPatches, Waveforms, Whisper
from suite.library.source import Source, open_source
from suite.library.text import Text
from suite.library.vision import Images

_KINDS: dict[str, type[Reading]] = {
    **dict.fromkeys(WAVEFORM_MODELS, Waveforms),
    "whisper": Whisper,
    "audio-spectrogram-transformer": SpectrogramPatches,
}
"""How models of sound read; those of texts and images are told by what the library calls input."""


class Transformers(LibraryBackbone):
    """An encoder of the transformers library between stem and head.

    model: folder or hub name of a pretrained model. architecture: kind of a model with random
    weights, as the library names it. options: of the library's configuration class.
    positions: all, for the head to pool or label, or the first alone ([CLS]).
    load: False leaves random weights, for those of a run to replace.
    """

    def __init__(
        self,
        spec: Spec,
        *,
        trainable: str,
        positions: Positions,
        load: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        self.source = open_source(options)
        kind = reading_kind(self.source)
        config = kind.prepare(self.source, spec)
        self.reading = kind(self.source, config, spec)
        self.model = self.reading.adapt(self.source.build(config, weights=load))
        pooler = getattr(self.model, "pooler", None)
        if isinstance(pooler, nn.Module) and any(True for _ in pooler.parameters()):
            self.model.pooler = None  # the task's head is what pools
        self.features = output_width(config)
        self.longest = self.reading.longest
        self.first = positions is Positions.first
        self.freeze(trainable)

    @classmethod
    def intake(cls, options: Mapping[str, Any]) -> Intake:
        source = open_source(options)
        intake = reading_kind(source).intake(source)
        first = options["positions"] is Positions.first
        return replace(intake, positions=False) if first else intake

    @classmethod
    def rebuilt(cls, options: Mapping[str, Any], kept: Path) -> Mapping[str, Any]:
        if options["model"] is None:
            return options
        # What `keep` wrote has the options in it.
        return {**options, "model": str(kept), "options": {}, "load": False}

    def forward(self, inputs: Any) -> Sequence:
        """Map what the stem offers to (B, T, features), or (B, 1, features)."""
        arguments, mask_BT = self.reading(inputs)
        values: Tensor = self.reading.select(self.model(**arguments))
        if self.first:
            return Sequence(values[:, :1])
        return Sequence(values, mask_BT)

    def hidden_layers(self) -> list[nn.Module]:
        return layer_list(self.model)

    def positions(self, length: int) -> int:
        return self.reading.positions(length)

    def keep(self, folder: Path) -> None:
        self.source.keep(folder)


def reading_kind(source: Source) -> type[Reading]:
    """Return how models of this configuration read, or raise a `ConfigError`."""
    config = source.config
    kind = _KINDS.get(config.model_type)
    if kind is None and type(config) in MODEL_MAPPING and output_width(config):
        model: Any = MODEL_MAPPING[type(config)]
        model = model[0] if isinstance(model, (list, tuple)) else model
        kind = {"input_ids": Text, "pixel_values": Images}.get(model.main_input_name)
    if kind is None:
        raise ConfigError(
            f"backbone: {config.model_type} is no encoder that the suite knows; there are those of "
            f"text, those of images, and {', '.join(_KINDS)}"
        )
    if source.size is not None and kind is not Images:
        raise ConfigError(f"backbone.size={source.size}: {config.model_type} takes no images")
    return kind


def output_width(config: PreTrainedConfig) -> int:
    """Return the features of each position of the model's output; 0 where it has several."""
    sizes = getattr(config, "hidden_sizes", None)
    return int(getattr(config, "hidden_size", None) or (sizes[-1] if sizes else 0))
