"""The input layer: an embedding of each character.

Legend: B batch, T positions, D features.
"""

from torch import nn

from suite import BackboneBuilder, Batch, Sequence, SequenceStem, length_mask


class CharacterStem(SequenceStem):
    """Embeds what is seen of a line. Each position is asked for, so backbones keep them all."""

    def __init__(self, backbone: BackboneBuilder, vocabulary: int, *, features: int) -> None:
        super().__init__(backbone, features=features, positions=True)
        self.embedding = nn.Embedding(vocabulary, features)

    def sequence(self, batch: Batch) -> Sequence:
        """Read `tokens_BT` and `length_B`, and nothing of what is hidden."""
        tokens_BT = batch["tokens_BT"]
        mask_BT = length_mask(batch["length_B"], tokens_BT.shape[1])
        return Sequence(self.embedding(tokens_BT) * mask_BT.unsqueeze(2), mask_BT)
