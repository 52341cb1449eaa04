import io
import wave

import numpy as np
import pytest
import torch

from suite import DataError, Split
from suite.compose import compose
from suite.run import build_task


def _task(folder, cache):
    overrides = ["task=speech_recognition", "data=audiofolder", f"data.path={folder}",
                 f"cache={cache}", "trainer.batch_size=4"]  # fmt: skip
    return build_task(compose(overrides), torch.device("cpu"))


def test_batches_hold_waves_labels_and_seconds(recordings, tmp_path):
    task = _task(recordings(seconds=0.5), tmp_path)
    assert task.data.classes == ("no", "yes")
    batch = next(iter(task.train_batches(seed=0)))
    assert batch["wave_BS"].shape == (4, 4000)
    assert batch.units == pytest.approx(4 * 0.5)
    names = {
        wave_S.numpy().tobytes(): text
        for recording in task.recordings.splits.values()
        for wave_S, text in zip(recording.waves, recording.texts, strict=True)
    }
    for wave_S, label in zip(batch["wave_BS"], batch["label_B"].tolist(), strict=True):
        assert names[wave_S.numpy().tobytes()] == task.data.classes[label]


def test_label_unseen_in_training_is_named(recordings, tmp_path):
    recordings(split="train")
    recordings(split="validation", count=2)
    folder = recordings(("maybe", "yes"), split="test", count=2)
    task = _task(folder, tmp_path)
    with pytest.raises(DataError, match=r"maybe00\.wav: label 'maybe' does not occur in training"):
        task.eval_batches(Split.TEST)


def test_known_of_nothing_but_a_target(recordings, tmp_path):
    task = _task(recordings(), tmp_path)
    assert task.references == ()
    assert (task.target.metric, task.target.threshold) == ("accuracy", 0.95)


def test_an_example_is_shown_as_the_recording_that_it_is(recordings, tmp_path):
    task = _task(recordings(seconds=0.5), tmp_path)
    test = task.recordings.splits[Split.TEST]
    shown = task.show(Split.TEST, 1)
    assert (shown.suffix, shown.name) == (".wav", test.names[1])
    with wave.open(io.BytesIO(shown.content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(samples, test.waves[1].numpy())
