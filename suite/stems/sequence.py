"""A sequence that is offered as a grid too, so that every backbone takes it.

Legend: B batch, T positions, D features.
"""

from abc import abstractmethod

from suite.features import BackboneBuilder, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem
from suite.task import Batch


class SequenceStem(Stem):
    """An input layer that makes a sequence; as a grid, features are channels and H is 1.

    A subclass says in `sequence` how it makes one of a batch.
    features: D. length: T where every example has the same number of positions, else None.
    positions: the task asks for something at every position, so that a backbone keeps them all.
    """

    def __init__(
        self,
        backbone: BackboneBuilder,
        *,
        features: int,
        length: int | None = None,
        positions: bool = False,
    ) -> None:
        super().__init__()
        self.form = backbone.choose(Form.SEQUENCE, Form.GRID, positions=positions)
        most = 1 if positions else None
        self.spec = (
            SequenceSpec(features=features, length=length)
            if self.form is Form.SEQUENCE
            else GridSpec(channels=features, height=1, width=length, max_width_stride=most)
        )

    @abstractmethod
    def sequence(self, batch: Batch) -> Sequence:
        """Return values (B, T, D), with a mask (B, T) where examples differ in length."""

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Return the batch in the form that the backbone takes."""
        made = self.sequence(batch)
        if self.form is Form.SEQUENCE:
            return made
        return Grid(made.values_BTD.transpose(1, 2).unsqueeze(2), made.mask_BT)
