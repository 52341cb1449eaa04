"""How deep in a model each parameter lies, for learning rates that fall towards the input.

Layer-wise decay (Howard and Ruder 2018, section 3.2; Clark et al. 2020, "ELECTRA"; Bao et al. 2022,
"BEiT"): the head learns at the full rate, the layer below it at `decay` times that, and so on down
to the input.
"""

from torch import nn

from suite.features import Backbone


def rate_shares(model: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """Return each parameter's learning rate as a share of the full one.

    The levels, from the input: the stem with all of the backbone that is registered before its
    layers (embeddings), the layers, and the head with all that comes after them.
    """
    if decay == 1:
        return dict.fromkeys(model.parameters(), 1.0)
    level = _levels(model)
    top = max(level.values(), default=0)
    return {parameter: decay ** (top - depth) for parameter, depth in level.items()}


def _levels(model: nn.Module) -> dict[nn.Parameter, int]:
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
