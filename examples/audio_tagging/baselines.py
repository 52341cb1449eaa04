"""What hand-made features reach on the synthetic set: the reference in its configuration.

Mean and deviation over time of each band of the log-mel spectrogram, and a logistic regression for
each tag. Run it anew where the data has changed: `python baselines.py`.
"""

from pathlib import Path

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from audio_tagging.config import AudioTaggingConfig, SyntheticSoundsConfig
from audio_tagging.data import SyntheticSounds
from audio_tagging.stem import SpectrogramStem
from suite import Form, Served, Split


def features(part: Served) -> torch.Tensor:
    """Return mean and deviation of each band over the frames of a recording, (N, 2 M)."""
    stem, rows = SpectrogramStem(AudioTaggingConfig(), form=Form.SEQUENCE), []
    for index in range(len(part)):
        frames_TM = stem(part.take(torch.tensor([index]))).values_BTD[0]
        rows.append(torch.cat([frames_TM.mean(0), frames_TM.std(0)]))
    return torch.stack(rows)


def main() -> None:
    """Print the mean average precision on the test recordings."""
    options = SyntheticSoundsConfig()
    source = SyntheticSounds(clips=options.clips, on_error=options.on_error)
    data = source.load(Path(".cache"), sample_rate=AudioTaggingConfig().sample_rate)
    made, label = {}, {}
    for split in (Split.TRAIN, Split.TEST):
        part = data.splits[split]
        made[split] = features(part).numpy()
        label[split] = part.take(torch.arange(len(part)))["label_BK"].numpy()
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    model.fit(made[Split.TRAIN], label[Split.TRAIN])
    score = average_precision_score(label[Split.TEST], model.predict_proba(made[Split.TEST]))
    print(f"mean and deviation of log-mel bands, logistic regression: {score:.4f}")


if __name__ == "__main__":
    main()
