"""Sounds that are computed, each a function of its number, and a folder of them.

Legend: S samples.
"""

import csv
import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import soundfile
import torch
from torch import Tensor

from suite import Split, normal, uniform

_SHARE = 0.4
"""Of recordings that hold a tag."""
_FIRST = {Split.TRAIN: 0, Split.VALIDATION: 1_000_000, Split.TEST: 2_000_000}
"""Number of the first recording of each split."""


class Draw:
    """Random numbers of one recording: functions of its number and of what they are for."""

    def __init__(self, number: int) -> None:
        self.key_B = torch.tensor([number])

    def between(self, low: float, high: float, stream: int) -> float:
        """Draw evenly from [low, high)."""
        return low + (high - low) * float(uniform(self.key_B, stream))

    def noise(self, samples: int, stream: int) -> Tensor:
        """Draw white noise, (S,), of deviation 1."""
        return normal(self.key_B, stream, samples)[0]


def tone(second_S: Tensor, draw: Draw) -> Tensor:
    """Return a steady note."""
    return torch.sin(2 * math.pi * draw.between(200, 2000, 10) * second_S)


def chirp(second_S: Tensor, draw: Draw) -> Tensor:
    """Return a note that rises or falls by an octave each half second."""
    octaves = 2 if draw.between(0, 1, 11) < 0.5 else -2
    start = draw.between(400, 800, 12) * (1 if octaves > 0 else 4)
    phase_S = start * (torch.exp2(octaves * second_S) - 1) / (octaves * math.log(2))
    return torch.sin(2 * math.pi * phase_S)


def clicks(second_S: Tensor, draw: Draw) -> Tensor:
    """Return short bursts at a steady rate."""
    period = draw.between(0.08, 0.2, 13)
    since_S = (second_S + draw.between(0, period, 14)) % period
    return 4 * torch.exp(-since_S / 0.002) * draw.noise(len(second_S), 15)


def hiss(second_S: Tensor, draw: Draw) -> Tensor:
    """Return white noise."""
    return 0.5 * draw.noise(len(second_S), 16)


def bell(second_S: Tensor, draw: Draw) -> Tensor:
    """Return partials that are no multiples of each other, struck once and dying away."""
    base = draw.between(300, 900, 17)
    partials = [torch.sin(2 * math.pi * base * ratio * second_S) for ratio in (1, 2.76, 3.93)]
    return torch.stack(partials).sum(0) * torch.exp(-second_S / 0.15)


SOUNDS: dict[str, Callable[[Tensor, Draw], Tensor]] = {
    sound.__name__: sound for sound in (bell, chirp, clicks, hiss, tone)
}
"""Sounds by the tag they are known by."""


def recording(number: int, sample_rate: int) -> tuple[Tensor, list[str]]:
    """Return samples (S,) between -1 and 1, half a second to a second of them, and tags."""
    draw = Draw(number)
    samples = round(draw.between(0.5, 1, 1) * sample_rate)
    second_S = torch.arange(samples) / sample_rate
    wave_S = 0.05 * draw.noise(samples, 2)
    tags = []
    for place, (tag, sound) in enumerate(SOUNDS.items()):
        if draw.between(0, 1, 3 + place) < _SHARE:
            decibels = draw.between(-12, 0, 100 + place)
            wave_S = wave_S + 10 ** (decibels / 20) * sound(second_S, draw)
            tags.append(tag)
    return 0.9 * wave_S / wave_S.abs().max(), tags


def write_sounds(into: Path, *, clips: int, sample_rate: int) -> Path:
    """Return the folder with train, validation and test; write it where it is not there yet."""
    folder = into / f"synthetic-1-{clips}-{sample_rate}"
    if folder.is_dir():
        return folder
    into.mkdir(parents=True, exist_ok=True)
    # Made elsewhere and moved when whole, so that nobody reads half of it.
    with tempfile.TemporaryDirectory(dir=into) as begun:
        for split, first in _FIRST.items():
            place = Path(begun) / folder.name / split.value
            place.mkdir(parents=True)
            count = clips if split is Split.TRAIN else max(clips // 3, 1)
            with (place / "metadata.csv").open("w", newline="") as table:
                rows = csv.writer(table)
                rows.writerow(["file_name", "tags"])
                for number in range(count):
                    wave_S, tags = recording(first + number, sample_rate)
                    soundfile.write(place / f"{number:04}.flac", wave_S.numpy(), sample_rate)
                    rows.writerow([f"{number:04}.flac", ";".join(tags)])
        shutil.move(Path(begun) / folder.name, folder)
    return folder
