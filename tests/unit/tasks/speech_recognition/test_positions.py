import pytest
import torch
import torch.nn.functional as F

from tasks.speech_recognition.positions import ctc_positions, divide
from tasks.speech_recognition.recordings import Recordings
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
    fitting, (problem,) = divide(recordings, symbols, hop=10, stride=2)
    assert fitting == [0, 2]
    assert problem.startswith("y: its transcript needs 4 positions, the model has 3;")
    fitting, problems = divide(recordings, symbols, hop=10, stride=2, shrink=0.9)
    assert (fitting, len(problems)) == ([], 3)
