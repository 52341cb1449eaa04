"""The input layer of texts, and the plainest way to cut them into tokens.

Legend: B batch, T positions, D features.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor, nn

from suite.data.memory import Ragged
from suite.features import BackboneBuilder, Sequence, length_mask
from suite.stems.sequence import SequenceStem
from suite.task import Batch

BYTE_TOKENS = 257
"""How many different tokens `byte_tokens` makes, with padding."""


class EmbeddingStem(SequenceStem):
    """An embedding of each token, normalised. It reads `tokens_BT`, int64, and `length_B`.

    vocabulary: how many different tokens there are, with padding.
    """

    def __init__(self, backbone: BackboneBuilder, vocabulary: int, *, features: int = 64) -> None:
        super().__init__(backbone, features=features)
        self.tokens = nn.Embedding(vocabulary, features)
        self.norm = nn.LayerNorm(features)

    def sequence(self, batch: Batch) -> Sequence:
        tokens_BT = batch["tokens_BT"]
        values_BTD: Tensor = self.norm(self.tokens(tokens_BT))
        return Sequence(values_BTD, length_mask(batch["length_B"], tokens_BT.shape[1]))


def byte_tokens(texts: Iterable[str], *, most: int = 512) -> Ragged:
    """Return the UTF-8 bytes of each text as tokens from 1 to 256, `most` at most; 0 is padding.

    An empty text is one space. A batch has them as `tokens_BT`, if that is the column's name, and
    `length_B`.
    """
    raw = [(text or " ").encode(errors="surrogatepass")[:most] for text in texts]
    return Ragged.from_rows(
        [torch.from_numpy(np.frombuffer(row, np.uint8).astype(np.int64) + 1) for row in raw]
    )
