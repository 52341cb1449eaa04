"""Which part of a library's model is trained."""

from typing import Any

from torch import nn

from suite.errors import ConfigError
from suite.features import Backbone

ALL, NONE = "all", "none"


class LibraryBackbone(Backbone):
    """A backbone around the model of a library, of which some layers may be frozen.

    A frozen layer gets no gradient and stays in evaluation mode: no dropout, and normalisation by
    the statistics it came with. What the suite adds around the model is always trained.
    """

    model: Any
    """The library's; its parts have no types."""
    _frozen: tuple[nn.Module, ...] = ()

    def freeze(self, trainable: str) -> None:
        """Freeze all but what `trainable` says: all, none, or a number of layers from the top."""
        if trainable == ALL:
            return
        layers = self.hidden_layers()
        kept: list[nn.Module] = []
        if trainable != NONE:
            if int(trainable) > len(layers):
                raise ConfigError(
                    f"backbone.trainable={trainable}: the model has {len(layers)} layers; "
                    "give fewer, or all"
                )
            kept = layers[-int(trainable) :]
        trained = {p for layer in kept for p in layer.parameters()}
        entered = False
        for parameter in self.model.parameters():
            # What follows the layers (a last normalisation) is trained with the topmost.
            entered = entered or parameter in trained
            parameter.requires_grad_(entered)
        self._frozen = tuple(_frozen_parts(self.model))
        self.train(self.training)

    def train(self, mode: bool = True) -> "LibraryBackbone":
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self


def _frozen_parts(module: nn.Module) -> list[nn.Module]:
    """Return the largest parts with parameters of which none is trained."""
    parameters = list(module.parameters())
    if not parameters:
        return []
    if not any(p.requires_grad for p in parameters):
        return [module]
    return [part for child in module.children() for part in _frozen_parts(child)]


def layer_list(model: nn.Module) -> list[nn.Module]:
    """Return the model's layers: of its lists of modules that lie in no other, the largest."""
    lists: list[nn.ModuleList] = []

    def search(module: nn.Module) -> None:
        for child in module.children():
            if isinstance(child, nn.ModuleList):
                lists.append(child)
            else:
                search(child)

    search(model)
    return list(max(lists, key=lambda one: sum(p.numel() for p in one.parameters()), default=()))
