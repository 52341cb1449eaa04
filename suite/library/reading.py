"""How a model of the transformers library reads what a stem offers."""

from abc import abstractmethod
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from suite.features import Intake, Spec
from suite.library.source import Source


class Reading(nn.Module):
    """Turns the stem's output into the model's arguments."""

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Spec) -> None:
        super().__init__()

    @classmethod
    @abstractmethod
    def intake(cls, source: Source) -> Intake:
        """Return what models of this kind take in."""

    @classmethod
    def prepare(cls, config: PreTrainedConfig, spec: Spec) -> None:
        """Change the configuration to suit inputs of this shape, before the model is built."""

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        """Return the part of the model that is used."""
        return model

    @abstractmethod
    def forward(self, inputs: Any) -> tuple[dict[str, Any], Tensor | None]:
        """Return the model's arguments, and the mask (B, T) of the positions that it returns."""

    def positions(self, length: int) -> int:
        """Return how many positions the model makes of an input of this length."""
        return length
