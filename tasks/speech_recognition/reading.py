"""Reads recordings through soundfile: wav, flac, NIST sphere and samples without a header.

torchaudio and the datasets library read audio only with torchcodec and ffmpeg; this needs neither.

Legend: S samples, A channels.
"""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from suite import DataError

_NO_LENGTH = 2**62
"""What libsndfile takes for the length of a file whose header does not tell it, or more."""
_REST_SECONDS = 0.01
"""A stretch that ends so close to the end of its file ends there: lists round their seconds."""


@dataclass(frozen=True)
class Stretch:
    """Samples `first` to `first + frames` of a file, at the file's own rate.

    whole: whether that is all of it.
    endian: byte order ("big", "little") of a file without a header; empty reads the header.
    """

    file: Path
    first: int
    frames: int
    rate: int
    whole: bool = True
    endian: str = ""

    def length(self, sample_rate: int) -> int:
        """Return the samples there are at another rate, as torchaudio's resampling makes them."""
        return -(-self.frames * sample_rate // self.rate)


def measure(
    file: Path,
    *,
    start_seconds: float = 0.0,
    seconds: float | None = None,
    rate: int = 0,
    endian: str = "",
) -> Stretch:
    """Return what to read of a file, from its header alone; raise a `DataError` that names it.

    seconds: None reads to the end. rate, endian: of a file without a header.
    """
    with _open(file, rate, endian) as opened:
        frames, rate = len(opened), opened.samplerate
    if rate <= 0:
        raise DataError(f"{file}: has a sample rate of {rate}; replace the file")
    if frames >= _NO_LENGTH:
        raise DataError(f"{file}: its header does not tell its length; encode it again")
    if not endian and _wav_is_cut(file):
        raise DataError(f"{file}: is truncated; replace the file")
    first = round(start_seconds * rate)
    last = frames if seconds is None else round((start_seconds + seconds) * rate)
    close = round(_REST_SECONDS * rate)
    if last > frames + close or first > frames:
        raise DataError(
            f"{file}: lasts {frames / rate:g} s, but is listed to {last / rate:g} s; mend the list"
        )
    if last > frames - close:
        last = frames
    whole = (first, last) == (0, frames)
    return Stretch(file, first, last - first, rate, whole, endian)


def read(stretch: Stretch) -> np.ndarray:
    """Return the samples of a stretch, (S, A) int16; raise a `DataError` that names it."""
    file = stretch.file
    with _open(file, stretch.rate, stretch.endian) as opened:
        try:
            if stretch.first:
                opened.seek(stretch.first)
            samples: np.ndarray = opened.read(stretch.frames, dtype="int16", always_2d=True)
        except (OSError, RuntimeError) as error:
            raise _unreadable(file, error) from error
    if len(samples) < stretch.frames:
        raise DataError(f"{file}: is truncated; replace the file")
    return samples


def at_rate(samples: np.ndarray, stretch: Stretch, sample_rate: int) -> Tensor:
    """Return samples, (S, A), with their channels averaged at the wanted rate, (S,) int16."""
    wave = torch.from_numpy(samples)
    mono_S = wave[:, 0] if wave.shape[1] == 1 else wave.float().mean(1).round().to(torch.int16)
    wave_S = resample(mono_S.contiguous(), stretch.rate, sample_rate)
    # torchaudio finds the length in single precision, which is out by one in long recordings.
    missing = stretch.length(sample_rate) - len(wave_S)
    return torch.nn.functional.pad(wave_S, (0, missing)) if missing else wave_S


def resample(wave_S: Tensor, rate: int, wanted: int) -> Tensor:
    """Return int16 samples at the wanted rate, through a windowed sinc (Smith 1984)."""
    if rate == wanted:
        return wave_S
    from torchaudio.functional import resample as sinc_resample

    resampled: Tensor = sinc_resample(wave_S.float(), rate, wanted)
    return resampled.round().clamp(-32768, 32767).to(torch.int16)


def digest(samples: np.ndarray) -> bytes:
    """Return the MD5 of samples as FLAC keeps it in its header: little-endian, channels
    interleaved.

    It names the sound, not the file: the same in wav, sphere and flac.
    """
    little = samples if sys.byteorder == "little" else samples.byteswap()
    return hashlib.md5(np.ascontiguousarray(little).data, usedforsecurity=False).digest()


def kept_digest(stretch: Stretch) -> bytes | None:
    """Return the digest that a flac file keeps of itself; None where there is none to go by."""
    if not stretch.whole or stretch.file.suffix.lower() != ".flac":
        return None
    with stretch.file.open("rb") as opened:
        head = opened.read(42)
    # After the mark and four bytes of length: STREAMINFO, the MD5 last; bits to a sample are five
    # bits across bytes 20 and 21.
    bits = ((head[20] & 1) << 4 | head[21] >> 4) + 1 if len(head) == 42 else 0
    kept = head[26:42]
    return kept if head[:4] == b"fLaC" and bits == 16 and any(kept) else None


def _open(file: Path, rate: int, endian: str) -> soundfile.SoundFile:
    try:
        if not endian:
            return soundfile.SoundFile(file)
        return soundfile.SoundFile(
            file, samplerate=rate, channels=1, format="RAW", subtype="PCM_16", endian=endian
        )
    except (OSError, RuntimeError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    reason = str(error).rpartition(": ")[2] or type(error).__name__
    if "SF_INFO" in reason:
        reason = "its header has a sample rate or a number of channels of zero"
    return DataError(f"{file}: cannot be read ({reason}); replace the file")


def _wav_is_cut(file: Path) -> bool:
    """Return whether a RIFF header promises more bytes than there are; soundfile reads on."""
    with file.open("rb") as opened:
        head = opened.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        size = file.stat().st_size
        while len(chunk := opened.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                # Writers to a pipe leave the length at its largest value: that is no promise.
                return length < 2**32 - 2**16 and opened.tell() + length > size
            opened.seek(length + length % 2, 1)
    return True
