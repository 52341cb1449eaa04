"""Random numbers as a pure function of a key and a counter.

Order and augmentation are functions of (seed, epoch, index), never of a generator's state, so a
batch can be made again alone and a run resumed by counting. The mixing function is the finaliser of
SplitMix64 (Steele, Lea and Flood 2014, figure 15); the idea is that of Salmon et al. (2011).

Legend: B batch, N numbers of each example.
"""

import math

import torch
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_FIRST, _SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_WORD = 2**64


def example_keys(seed: int, epoch: int, index_B: Tensor) -> Tensor:
    """Return one int64 key for each example, (B,), that its augmentation is drawn from."""
    return _mix(_mix(index_B + _signed(seed * _GOLDEN)) + _signed((epoch + 1) * _GOLDEN))


def uniform(key_B: Tensor, stream: int, numbers: int | None = None) -> Tensor:
    """Draw from [0, 1): (B,), or (B, N). Each use of a key takes a stream of its own.

    key_B: int64, as `key_B` of a training batch. stream: 0 or above. numbers: N for each example;
    None draws one, without an axis. Of N the first ones are the same, however large N is.
    """
    if numbers is None:
        counter = _signed((stream + 1) * _GOLDEN)
        return _to_unit(_mix(key_B + counter))
    # Or'ed with nothing, since torch.compile computes with places in a tensor as with integers that
    # have no end, and so would neither wrap the product below nor take 64 bits for it on CUDA.
    place_N = torch.arange(numbers, device=key_B.device) | 0
    counter_N = place_N + _signed((stream + 1) << 32)
    return _to_unit(_mix(key_B[:, None] + counter_N * _signed(_GOLDEN)))


def normal(key_B: Tensor, stream: int, numbers: int) -> Tensor:
    """Draw from the standard normal distribution: (B, N) (Box and Muller 1958).

    key_B, stream, numbers: as in `uniform`.
    """
    half = (numbers + 1) // 2
    # Neighbours make a pair, so that the first numbers are the same however many are drawn.
    pair = uniform(key_B, stream, 2 * half).unflatten(1, (half, 2))
    radius = (-2.0 * (1.0 - pair[..., 0]).log()).sqrt()
    angle = 2.0 * math.pi * pair[..., 1]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], -1).flatten(1)[:, :numbers]


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of what the model draws (dropout) in one step, from 0 to 2**63 - 1.

    rank: of the process, where several share the step: they draw for other examples.
    """
    # As `_mix` does, without tensors: this runs at every step.
    word = (seed * _GOLDEN + step + (rank << 40)) % _WORD
    word = (word ^ (word >> 30)) * _FIRST % _WORD
    word = (word ^ (word >> 27)) * _SECOND % _WORD
    return (word ^ (word >> 31)) & (2**63 - 1)


def _mix(value: Tensor) -> Tensor:
    value = (value ^ _shift_right(value, 30)) * _signed(_FIRST)
    value = (value ^ _shift_right(value, 27)) * _signed(_SECOND)
    return value ^ _shift_right(value, 31)


def _shift_right(value: Tensor, bits: int) -> Tensor:
    """Shift as an unsigned word; torch shifts int64 with its sign."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)


def _to_unit(word: Tensor) -> Tensor:
    """Take the upper 24 bits, which is what a float32 can hold."""
    return _shift_right(word, 40).to(torch.float32) * 2.0**-24


def _signed(word: int) -> int:
    word %= _WORD
    return word - _WORD if word >= _WORD // 2 else word
