"""What can be told of recordings without understanding them.

Legend: B recordings, S samples, F frames, E samples of a frame.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from suite import Split
from tasks.speech_recognition.recordings import SpeechSet

_LOWEST, _HIGHEST = 60.0, 400.0
"""Pitches of voices, in Hz."""
_FRAME_SECONDS, _HOP_SECONDS = 0.04, 0.01
"""A frame holds two periods of the lowest pitch and more."""
_VOICED = 0.6
"""Autocorrelation, 1 for what repeats exactly, from which a frame counts as voiced."""
_QUIET = 0.03
"""Share of the loudest frame's power below which a frame is not looked at."""
_OCTAVE = 0.9
"""What repeats after a period repeats after two: the first peak of this share of the highest."""
_SILENCE = 1e-10


def properties(
    speech: SpeechSet, split: Split, indices: Sequence[int], sample_rate: int
) -> Mapping[str, Tensor]:
    """Return duration, loudness, brightness and pitch of each recording, and who speaks, (B,).

    seconds; loudness in dB of full scale; centroid: the mean frequency of its power in octaves
    above 1 kHz; pitch in octaves above 100 Hz, NaN where nothing is voiced. speaker: a number for
    each, the same in every split, where the set tells who speaks.
    """
    recordings = speech.splits[split]
    waves = [recordings.waves[i].double() / 2**15 for i in indices]
    pitch = [pitch_hz(wave_S, sample_rate) for wave_S in waves]
    found = {
        "seconds": [len(wave_S) / sample_rate for wave_S in waves],
        "loudness": [10 * math.log10(float(wave_S.square().mean()) + _SILENCE) for wave_S in waves],
        "centroid": [centroid_octaves(wave_S, sample_rate) for wave_S in waves],
        "pitch": [math.log2(hz / 100) for hz in pitch],
    }
    told = {name: torch.tensor(values, dtype=torch.float64) for name, values in found.items()}
    known = {name for part in speech.splits.values() for name in part.speakers}
    if known and "" not in known:
        number = {name: k for k, name in enumerate(sorted(known))}
        told["speaker"] = torch.tensor([number[recordings.speakers[i]] for i in indices])
    return told


def centroid_octaves(wave_S: Tensor, sample_rate: int) -> float:
    """Return the power's mean frequency, in octaves above 1 kHz; NaN for silence."""
    power_K = torch.fft.rfft(wave_S).abs().square()
    power_K[0] = 0  # an offset is no sound
    total = float(power_K.sum())
    if total <= _SILENCE:
        return math.nan
    hz_K = torch.fft.rfftfreq(len(wave_S), 1 / sample_rate, dtype=torch.float64)
    return math.log2(float((power_K * hz_K).sum()) / total / 1000)


def pitch_hz(wave_S: Tensor, sample_rate: int) -> float:
    """Return the median fundamental frequency over voiced frames, in Hz; NaN where there is none.

    The lag at which a frame's autocorrelation peaks, divided by that of its window, as a frame has
    fewer pairs of samples at longer lags (Boersma 1993, equations 6 to 9).
    """
    size, hop = int(_FRAME_SECONDS * sample_rate), max(int(_HOP_SECONDS * sample_rate), 1)
    if len(wave_S) < size:
        return math.nan
    frame_FE = wave_S.unfold(0, size, hop)
    frame_FE = frame_FE - frame_FE.mean(1, keepdim=True)
    power_F = frame_FE.square().mean(1)
    loud_F = (power_F > _QUIET * power_F.max()) & (power_F > _SILENCE)
    if not loud_F.any():
        return math.nan
    window_E = torch.hann_window(size, dtype=wave_S.dtype)
    own_E = _autocorrelation(window_E[None])[0]
    repeats_FE = _autocorrelation(frame_FE[loud_F] * window_E) / own_E.clamp(min=1e-3 * own_E[0])
    repeats_FE = repeats_FE / repeats_FE[:, :1]
    first, last = int(sample_rate / _HIGHEST), int(sample_rate / _LOWEST)
    last = min(last, size - 2)
    lag_FE = repeats_FE[:, first - 1 : last + 2]
    middle = lag_FE[:, 1:-1]
    peak_FE = (middle >= lag_FE[:, :-2]) & (middle > lag_FE[:, 2:])
    height_FE = middle.masked_fill(~peak_FE, -1)
    best_F = height_FE.amax(1)
    place_F = (height_FE >= _OCTAVE * best_F[:, None]).int().argmax(1)
    voiced_F = best_F >= _VOICED
    if not voiced_F.any():
        return math.nan
    # A parabola through the peak and its neighbours finds it between two samples.
    before, at, after = (lag_FE.gather(1, (place_F + k)[:, None])[:, 0] for k in range(3))
    bend = (before - 2 * at + after).clamp(max=-1e-12)
    lag_F = first + place_F + (before - after) / (2 * bend)
    return float((sample_rate / lag_F[voiced_F]).median())


def _autocorrelation(frame_FE: Tensor) -> Tensor:
    """Return the autocorrelation of each frame at lags from 0 on, (F, E)."""
    size = frame_FE.shape[1]
    power_FK = torch.fft.rfft(frame_FE, 2 * size).abs().square()
    whole_FE: Tensor = torch.fft.irfft(power_FK, 2 * size)
    return whole_FE[:, :size]
