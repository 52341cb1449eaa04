from functools import partial

import pytest
import torch
import torch.nn.functional as F

from suite import Form
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.positions import ctc_positions, divide
from tasks.speech_recognition.recordings import Recordings
from tasks.speech_recognition.stem import SpeechStem
from tasks.speech_recognition.symbols import Characters
from tasks.speech_recognition.waves import InMemory


@pytest.mark.parametrize(
    ("text", "positions"), [("", 0), ("a", 1), ("ab", 2), ("aa", 3), ("aaa", 5), ("three", 6)]
)
def test_positions_are_a_symbol_each_and_a_blank_between_equals(text, positions):
    symbols = [ord(c) - ord("a") + 1 for c in text]
    assert ctc_positions(symbols) == positions
    if not text:
        return
    # CTC's own word: impossible with one less.
    for count, possible in ((positions, True), (positions - 1, False)):
        if count:
            loss = F.ctc_loss(
                torch.zeros(count, 1, 27).log_softmax(-1), torch.tensor([symbols]),
                torch.tensor([count]), torch.tensor([len(text)]), reduction="sum",
            )  # fmt: skip
            assert bool(torch.isfinite(loss)) is possible


def test_recordings_are_divided_at_the_last_position_that_does():
    texts = ["abcd", "abcd", "aab"]  # 4 positions each
    # Samples // hop + 1 frames, two to a position: 7 frames make 4 positions, 6 make 3.
    waves = InMemory.from_rows([torch.zeros(n) for n in (60, 59, 60)])
    recordings = Recordings(waves, texts, ["x", "y", "z"])
    symbols = Characters(texts)
    stem = SpeechStem(
        SpeechConfig(sample_rate=1000, hop_seconds=0.01, reduce=2, mels=4, frequency_width=2),
        form=Form.SEQUENCE,
    )
    fitting, problems = divide(recordings, symbols, stem.positions, remedy="lower it")
    assert fitting == [0, 2]
    assert problems == {1: "its transcript needs 4 positions, the model has 3; lower it"}
    shrunk = partial(stem.positions, shrink=0.9)
    fitting, problems = divide(recordings, symbols, shrunk, remedy="")
    assert (fitting, len(problems)) == ([], 3)


def test_recordings_longer_than_the_model_hears_are_told():
    waves = InMemory.from_rows([torch.zeros(n) for n in (60, 61)])
    recordings = Recordings(waves, ["ab", "ab"], ["x", "y"])
    fitting, problems = divide(
        recordings, Characters(["ab"]), lambda samples: samples, remedy="", longest=60
    )
    assert fitting == [0]
    assert problems[1].startswith("has 61 samples, of which the model hears 60; cut it")
