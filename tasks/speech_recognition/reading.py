"""Reads recordings through soundfile: wav, flac, NIST sphere and samples without a header.

torchaudio and the datasets library read audio only with torchcodec and ffmpeg; this needs neither.

Legend: S samples, A channels.
"""

import hashlib
import math
import os
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
_RATES = range(1_000, 1_000_001)
"""Samples per second of recordings; another number is a damaged header."""
_MOST_BYTES = 2**31
"""Of the decoded samples of one recording."""
_COMPRESSED = {"FLAC", "OGG", "MP3"}
_MOST_PER_BYTE = 2**15
"""Samples that a byte can stand for: a FLAC frame of silence has 65,535 in a dozen bytes."""
_MOST_PER_BYTE_PLAIN = 16
"""As above, in formats that leave no silence out; the densest (GSM 6.10) has five."""
_KERNEL = 2**24
"""Numbers in the filter between two sample rates; rates without a common factor need more."""
_CHUNKS = 4096
"""Parts of a wav file to look for its samples in."""
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
    sample_rate: int | None = None,
    max_seconds: float = math.inf,
) -> Stretch:
    """Return what to read of a file, from its header alone; raise a `DataError` that names it.

    seconds: None reads to the end. rate, endian: of a file without a header.
    sample_rate: what it will be resampled to. max_seconds: what it may last.
    """
    if not os.path.isfile(file):  # Path.is_file raises where a name is too long
        raise DataError(f"{file}: cannot be read (there is no such file); mend the list")
    with _open(file, rate, endian) as opened:
        frames, rate, channels = len(opened), opened.samplerate, opened.channels
        packed = opened.format in _COMPRESSED
    size = file.stat().st_size
    if rate not in _RATES:
        raise DataError(f"{file}: has a sample rate of {rate}; replace the file")
    if sample_rate is not None and _kernel(rate, sample_rate) > _KERNEL:
        raise DataError(
            f"{file}: its sample rate of {rate} cannot be brought to {sample_rate}; replace the "
            "file, or encode it again at a usual rate"
        )
    if frames >= _NO_LENGTH:
        raise DataError(f"{file}: its header does not tell its length; encode it again")
    if frames * channels > size * (_MOST_PER_BYTE if packed else _MOST_PER_BYTE_PLAIN):
        raise DataError(f"{file}: claims {frames} samples in {size} bytes; replace the file")
    if size % 2 if endian else _wav_is_cut(file):
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
    if last - first > max_seconds * rate or (last - first) * channels * 2 > _MOST_BYTES:
        raise DataError(
            f"{file}: lasts {(last - first) / rate:g} s in {channels} channels, above "
            f"data.max_seconds={max_seconds:g} or {_MOST_BYTES} bytes; cut it, or raise "
            "data.max_seconds"
        )
    whole = (first, last) == (0, frames)
    return Stretch(file, first, last - first, rate, whole, endian)


def read(stretch: Stretch) -> np.ndarray:
    """Return the samples of a stretch, (S, A) int16; raise a `DataError` that names it."""
    file = stretch.file
    with _open(file, stretch.rate, stretch.endian) as opened:
        try:
            if stretch.first:
                opened.seek(stretch.first)
            # Floats lie between -1 and 1; libsndfile would round them to those.
            floats = opened.subtype in ("FLOAT", "DOUBLE")
            samples: np.ndarray = opened.read(
                stretch.frames, dtype="float32" if floats else "int16", always_2d=True
            )
        except (OSError, RuntimeError) as error:
            raise _unreadable(file, error) from error
    if len(samples) < stretch.frames:
        raise DataError(f"{file}: is truncated; replace the file")
    if not floats:
        return samples
    if not np.isfinite(samples).all():
        raise DataError(f"{file}: holds samples that are no numbers; replace the file")
    return (samples.clip(-1, 1) * 32768.0).round().clip(-32768, 32767).astype(np.int16)


def read_whole(stretch: Stretch) -> tuple[np.ndarray, bytes]:
    """Return the samples of a stretch, (S, A) int16, and their digest.

    Raises a `DataError` also where a flac file tells of another sound than it holds.
    """
    samples = read(stretch)
    found, kept = digest(samples), kept_digest(stretch)
    if kept is not None and kept != found:
        raise DataError(f"{stretch.file}: has another MD5 than its header says; replace the file")
    return samples, found


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
    try:
        with stretch.file.open("rb") as opened:
            head = opened.read(42)
    except OSError as error:
        raise _unreadable(stretch.file, error) from error
    # After the mark and four bytes of length: STREAMINFO, the MD5 last; bits to a sample are five
    # bits across bytes 20 and 21.
    bits = ((head[20] & 1) << 4 | head[21] >> 4) + 1 if len(head) == 42 else 0
    kept = head[26:42]
    return kept if head[:4] == b"fLaC" and bits == 16 and any(kept) else None


def _kernel(rate: int, wanted: int) -> int:
    """Return how many numbers torchaudio's filter between two rates has, or nearly."""
    common = math.gcd(rate, wanted)
    old, new = rate // common, wanted // common
    return new * (old + 12 * max(old // new, 1)) if old != new else 1


def _open(file: Path, rate: int, endian: str) -> soundfile.SoundFile:
    try:
        if not endian:
            return soundfile.SoundFile(file)
        return soundfile.SoundFile(
            file, samplerate=rate, channels=1, format="RAW", subtype="PCM_16", endian=endian
        )
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    reason = " ".join(str(error).rpartition(": ")[2].split()) or type(error).__name__
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
        for _ in range(_CHUNKS):
            if len(chunk := opened.read(8)) < 8:
                break
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                # Writers to a pipe leave the length at its largest value: that is no promise.
                return length < 2**32 - 2**16 and opened.tell() + length > size
            opened.seek(length + length % 2, 1)
    return True
