"""Encoders of images: ViT and its kin, Swin, ConvNeXt and the like.

Legend: B batch, C channels, H height, W width.
"""

import inspect
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from suite.errors import ConfigError
from suite.features import Form, Grid, GridSpec, Intake, Spec
from suite.library.pixels import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    Fitting,
    adapt_first_convolution,
    own_size,
)
from suite.library.reading import Reading
from suite.library.source import Source

_DEEP_STRIDE = 32
"""By how much models of several stages reduce their input."""
_RECTANGLES = ("vit", "deit")
"""Models of learned positions that need not be those of a square."""


class Images(Reading):
    """Reads grids at the size that the model takes; colours as a pretrained one is used to.

    Without pretrained weights the grid keeps its size, rounded up to whole patches.
    """

    @classmethod
    def intake(cls, source: Source) -> Intake:
        forms = (Form.GRID,) if source.folder is None else (Form.PIXELS, Form.GRID)
        return Intake(forms=forms, positions=False)

    @classmethod
    def prepare(cls, source: Source, spec: Spec) -> PreTrainedConfig:
        config = super().prepare(source, spec)
        assert isinstance(spec, GridSpec)
        if source.folder is None:
            height, width = _new_size(source, spec)
            config.num_channels = spec.channels
            if hasattr(config, "image_size"):
                config.image_size = height if height == width else (height, width)
        return config

    def __init__(self, source: Source, config: PreTrainedConfig, spec: GridSpec) -> None:
        super().__init__(source, config, spec)
        self.interpolates = False
        if source.folder is None:
            self.fitting = Fitting(spec, _new_size(source, spec))
            return
        extractor = source.extractor
        size_HW = _trained_size(config, extractor)
        if source.size is not None:
            self.interpolates = size_HW != (source.size, source.size)
            size_HW = (source.size, source.size)
        self.fitting = Fitting(
            spec,
            size_HW,
            mean=tuple(extractor.get("image_mean", IMAGENET_MEAN)),
            deviation=tuple(extractor.get("image_std", IMAGENET_DEVIATION)),
        )

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        made_for, channels = getattr(model.config, "num_channels", 3), self.fitting.channels
        if channels != made_for:
            adapt_first_convolution(model, channels, pretrained=True)
            for module in model.modules():
                # Some compare what they are given with what they were made for.
                if getattr(module, "num_channels", None) == made_for:
                    module.num_channels = channels  # type: ignore[assignment]
        takes = inspect.signature(model.forward).parameters
        fixed = hasattr(model.config, "image_size") and hasattr(model.config, "patch_size")
        if self.interpolates and fixed and "interpolate_pos_encoding" not in takes:
            raise ConfigError(
                f"backbone.size={self.fitting.size[0]}: {model.config.model_type} takes "
                f"{model.config.image_size} only; leave it out"
            )
        self.interpolates = self.interpolates and "interpolate_pos_encoding" in takes
        return model

    def forward(self, inputs: Grid) -> tuple[dict[str, Any], Tensor | None]:
        arguments: dict[str, Any] = {"pixel_values": self.fitting(inputs)}
        if self.interpolates:
            arguments["interpolate_pos_encoding"] = True
        return arguments, None

    def select(self, output: ModelOutput) -> Tensor:
        """Return (B, T, D) of patches; of convolutions the one vector that they pool to."""
        values = super().select(output)
        if values.ndim == 3:
            return values
        pooled: Tensor = output["pooler_output"]
        return pooled.flatten(1).unsqueeze(1)


def _new_size(source: Source, spec: GridSpec) -> tuple[int, int]:
    """Return the size for a model with random weights."""
    own = own_size(spec) if source.size is None else (source.size, source.size)
    config = source.config
    if hasattr(config, "depths"):
        own = (max(own[0], _DEEP_STRIDE), max(own[1], _DEEP_STRIDE))
    elif config.model_type not in _RECTANGLES:
        own = (max(own), max(own))
    patch = getattr(config, "patch_size", 1)
    patch = patch if isinstance(patch, int) else max(patch)
    height, width = (math.ceil(side / patch) * patch for side in own)
    if source.size is not None and height != source.size:
        raise ConfigError(
            f"backbone.size={source.size}: must be a multiple of the patch, {patch} pixels"
        )
    return height, width


def _trained_size(config: PreTrainedConfig, extractor: Mapping[str, Any]) -> tuple[int, int]:
    """Return the size of the images that the model was trained on."""
    size: Any = extractor.get("crop_size") if extractor.get("do_center_crop") else None
    size = size or extractor.get("size") or getattr(config, "image_size", None) or 224
    if isinstance(size, dict):
        side = size.get("shortest_edge") or 224
        return int(size.get("height") or side), int(size.get("width") or side)
    return (int(size), int(size)) if isinstance(size, int) else (int(size[0]), int(size[1]))
