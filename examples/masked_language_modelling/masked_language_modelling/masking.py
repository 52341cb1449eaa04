"""Which characters are hidden, and by what: a function of a line's key and its length alone.

Legend: B batch, T positions.
"""

import torch
from torch import Tensor

from suite import length_mask, uniform

PADDING, MASK, FIRST = 0, 1, 2
"""Numbers of what is no character, and of the first that is."""
_ORDER, _HOW, _WHICH = 0, 1, 2
"""Streams of random numbers, one for each use of a key."""


def mask(
    tokens_BT: Tensor, length_B: Tensor, key_B: Tensor, *, share: float, vocabulary: int
) -> tuple[Tensor, Tensor]:
    """Return what the model sees, (B, T), and what it is to tell, (B, T), `PADDING` elsewhere.

    Devlin et al. 2019, section 3.1: of a share of the tokens, at least one, 80% are replaced by the
    mask, 10% by any token and 10% stay as they are, so that the model cannot tell which these are.
    key_B: int64; another key hides others. vocabulary: tokens that there are, all numbers counted.
    """
    positions = tokens_BT.shape[1]
    real_BT = length_mask(length_B, positions)
    drawn_BT = uniform(key_B, _ORDER, positions).masked_fill(~real_BT, 2.0)
    rank_BT = drawn_BT.argsort(dim=1, stable=True).argsort(dim=1)
    chosen_BT = rank_BT < (share * length_B).round().clamp(min=1)[:, None]
    chosen_BT &= real_BT
    how_BT = uniform(key_B, _HOW, positions)
    any_BT = FIRST + (uniform(key_B, _WHICH, positions) * (vocabulary - FIRST)).long()
    hidden_BT = torch.where(chosen_BT & (how_BT < 0.8), MASK, tokens_BT)
    hidden_BT = torch.where(chosen_BT & (how_BT >= 0.9), any_BT, hidden_BT)
    return hidden_BT, torch.where(chosen_BT, tokens_BT, PADDING)
