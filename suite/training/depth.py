"""How deep in a model each parameter lies, for learning rates that fall towards the input.

Layer-wise decay (Howard and Ruder 2018, section 3.2; Clark et al. 2020, "ELECTRA"; Bao et al. 2022,
"BEiT"): the head learns at the full rate, the layer below it at `decay` times that, and so on down
to the input.
"""

from torch import nn

from suite.levels import levels


def rate_shares(model: nn.Module, decay: float) -> dict[nn.Parameter, float]:
    """Return each parameter's learning rate as a share of the full one."""
    if decay == 1:
        return dict.fromkeys(model.parameters(), 1.0)
    level = levels(model)
    top = max(level.values(), default=0)
    return {parameter: decay ** (top - depth) for parameter, depth in level.items()}
