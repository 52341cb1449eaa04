"""Images at a lower resolution: what there is to see when less is seen of each.

Legend: N images, B batch, C channels, H height, W width.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from suite import ConfigError, DataSet, Examples, Ragged, Served, StreamedExamples

_AT_ONCE = 4096
"""Images that are reduced at a time: as floats they take four times the memory."""


def at_resolution(data: DataSet, side: int | None) -> DataSet:
    """Return the data set with images whose shorter side has so many pixels; None changes nothing.

    Raises a `ConfigError` where images are smaller.
    """
    if side is None:
        return data
    return replace(
        data, splits={split: _reduced(part, side) for split, part in data.splits.items()}
    )


def reduce(pixels_BCHW: Tensor, side: int) -> Tensor:
    """Return uint8 pixels that are means of areas, the shorter side being `side`."""
    height, width = pixels_BCHW.shape[2:]
    shorter = min(height, width)
    if side > shorter:
        raise ConfigError(
            f"task.resolution={side}: above the images' shorter side of {shorter} pixels; give at "
            "most that, or null"
        )
    size = (round(height * side / shorter), round(width * side / shorter))
    return F.adaptive_avg_pool2d(pixels_BCHW.float(), size).round().to(torch.uint8)


def _reduced(part: Served, side: int) -> Served:
    if isinstance(part, StreamedExamples):
        return replace(part, fetch=_Reduced(part, side))
    assert isinstance(part, Examples)
    pixels_NCHW = cast(Tensor, part.columns["pixels_BCHW"])
    reduced = torch.cat([reduce(some, side) for some in pixels_NCHW.split(_AT_ONCE)])
    return replace(part, columns={**part.columns, "pixels_BCHW": reduced})


@dataclass(frozen=True)
class _Reduced:
    """Fetches images of a stream, and reduces them."""

    whole: StreamedExamples
    side: int

    def name(self, index: int) -> str:
        return str(self.whole.fetch.name(index))  # type: ignore[attr-defined]

    def files(self) -> set[Path]:
        files: set[Path] = self.whole.fetch.files()  # type: ignore[attr-defined]
        return files

    def __call__(self, index_B: Tensor) -> Mapping[str, Tensor | Ragged]:
        columns = self.whole.fetch(index_B)
        pixels_BCHW = cast(Tensor, columns["pixels_BCHW"])
        return {**columns, "pixels_BCHW": reduce(pixels_BCHW, self.side)}
