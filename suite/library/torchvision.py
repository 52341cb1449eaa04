"""Classifiers of torchvision, without their last layer.

Legend: B batch, C channels, H height, W width.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.func import functional_call
from torchvision.models import get_model, list_models
from torchvision.models.vision_transformer import Encoder

from suite.errors import ConfigError, nearest, one_line
from suite.features import Form, Grid, GridSpec, Intake, Sequence
from suite.library.frozen import LibraryBackbone
from suite.library.pixels import Fitting, adapt_first_convolution, own_size
from suite.library.weights import load_all_but_the_last, read_weights

_BRANCHED = ("googlenet", "inception_v3")
"""Models with classifiers halfway, which are left out, and an initialisation of their own."""
_STEPS = {"vit_h_14": 14, "vit_b_16": 16, "vit_l_16": 16, "vit_b_32": 32, "vit_l_32": 32,
          "maxvit_t": 224}  # fmt: skip
"""Models made for one square, whose side is a multiple of this."""
_SIDES = (32, 64, 75, 96, 128, 224)
"""Sides to try with a model that does not take a grid as it is."""
_USUAL_SIDE = 224
"""What published weights with learned positions were trained on."""


class Torchvision(LibraryBackbone):
    """A classifier of torchvision up to its last layer: one vector for a grid.

    model: its name in torchvision. weights: safetensors of the whole classifier.
    size: side in pixels that grids are resized to; None keeps theirs where the model can take it.
    options: of the model's builder. load: False leaves random weights, for a run's to replace.
    """

    def __init__(
        self,
        spec: GridSpec,
        *,
        model: str,
        weights: str | None,
        size: int | None,
        options: Mapping[str, Any],
        trainable: str,
        load: bool = True,
    ) -> None:
        super().__init__()
        pretrained = weights is not None
        state = read_weights(weights) if weights is not None and load else None
        sizes = _sizes(model, spec, size, pretrained=pretrained)
        built, size_HW = _build(model, options, sizes)
        self.fitting = Fitting(spec, size_HW)
        self.model = built
        if state is not None:
            load_all_but_the_last(self.model, state, f"backbone.weights={weights}", side=size_HW[0])
        self.features = output_width(self.model, size_HW)
        adapt_first_convolution(self.model, self.fitting.channels, pretrained=pretrained)
        if pretrained and model in _BRANCHED:
            # These weights come from TensorFlow, where colours lie between -1 and 1.
            self.model.transform_input = self.fitting.channels == 3
        self.freeze(trainable)

    @classmethod
    def intake(cls, options: Mapping[str, Any]) -> Intake:
        model, known = options["model"], list_models(module=torchvision.models)
        if model not in known:
            raise ConfigError(
                f"backbone.model={model}: torchvision has no classifier of this name"
                f"{nearest(model, known)}"
            )
        forms = (Form.GRID,) if options["weights"] is None else (Form.PIXELS, Form.GRID)
        return Intake(forms=forms, positions=False)

    @classmethod
    def rebuilt(cls, options: Mapping[str, Any], kept: Path) -> Mapping[str, Any]:
        return {**options, "load": False}

    def forward(self, inputs: Grid) -> Sequence:
        """Map (B, C, H, W) to (B, 1, features)."""
        values: Tensor = self.model(self.fitting(inputs))
        return Sequence(values.unsqueeze(1))

    def hidden_layers(self) -> list[nn.Module]:
        return _with_their_norms(_blocks(self.model))


def _sizes(
    model: str, spec: GridSpec, size: int | None, *, pretrained: bool
) -> list[tuple[int, int]]:
    """Return the sizes to try: the one asked for; else the grid's own, then larger squares."""
    if size is not None:
        return [(size, size)]
    own = own_size(spec)
    if model in _STEPS:
        side = _USUAL_SIDE if pretrained else math.ceil(max(own) / _STEPS[model]) * _STEPS[model]
        return [(side, side)]
    return [own, *((side, side) for side in _SIDES if side > min(own) and side >= max(own))]


def _build(
    model: str, options: Mapping[str, Any], sizes: list[tuple[int, int]]
) -> tuple[nn.Module, tuple[int, int]]:
    """Return the model without its last layer, and the first of these sizes that it takes."""
    built, told = None, ""
    for size_HW in sizes:
        try:
            built = built or _without_classifier(model, options, size_HW)
            output_width(built, size_HW)
        except (RuntimeError, ValueError, AssertionError) as error:
            told = one_line(str(error))
        else:
            return built, size_HW
    height, width = sizes[0]
    raise ConfigError(
        f"backbone.size: {model} does not take {height} x {width} ({told[:150]}); give another size"
    )


def _without_classifier(
    model: str, options: Mapping[str, Any], size_HW: tuple[int, int]
) -> nn.Module:
    arguments: dict[str, Any] = {"num_classes": 1}
    if model in _BRANCHED:
        arguments |= {"aux_logits": False, "init_weights": True}
    elif model.startswith("vit"):
        arguments["image_size"] = size_HW[0]
    elif model.startswith("maxvit"):
        arguments["input_size"] = size_HW
    try:
        built: nn.Module = get_model(model, weights=None, **{**arguments, **options})
    except TypeError as error:
        told = one_line(str(error))
        raise ConfigError(
            f"backbone.options={dict(options)}: {model} takes no such ({told})"
        ) from error
    *_, last = (n for n, m in built.named_modules() if isinstance(m, nn.Linear | nn.Conv2d))
    parent, _, name = last.rpartition(".")
    setattr(built.get_submodule(parent), name, nn.Identity())
    return built


def output_width(model: nn.Module, size_HW: tuple[int, int], channels: int = 3) -> int:
    """Return the length of the model's vector; shapes alone are computed."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    shapes = {name: tensor.to("meta") for name, tensor in state.items()}
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            inputs = torch.empty(2, channels, *size_HW, device="meta")
            return int(functional_call(model, shapes, (inputs,)).shape[1])
    finally:
        model.train(training)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the parts with parameters, from input to output; plain containers are opened."""
    for child in module.children():
        if type(child) in (nn.Sequential, nn.ModuleList, Encoder):
            yield from _blocks(child)
        elif any(True for _ in child.parameters()):
            yield child


def _with_their_norms(blocks: Iterator[nn.Module]) -> list[nn.Module]:
    """Put each normalisation that stands alone together with the part before it."""
    layers: list[list[nn.Module]] = []
    for block in blocks:
        if layers and "Norm" in type(block).__name__ and not any(block.children()):
            layers[-1].append(block)
        else:
            layers.append([block])
    return [parts[0] if len(parts) == 1 else nn.ModuleList(parts) for parts in layers]
