"""Hand-made features of recordings: statistics over time of log-mel bands or cepstral coefficients.

Legend: N recordings, B batch, M mel bands, D bands or coefficients, T frames, G segments,
F features.
"""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from suite import Batch, ConfigError, HandMade, HandMadeConfig, Split, length_mask
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.spectrogram import LogMel

_AUTO = "log_mel"


@torch.inference_mode()
def hand_made(
    options: HandMadeConfig, config: SpeechConfig, batches: Callable[[Split], Iterable[Batch]]
) -> HandMade:
    """Return the statistics of all splits, each of mean 0 and deviation 1 in the training split."""
    kind = _AUTO if options.features == "auto" else options.features
    if kind == "mfcc" and options.coefficients > config.mels:
        raise ConfigError(
            f"backbone.coefficients={options.coefficients}: must be at most task.mels, "
            f"{config.mels}"
        )
    log_mel = LogMel(config).eval()
    values, labels = {}, {}
    for split in Split:
        rows, numbers = [], []
        for batch in batches(split):
            device = batch["wave_BS"].device
            values_BDT, frames_B = log_mel.to(device)(batch)
            if kind == "mfcc":
                values_BDT = cepstrum(values_BDT, options.coefficients)
            rows.append(statistics(values_BDT, frames_B, options.segments).cpu())
            numbers.append(batch["label_B"].cpu())
        values[split] = torch.cat(rows).numpy()
        labels[split] = torch.cat(numbers).numpy()
    train_NF = values[Split.TRAIN].astype(np.float64)
    mean_F, deviation_F = train_NF.mean(0), train_NF.std(0)
    deviation_F[deviation_F < 1e-6] = 1.0
    scaled = {
        split: ((rows_NF - mean_F) / deviation_F).astype(np.float32)
        for split, rows_NF in values.items()
    }
    return HandMade(kind, scaled, labels)


def cepstrum(values_BMT: Tensor, coefficients: int) -> Tensor:
    """Return mel-frequency cepstral coefficients (Davis and Mermelstein 1980), (B, D, T)."""
    from torchaudio.functional import create_dct

    basis_MD = create_dct(coefficients, values_BMT.shape[1], "ortho").to(values_BMT)
    coefficients_BTD: Tensor = values_BMT.transpose(1, 2) @ basis_MD
    return coefficients_BTD.transpose(1, 2)


def statistics(values_BDT: Tensor, frames_B: Tensor, segments: int) -> Tensor:
    """Return (B, F): means of equal segments of time, deviation, and deviation of differences.

    A segment of a recording with fewer frames than segments may have none; its mean is 0, which is
    the mean of every recording. Differences are those of neighbouring frames.
    """
    frames = values_BDT.shape[2]
    real_BT = length_mask(frames_B, frames)
    time_T = torch.arange(frames, device=values_BDT.device)
    segment_BT = time_T * segments // frames_B[:, None]
    segment_G = torch.arange(segments, device=values_BDT.device)
    member_BGT = ((segment_BT[:, None] == segment_G[:, None]) & real_BT[:, None]).float()
    count_BG1 = member_BGT.sum(2, keepdim=True).clamp(min=1)
    mean_BGD = member_BGT @ values_BDT.transpose(1, 2) / count_BG1
    deviation_BD = _deviation(values_BDT, real_BT)
    difference_BDT = values_BDT[:, :, 1:] - values_BDT[:, :, :-1]
    moved_BD = _deviation(difference_BDT, real_BT[:, 1:])
    return torch.cat([mean_BGD.flatten(1), deviation_BD, moved_BD], 1)


def _deviation(values_BDT: Tensor, real_BT: Tensor) -> Tensor:
    real_B1T = real_BT[:, None].float()
    count_B1 = real_B1T.sum(2).clamp(min=1)
    mean_BD = (values_BDT * real_B1T).sum(2) / count_B1
    centred_BDT = (values_BDT - mean_BD[:, :, None]) * real_B1T
    return (centred_BDT.square().sum(2) / count_B1).sqrt()
