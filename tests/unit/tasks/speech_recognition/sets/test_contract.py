"""Standard sets keep the contract of tasks, in memory and streamed."""

import pytest

from suite.testing import COSTLY, check_task

LSTM = ("backbone=lstm", "backbone.width=16", "backbone.depth=1", "trainer.batch_size=4",
        "hardware.workers=0")  # fmt: skip


@pytest.mark.parametrize("stream", ["false", "true"])
def test_transcripts(librispeech, stream):
    root = librispeech("train-clean-100", "dev-clean", "test-clean", speakers=8)
    check_task(["task=speech_transcription", "data=librispeech", "task.sample_rate=16000",
                f"data.path={root}", f"data.stream={stream}", *LSTM],
               skip=COSTLY)  # fmt: skip


@pytest.mark.parametrize("stream", ["false", "true"])
def test_labels(speech_commands, published_test, stream):
    check_task(["task=speech_recognition", "data=speech_commands_12", "data.unknown=0.2",
                f"data.path={speech_commands}", f"data.stream={stream}", *LSTM],
               skip=COSTLY)  # fmt: skip
