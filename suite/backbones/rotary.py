"""Rotary positions (Su et al. 2021, equation 34): queries and keys turned by their position.

Legend: B batch, N heads, T positions, E features of a head.
"""

import torch
from torch import Tensor


def rotation(positions: int, half: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of position times frequency, each (T, E / 2)."""
    exponent = torch.arange(half, device=like.device, dtype=torch.float32) / half
    angle = torch.outer(
        torch.arange(positions, device=like.device, dtype=torch.float32), 10_000.0**-exponent
    )
    return angle.cos().to(like.dtype), angle.sin().to(like.dtype)


def rotate(values_BNTE: Tensor, turned: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (i, i + E / 2) of queries or keys."""
    cosine, sine = turned
    first, second = values_BNTE.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)
