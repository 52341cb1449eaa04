"""How deep in a model each parameter lies: input, hidden layers, output."""

from torch import nn

from suite.features import Backbone


def levels(model: nn.Module) -> dict[nn.Parameter, int]:
    """Return each parameter's level: 0 at the input, then the hidden layers, then the output.

    The levels, from the input: the stem with all of the backbone that is registered before its
    layers (embeddings), the layers, and the head with all that comes after them.
    """
    backbone = getattr(model, "backbone", None)
    layers = backbone.hidden_layers() if isinstance(backbone, Backbone) else []
    number = {p: k for k, layer in enumerate(layers, 1) for p in layer.parameters()}
    top = len(layers) + 1
    level: dict[nn.Parameter, int] = {}
    current, ahead = 0, set(number)
    # In the order of registration: stem, backbone, head. What lies between layers goes with the one
    # before it.
    for parameter in model.parameters():
        current = number.get(parameter, current if ahead else top)
        level[parameter] = current
        ahead.discard(parameter)
    return level


def trained_by_layer(model: nn.Module) -> dict[str, dict[str, nn.Parameter]]:
    """Return trained parameters by name, by layer from input to output.

    Layers are `input`, `layer 1` and so on, and `output`; one without any is left out.
    """
    level = levels(model)
    top = max(level.values(), default=0)
    layers: dict[str, dict[str, nn.Parameter]] = {}
    for number in range(top + 1):
        found = {
            name: parameter
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and level[parameter] == number
        }
        if found:
            names = {0: "input", top: "output"}
            layers[names.get(number, f"layer {number}")] = found
    return layers
