"""The input layer: a log-mel spectrogram, as a sequence of frames or as a picture.

Legend: B batch, S samples, M mel bands, T frames.
"""

import torch
from torchaudio.transforms import MelSpectrogram

from audio_tagging.config import AudioTaggingConfig
from suite import Batch, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem, length_mask


class SpectrogramStem(Stem):
    """Logarithm of the power in mel bands, in either form. Frames beyond a recording are masked."""

    def __init__(self, config: AudioTaggingConfig, *, form: Form) -> None:
        super().__init__()
        self.hop = config.hop
        self.spectrogram = MelSpectrogram(
            config.sample_rate,
            n_fft=config.window,
            hop_length=config.hop,
            n_mels=config.mels,
            # Silence around a recording, not its mirror image, which would depend on the padding.
            pad_mode="constant",
        )
        self.spec = (
            SequenceSpec(features=config.mels)
            if form is Form.SEQUENCE
            else GridSpec(channels=1, height=config.mels)
        )

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `wave_BS`, int16, and `length_B`."""
        # Half precision cannot hold the range of a power spectrum.
        with torch.autocast(batch["wave_BS"].device.type, enabled=False):
            power_BMT = self.spectrogram(batch["wave_BS"].float() / 32768)
        # Of 1e-6 to 1e3, about -3 to 3.
        values_BMT = ((power_BMT + 1e-6).log10() + 1.5) / 1.5
        mask_BT = length_mask(batch["length_B"] // self.hop + 1, values_BMT.shape[2])
        values_BMT = values_BMT * mask_BT.unsqueeze(1)
        if isinstance(self.spec, SequenceSpec):
            return Sequence(values_BMT.transpose(1, 2), mask_BT)
        return Grid(values_BMT.unsqueeze(1), mask_BT)
