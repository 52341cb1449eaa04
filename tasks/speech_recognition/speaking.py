"""Have eSpeak NG speak in a process of its own, and make its sound ready to store."""

import json
import math
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from suite import DataError
from tasks.speech_recognition.espeak import NATIVE_RATE

_PROGRAM = Path(__file__).with_name("espeak.py")
_FRAME_SECONDS = 0.01
_MARGIN_SECONDS = 0.03
_SILENCE = 10 ** (-45 / 20)

Request = tuple[str, str, int, int]
"""Text, voice as in `en-us+f2`, words per minute, pitch (0 to 99)."""


def speak(requests: Sequence[Request], sample_rate: int) -> list[NDArray[np.int16]]:
    """Return the sound of each request, trimmed and resampled, in order.

    Raises `DataError` where eSpeak NG does not start, refuses a request or gives no sound.
    """
    sounds: list[NDArray[np.int16]] = []
    with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as complaint:
        question.write(json.dumps(requests).encode())
        question.seek(0)
        command = [sys.executable, "-P", str(_PROGRAM)]
        with subprocess.Popen(
            command, stdin=question, stdout=subprocess.PIPE, stderr=complaint
        ) as process:
            assert process.stdout is not None
            while (sound := _read(process.stdout)) is not None:
                sounds.append(resample(trim(sound), sample_rate))
        complaint.seek(0)
        lines = complaint.read().decode(errors="replace").strip().splitlines()
    if process.returncode != 0 or len(sounds) != len(requests):
        why = lines[-1] if lines else f"exit status {process.returncode}"
        raise DataError(f"eSpeak NG stopped after {len(sounds)} of {len(requests)}: {why}")
    silent = next((i for i, sound in enumerate(sounds) if len(sound) == 0), None)
    if silent is not None:
        raise DataError(f"eSpeak NG gave no sound for {requests[silent]}: change the words")
    return sounds


def trim(sound_S: NDArray[np.int16], rate: int = NATIVE_RATE) -> NDArray[np.int16]:
    """Cut silence at both ends, leaving 30 ms.

    Silence is 45 dB below the loudest 10 ms: low enough to keep the end of "six" and "off".
    """
    frame = int(rate * _FRAME_SECONDS)
    frames = len(sound_S) // frame
    if frames == 0 or not sound_S.any():
        return sound_S[:0]
    power = np.square(sound_S[: frames * frame].reshape(frames, frame).astype(np.float32)).mean(1)
    loud = np.flatnonzero(power > power.max() * _SILENCE**2)
    margin = int(rate * _MARGIN_SECONDS)
    return sound_S[max(loud[0] * frame - margin, 0) : (loud[-1] + 1) * frame + margin]


def resample(
    sound_S: NDArray[np.int16], sample_rate: int, rate: int = NATIVE_RATE
) -> NDArray[np.int16]:
    """Change the sample rate with a polyphase filter, which also removes what would alias."""
    common = math.gcd(rate, sample_rate)
    if len(sound_S) == 0 or rate == sample_rate:
        return sound_S
    changed: NDArray[np.float32] = resample_poly(
        sound_S.astype(np.float32), sample_rate // common, rate // common
    )
    return np.clip(np.rint(changed), -32_768, 32_767).astype(np.int16)


def _read(stream: IO[bytes]) -> NDArray[np.int16] | None:
    """Return the next utterance, or None where the stream ends."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (count,) = struct.unpack("<i", head)
    body = stream.read(2 * count)
    if len(body) < 2 * count:
        return None
    return np.frombuffer(body, np.dtype("<i2")).astype(np.int16)
