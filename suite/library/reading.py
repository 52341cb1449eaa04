"""How a model of the transformers library reads what a stem offers."""

import copy
from abc import abstractmethod
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.utils.generic import ModelOutput

from suite.features import Intake, Spec
from suite.library.source import Source


class Reading(nn.Module):
    """Turns the stem's output into the model's arguments."""

    longest: int | None = None
    """Samples that the model hears at most, where it has such a limit."""

    def __init__(self, source: Source, config: PreTrainedConfig, spec: Any) -> None:
        super().__init__()

    @classmethod
    @abstractmethod
    def intake(cls, source: Source) -> Intake:
        """Return what models of this kind take in."""

    @classmethod
    def prepare(cls, source: Source, spec: Spec) -> PreTrainedConfig:
        """Return the configuration that suits inputs of this shape, to build the model from."""
        return copy.deepcopy(source.config)

    def adapt(self, model: PreTrainedModel) -> PreTrainedModel:
        """Return the part of the model that is used."""
        return model

    @abstractmethod
    def forward(self, inputs: Any) -> tuple[dict[str, Any], Tensor | None]:
        """Return the model's arguments, and the mask (B, T) of the positions that it returns."""

    def select(self, output: ModelOutput) -> Tensor:
        """Return what counts of the model's output, (B, T, D)."""
        values: Tensor = output["last_hidden_state"]
        return values

    def positions(self, length: int) -> int:
        """Return how many positions the model makes of an input of this length."""
        return length
