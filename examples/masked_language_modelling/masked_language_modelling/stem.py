"""The input layer: an embedding of each character, in either form.

Legend: B batch, T positions, D features.
"""

from torch import nn

from suite import Batch, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem, length_mask


class CharacterStem(Stem):
    """Embeds what is seen of a line. A grid has the features as channels and a height of one."""

    def __init__(self, vocabulary: int, *, features: int, form: Form) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, features)
        self.spec = (
            SequenceSpec(features=features)
            if form is Form.SEQUENCE
            # Each position is asked for, so a backbone must not shorten the line.
            else GridSpec(channels=features, height=1, max_width_stride=1)
        )

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `tokens_BT` and `length_B`, and nothing of what is hidden."""
        tokens_BT = batch["tokens_BT"]
        mask_BT = length_mask(batch["length_B"], tokens_BT.shape[1])
        values_BTD = self.embedding(tokens_BT) * mask_BT.unsqueeze(2)
        if isinstance(self.spec, SequenceSpec):
            return Sequence(values_BTD, mask_BT)
        return Grid(values_BTD.transpose(1, 2).unsqueeze(2), mask_BT)
